//! Cloak and `cloak_ecto`, of Elixir: the cipher `Cloak.Ciphers.AES.GCM`.

use aes::cipher::array::ArraySize;
use aes::cipher::consts::{U12, U16};
use encrypted_field::plaintext::{PlaintextError, Zeroizing};

use crate::crypto::Gcm;
use crate::foreign_format::redacted;
use crate::key::{self, Reason};
use crate::refused::{UNKNOWN_KEY, bounded, split};
use crate::settings::Settings;
use crate::{Encoding, ForeignFormat, SettingsError};

const NAME: &str = "cloak-ecto";
const ASSOCIATED_DATA: &[u8] = b"AES256GCM";
const NO_HEADER: PlaintextError =
    PlaintextError::new("no header of Cloak: 01, the length of the key's tag, the key's tag");

/// Values of the vault of an Elixir application, by `Cloak.Ciphers.AES.GCM`:
///
/// ```text
/// 01 | length of the key's tag | key's tag | IV | authentication tag 16 | AES-256-GCM
/// ```
///
/// The length is that of DER: one byte up to 127. The plaintext is text: what `to_string` gives,
/// or JSON for maps and lists. `Cloak.Ciphers.AES.CTR` does not authenticate, and there is no
/// reader for it.
pub struct CloakEcto {
    keys: Vec<(Vec<u8>, Cipher)>,
    encoding: Encoding,
}

/// By the length of the IV.
enum Cipher {
    Iv16(Gcm<U16>),
    Iv12(Gcm<U12>),
}

redacted!(CloakEcto);

impl CloakEcto {
    /// Without a key: give it at least one by [`key`](Self::key). Values are binary by default.
    #[expect(clippy::new_without_default, reason = "without a key it reads nothing")]
    pub fn new() -> Self {
        Self { keys: Vec::new(), encoding: Encoding::Binary }
    }

    /// Adds the key of a tag, such as `AES.GCM.V1`: 32 bytes in base64 or hex. `iv_length` is that
    /// of the cipher's options, 16 if they have none, or 12.
    pub fn key(
        mut self,
        tag: impl Into<Vec<u8>>,
        key: &str,
        iv_length: usize,
    ) -> Result<Self, SettingsError> {
        let error = |setting, reason: Reason| SettingsError::new(NAME, reason).setting(setting);
        let key = key::parse(key).map_err(|reason| error("key", reason))?;
        let cipher = match iv_length {
            16 => Cipher::Iv16(Gcm::new(&key)),
            12 => Cipher::Iv12(Gcm::new(&key)),
            _ => return Err(error("iv_length", "is 16 or 12")),
        };
        self.keys.push((tag.into(), cipher));
        Ok(self)
    }

    /// How the column holds the values, if not as binary.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let allowed = [Encoding::Binary, Encoding::Hex, Encoding::Base64];
        let encoding = settings.encoding(Encoding::Binary, &allowed)?;
        let iv_length = settings.number("iv_length", 16)?;
        let keys = settings.suffixed("key");
        if keys.is_empty() || keys.iter().any(|(tag, _)| tag.is_empty()) {
            return Err(settings.error("key", "is named key.TAG, such as key.AES.GCM.V1"));
        }
        keys.into_iter().try_fold(Self::new().encoding(encoding), |format, (tag, key)| {
            format.key(tag, key, iv_length)
        })
    }
}

/// The key's tag, and what follows it. `Cloak.Tags.Encoder`, which has one spelling for a length.
fn header(value: &[u8]) -> Result<(&[u8], &[u8]), PlaintextError> {
    let (length, rest) = match value {
        [1, length @ 0..=127, rest @ ..] | [1, 0x81, length @ 128..=255, rest @ ..] => {
            (usize::from(*length), rest)
        }
        [1, 0x82, high @ 1..=255, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return Err(NO_HEADER),
    };
    rest.split_at_checked(length).ok_or(NO_HEADER)
}

/// `IV | authentication tag 16 | AES-256-GCM`.
fn open<N: ArraySize>(gcm: &Gcm<N>, rest: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    let (iv, rest) = split(rest, N::USIZE)?;
    let (tag, ciphertext) = split(rest, 16)?;
    gcm.open(iv, ASSOCIATED_DATA, ciphertext, tag)
}

impl ForeignFormat for CloakEcto {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let value = self.encoding.decode(stored)?;
        let (tag, rest) = header(&value)?;
        let (_, cipher) = self.keys.iter().find(|(of, _)| of == tag).ok_or(UNKNOWN_KEY)?;
        match cipher {
            Cipher::Iv16(gcm) => open(gcm, rest),
            Cipher::Iv12(gcm) => open(gcm, rest),
        }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
