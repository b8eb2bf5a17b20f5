//! `@47ng/cloak`, of Node and the browser.

use base64::engine::general_purpose::URL_SAFE_PAD_INDIFFERENT;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use sha2::{Digest as _, Sha256};

use crate::crypto::Gcm;
use crate::foreign_format::redacted;
use crate::key::{self, Reason, at_least_one};
use crate::refused::{UNKNOWN_KEY, bounded};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError, encoding};

const NAME: &str = "47ng-cloak";

/// Strings of `@47ng/cloak`:
///
/// ```text
/// v1.aesgcm256.<fingerprint of the key>.<base64url(nonce 12)>.<base64url(AES-256-GCM | tag 16)>
/// ```
///
/// `prisma-field-encryption` stores the same.
pub struct Cloak47ng(Vec<(String, Gcm)>);

redacted!(Cloak47ng);

impl Cloak47ng {
    /// With the keys of the keychain: `k1.aesgcm256.…` each.
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SettingsError> {
        let keys: Result<Vec<_>, _> = keys.into_iter().map(|key| parse(key.as_ref())).collect();
        keys.and_then(at_least_one)
            .map(Self)
            .map_err(|reason| SettingsError::new(NAME, reason).setting("key"))
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        Self::new(settings.several("key"))
    }
}

/// The fingerprint is the first 8 digits of the SHA-256 of the key's text.
fn parse(text: &str) -> Result<(String, Gcm), Reason> {
    let bytes = text
        .strip_prefix("k1.aesgcm256.")
        .and_then(|key| encoding::decode(&URL_SAFE_PAD_INDIFFERENT, key.as_bytes()))
        .and_then(|bytes| key::exactly(&bytes))
        .ok_or("a key is k1.aesgcm256. and 44 characters of base64url")?;
    key::not_made_up(&*bytes)?;
    let digest = Sha256::digest(text);
    let fingerprint = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    Ok((format!("{fingerprint:08x}"), Gcm::new(&bytes)))
}

impl ForeignFormat for Cloak47ng {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let parts: Vec<_> = stored.splitn(6, |byte| *byte == b'.').collect();
        let [b"v1", b"aesgcm256", fingerprint, nonce, sealed] = parts[..] else {
            return Err(PlaintextError::new("not a string of @47ng/cloak: v1.aesgcm256.…"));
        };
        let (_, key) =
            self.0.iter().find(|(of, _)| of.as_bytes() == fingerprint).ok_or(UNKNOWN_KEY)?;
        let nonce = encoding::base64_url(nonce)?;
        let sealed = encoding::base64_url(sealed)?;
        key.open_postfix(&nonce, b"", &sealed)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
