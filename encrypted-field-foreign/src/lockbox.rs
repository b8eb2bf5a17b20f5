//! Lockbox, of Ruby.

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use hkdf::Hkdf;
use sha2::Sha384;

use crate::crypto::{Gcm, first_authentic};
use crate::foreign_format::redacted;
use crate::key::{self, Key32, Reason};
use crate::refused::{bounded, split};
use crate::settings::Settings;
use crate::{Encoding, ForeignFormat, SettingsError};

const NAME: &str = "lockbox";
/// In the info of the derivation, before the attribute: as in `CipherSweet`.
const SEPARATOR: [u8; 32] = [0xB4; 32];

/// Attributes and strings of Lockbox by its default algorithm: `nonce 12 | AES-256-GCM | tag 16`,
/// in base64 or binary.
///
/// The plaintext of the types `string`, `text`, `date`, `datetime`, `decimal` and `json` is text.
/// Lockbox packs others: `t` or `f` for booleans, eight bytes, big-endian, for integers and floats.
/// A closure ([`from_fn`](crate::from_fn)) around this format unpacks them. For the other
/// algorithms of Lockbox there is no reader.
pub struct Lockbox {
    versions: Vec<LockboxKey>,
    encoding: Encoding,
    reads_empty: bool,
}

/// The key of an attribute of Lockbox, with what may differ between its versions.
pub struct LockboxKey {
    cipher: Gcm,
    padding: Option<usize>,
    associated_data: Vec<u8>,
}

redacted!(Lockbox, LockboxKey);

impl LockboxKey {
    /// A key that was given to Lockbox as `key:`: 64 hexadecimal digits.
    pub fn new(key: &str) -> Result<Self, SettingsError> {
        hex_key(key).map(|key| Self::with(&key)).map_err(|reason| error("key", reason))
    }

    /// The key that Lockbox derives for an attribute from the master key. `attribute` is the column
    /// with the ciphertext, such as `email_ciphertext`, unless the model sets `key_attribute`.
    ///
    /// ```text
    /// HKDF-SHA-384(master key, salt: table, info: B4 * 32 || attribute), 32 bytes
    /// ```
    pub fn attribute(
        master_key: &str,
        table: &str,
        attribute: &str,
    ) -> Result<Self, SettingsError> {
        if table.is_empty() || attribute.is_empty() {
            return Err(error("attribute", "is missing, or the table is; give both"));
        }
        let master = hex_key(master_key).map_err(|reason| error("master_key", reason))?;
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha384>::new(Some(table.as_bytes()), &*master)
            .expand_multi_info(&[&SEPARATOR, attribute.as_bytes()], &mut *key)
            .map_err(|_| error("master_key", "can't be derived"))?;
        Ok(Self::with(&key))
    }

    fn with(key: &[u8; 32]) -> Self {
        Self { cipher: Gcm::new(key), padding: None, associated_data: Vec::new() }
    }

    /// The values are padded to blocks of as many bytes: 16 for `padding: true`.
    #[must_use]
    pub fn padding(mut self, block: usize) -> Self {
        self.padding = Some(block);
        self
    }

    /// `associated_data:`, if it is the same for all rows.
    #[must_use]
    pub fn associated_data(mut self, associated_data: impl Into<Vec<u8>>) -> Self {
        self.associated_data = associated_data.into();
        self
    }

    fn open(&self, nonce: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let mut text = self.cipher.open_postfix(nonce, &self.associated_data, sealed)?;
        if let Some(block) = self.padding {
            let length = unpadded(&text, block)
                .ok_or(PlaintextError::new("authenticates, but is not padded; drop the padding"))?;
            text.truncate(length);
        }
        Ok(text)
    }
}

fn error(setting: &str, reason: Reason) -> SettingsError {
    SettingsError::new(NAME, reason).setting(setting)
}

fn hex_key(text: &str) -> Result<Key32, Reason> {
    if text.len() != 64 {
        return Err("a key of Lockbox is 64 hexadecimal digits");
    }
    key::parse(text)
}

/// The length without the padding of ISO/IEC 7816-4: one byte 80 and zeros, a block at most.
fn unpadded(text: &[u8], block: usize) -> Option<usize> {
    let at = text.iter().rposition(|byte| *byte != 0)?;
    (text[at] == 0x80 && text.len() - at <= block).then_some(at)
}

impl Lockbox {
    /// With the key of the attribute. Values are in base64 by default.
    pub fn new(key: LockboxKey) -> Self {
        Self { versions: vec![key], encoding: Encoding::Base64, reads_empty: false }
    }

    /// Adds an entry of `previous_versions`. The keys are tried in order.
    #[must_use]
    pub fn previous(mut self, key: LockboxKey) -> Self {
        self.versions.push(key);
        self
    }

    /// [`Encoding::Binary`] for `encode: false`.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Reads the empty value as the empty plaintext. Without padding, Lockbox stores an empty
    /// string as it is. Nothing authenticates that, so whoever can write to the column can plant
    /// it. By default it is refused.
    #[must_use]
    pub fn read_empty(mut self) -> Self {
        self.reads_empty = true;
        self
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let padding: usize = settings.number("padding", 0)?;
        let associated_data = settings.optional("associated_data").unwrap_or_default();
        let encoding =
            settings.encoding(Encoding::Base64, &[Encoding::Base64, Encoding::Binary])?;
        let reads_empty = match settings.optional("empty") {
            None | Some("refused") => false,
            Some("plaintext") => true,
            Some(_) => return Err(settings.error("empty", "is plaintext or refused")),
        };
        let table = settings.optional("table").unwrap_or_default();
        let attribute = settings.optional("attribute").unwrap_or_default();
        let mut keys = Vec::new();
        match (settings.optional("key"), settings.optional("master_key")) {
            (Some(key), None) if table.is_empty() && attribute.is_empty() => {
                keys.push(LockboxKey::new(key)?);
            }
            (None, Some(master)) => keys.push(LockboxKey::attribute(master, table, attribute)?),
            _ => {
                let reason = "is missing, or too much: give it, or master_key, table and attribute";
                return Err(settings.error("key", reason));
            }
        }
        for master in settings.several("previous_master_key") {
            keys.push(LockboxKey::attribute(master, table, attribute)?);
        }
        for key in settings.several("previous_key") {
            keys.push(LockboxKey::new(key)?);
        }
        for key in &mut keys {
            key.padding = (padding != 0).then_some(padding);
            key.associated_data = associated_data.as_bytes().to_vec();
        }
        Ok(Self { versions: keys, encoding, reads_empty })
    }
}

impl ForeignFormat for Lockbox {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        if stored.is_empty() && self.reads_empty {
            return Ok(Zeroizing::default());
        }
        let value = self.encoding.decode(stored)?;
        let (nonce, sealed) = split(&value, 12)?;
        first_authentic(&self.versions, |key| key.open(nonce, sealed))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

#[cfg(test)]
mod tests {
    use super::unpadded;

    #[test]
    fn padding_is_one_block_at_most() {
        let padded = |zeros| [b"CANARY-\x80".as_slice(), &vec![0; zeros]].concat();
        assert_eq!(unpadded(&padded(0), 16), Some(7));
        assert_eq!(unpadded(&padded(15), 16), Some(7));
        assert_eq!(unpadded(&padded(16), 16), None);
        assert_eq!(unpadded(b"CANARY-\0", 16), None);
        assert_eq!(unpadded(b"\0\0", 16), None);
        assert_eq!(unpadded(b"", 16), None);
    }
}
