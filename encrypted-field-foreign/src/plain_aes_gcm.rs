//! AES-256-GCM as many applications do it by hand: the nonce, the ciphertext, the tag.

use encrypted_field::plaintext::{PlaintextError, Zeroizing};

use crate::crypto::{Gcm, first_authentic};
use crate::foreign_format::redacted;
use crate::key::{self, at_least_one};
use crate::refused::{bounded, split};
use crate::settings::Settings;
use crate::{Encoding, ForeignFormat, SettingsError};

const NAME: &str = "aes-256-gcm";

/// `nonce 12 | AES-256-GCM | tag 16`, in a binary column, in hexadecimal or in base64.
///
/// In a binary column it has no header. One random value in 358 million begins like a stored value
/// of encrypted-field (FORMAT.md, section 3.4). Such a row is refused, and is not given to this
/// reader.
pub struct AesGcm {
    keys: Vec<Gcm>,
    encoding: Encoding,
    associated_data: Vec<u8>,
}

redacted!(AesGcm);

impl AesGcm {
    /// With keys of 32 bytes in hex or base64. All are tried.
    pub fn new<K: AsRef<str>>(
        keys: impl IntoIterator<Item = K>,
        encoding: Encoding,
    ) -> Result<Self, SettingsError> {
        let keys: Result<Vec<_>, _> = keys
            .into_iter()
            .map(|text| key::parse(text.as_ref()).map(|key| Gcm::new(&key)))
            .collect();
        let keys = keys
            .and_then(at_least_one)
            .map_err(|reason| SettingsError::new(NAME, reason).setting("key"))?;
        Ok(Self { keys, encoding, associated_data: Vec::new() })
    }

    /// The same associated data with all values. There is none by default.
    #[must_use]
    pub fn associated_data(mut self, associated_data: impl Into<Vec<u8>>) -> Self {
        self.associated_data = associated_data.into();
        self
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let allowed = [Encoding::Binary, Encoding::Hex, Encoding::Base64];
        let encoding = settings.encoding(Encoding::Base64, &allowed)?;
        let associated_data = settings.optional("associated_data").unwrap_or_default();
        Ok(Self::new(settings.several("key"), encoding)?.associated_data(associated_data))
    }
}

impl ForeignFormat for AesGcm {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let value = self.encoding.decode(stored)?;
        let (nonce, sealed) = split(&value, 12)?;
        first_authentic(&self.keys, |key| key.open_postfix(nonce, &self.associated_data, sealed))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
