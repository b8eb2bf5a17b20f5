//! AES-256-GCM in JSON, under a key derived from a passphrase by PBKDF2.

use std::borrow::Cow;

use aes::cipher::consts::U16;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use pbkdf2::pbkdf2_hmac;
use serde::Deserialize;
use sha2::Sha512;

use crate::crypto::Gcm;
use crate::foreign_format::redacted;
use crate::json::{self, Version};
use crate::key::not_made_up;
use crate::refused::{UNKNOWN_KEY, bounded};
use crate::settings::Settings;
use crate::{Encoding, ForeignFormat, SettingsError};

const NAME: &str = "pbkdf2-aes-256-gcm";
const NOT_JSON: PlaintextError =
    PlaintextError::new("not a JSON object of exactly iv, ciphertext, authTag and keyVersion");

/// `{"iv": 16 bytes, "ciphertext": AES-256-GCM, "authTag": 16 bytes, "keyVersion": …}`, in any
/// order.
///
/// The key of a version is `PBKDF2-HMAC-SHA-512(passphrase, salt, rounds)`, derived once, here.
pub struct Pbkdf2AesGcm {
    keys: Vec<(String, Gcm<U16>)>,
    rounds: u32,
    encoding: Encoding,
}

redacted!(Pbkdf2AesGcm);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Value<'a> {
    #[serde(borrow)]
    iv: Cow<'a, str>,
    #[serde(borrow)]
    ciphertext: Cow<'a, str>,
    #[serde(borrow, rename = "authTag")]
    auth_tag: Cow<'a, str>,
    #[serde(borrow, rename = "keyVersion")]
    key_version: Version<'a>,
}

impl Pbkdf2AesGcm {
    /// The usual number of rounds.
    pub const ROUNDS: u32 = 100_000;
    /// The most rounds: seconds for each key.
    pub const MAX_ROUNDS: u32 = 10_000_000;

    /// Without a key: give it at least one by [`key`](Self::key). `encoding` is that of the IV, the
    /// ciphertext and the tag: base64 or hex.
    ///
    /// # Errors
    ///
    /// There are no rounds, or more than [`MAX_ROUNDS`](Self::MAX_ROUNDS).
    pub fn new(rounds: u32, encoding: Encoding) -> Result<Self, SettingsError> {
        if rounds == 0 || rounds > Self::MAX_ROUNDS {
            let reason = "is 1 to 10000000; give the number that has encrypted the column";
            return Err(SettingsError::new(NAME, reason).setting("rounds"));
        }
        Ok(Self { keys: Vec::new(), rounds, encoding })
    }

    /// Adds the key of a version, the `keyVersion` of the values. Derives it, which takes as long
    /// as the rounds do.
    pub fn key(
        mut self,
        version: impl Into<String>,
        passphrase: impl AsRef<[u8]>,
        salt: impl AsRef<[u8]>,
    ) -> Result<Self, SettingsError> {
        let passphrase = passphrase.as_ref();
        not_made_up(passphrase)
            .map_err(|reason| SettingsError::new(NAME, reason).setting("passphrase"))?;
        let mut key = Zeroizing::new([0; 32]);
        pbkdf2_hmac::<Sha512>(passphrase, salt.as_ref(), self.rounds, &mut *key);
        self.keys.push((version.into(), Gcm::new(&key)));
        Ok(self)
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let encoding = settings.encoding(Encoding::Base64, &[Encoding::Hex, Encoding::Base64])?;
        let mut format = Self::new(settings.number("rounds", Self::ROUNDS)?, encoding)?;
        let of_passphrases = settings.secret_encoding("passphrase_encoding")?;
        let of_salts = settings.secret_encoding("salt_encoding")?;
        let salts = settings.suffixed("salt");
        let passphrases = settings.suffixed("passphrase");
        if passphrases.is_empty() {
            return Err(settings.error("passphrase", "is missing; name it passphrase.VERSION"));
        }
        for (version, passphrase) in passphrases {
            let salt = salts.iter().find(|(of, _)| *of == version);
            let (_, salt) = salt
                .or_else(|| salts.iter().find(|(of, _)| of.is_empty()))
                .ok_or_else(|| settings.error("salt", "is missing for a version"))?;
            let passphrase = of_passphrases
                .decode(passphrase)
                .ok_or_else(|| settings.error("passphrase", "is not in passphrase_encoding"))?;
            let salt = of_salts
                .decode(salt)
                .ok_or_else(|| settings.error("salt", "is not in salt_encoding"))?;
            format = format.key(version, &*passphrase, &*salt)?;
        }
        Ok(format)
    }
}

impl ForeignFormat for Pbkdf2AesGcm {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let value: Value<'_> = json::parse(stored, NOT_JSON)?;
        let (_, key) = self
            .keys
            .iter()
            .find(|(version, _)| value.key_version.is(version))
            .ok_or(UNKNOWN_KEY)?;
        let iv = self.encoding.decode(value.iv.as_bytes())?;
        let ciphertext = self.encoding.decode(value.ciphertext.as_bytes())?;
        let tag = self.encoding.decode(value.auth_tag.as_bytes())?;
        key.open(&iv, b"", &ciphertext, &tag)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
