//! Fernet: <https://github.com/fernet/spec>, and the `MultiFernet` of Python's `cryptography`.

use aes::Aes128;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};

use crate::crypto::{first_authentic, is_hmac_sha256, open_cbc};
use crate::encoding::base64_url;
use crate::foreign_format::redacted;
use crate::key::{self, Key32, Reason, at_least_one};
use crate::refused::{NOT_AUTHENTIC, TOO_SHORT, bounded, split, split_last};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError};

const NAME: &str = "fernet";

/// Fernet tokens, under one key or those of a `MultiFernet`.
///
/// ```text
/// token = base64url( 80 | timestamp 8 | IV 16 | AES-128-CBC | HMAC-SHA-256 32 )
/// ```
///
/// The timestamp is authenticated, and nothing else: a value in a column has no time to live.
pub struct Fernet(Vec<FernetKey>);

redacted!(Fernet, FernetKey);

impl Fernet {
    /// With the keys of `Fernet(…)` or `MultiFernet([…])`: each 32 bytes in base64url.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SettingsError> {
        let error = |reason| SettingsError::new(NAME, reason).setting("key");
        let keys: Result<Vec<_>, _> =
            keys.into_iter().map(|key| FernetKey::parse(key.as_ref()).map_err(error)).collect();
        Ok(Self(at_least_one(keys?).map_err(error)?))
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        Self::new(settings.several("key"))
    }
}

impl ForeignFormat for Fernet {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        open(&self.0, stored)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// `signing key 16 | encryption key 16`.
pub(crate) struct FernetKey(Key32);

impl FernetKey {
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        key::parse(text).map(Self)
    }

    pub(crate) fn from_bytes(bytes: Key32) -> Self {
        Self(bytes)
    }

    fn open(&self, token: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let (signing, encryption) = split(&*self.0, 16)?;
        let (authenticated, mac) = split_last(token, 32)?;
        if !is_hmac_sha256(signing, &[authenticated], mac) {
            return Err(NOT_AUTHENTIC);
        }
        let (_version_and_time, rest) = split(authenticated, 9)?;
        let (iv, ciphertext) = split(rest, 16)?;
        open_cbc::<Aes128>(encryption, iv, ciphertext)
    }
}

/// Under the first of the keys that authenticates the token.
pub(crate) fn open(
    keys: &[FernetKey],
    stored: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    bounded(stored)?;
    let token = base64_url(stored)?;
    if token.first() != Some(&0x80) {
        return Err(PlaintextError::new("not a Fernet token: the version is not 80"));
    }
    // Version, timestamp, IV, at least one block of padding, HMAC.
    if token.len() < 1 + 8 + 16 + 16 + 32 {
        return Err(TOO_SHORT);
    }
    first_authentic(keys, |key| key.open(&token))
}
