//! AES-256-GCM in JSON with the version of the key.

use std::borrow::Cow;

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use serde::Deserialize;

use crate::crypto::Gcm;
use crate::foreign_format::redacted;
use crate::json::{self, Version};
use crate::key::{self, at_least_one};
use crate::refused::{UNKNOWN_KEY, bounded};
use crate::settings::Settings;
use crate::{Encoding, ForeignFormat, SettingsError};

const NAME: &str = "json-aes-256-gcm";
const NOT_JSON: PlaintextError =
    PlaintextError::new("not a JSON object of exactly version, nonce and ciphertext");

/// `{"version": …, "nonce": 12 bytes, "ciphertext": AES-256-GCM | tag 16}`, in any order.
///
/// The version says which key: a number or a string.
pub struct JsonAesGcm {
    keys: Vec<(String, Gcm)>,
    encoding: Encoding,
}

redacted!(JsonAesGcm);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Value<'a> {
    #[serde(borrow)]
    version: Version<'a>,
    #[serde(borrow)]
    nonce: Cow<'a, str>,
    #[serde(borrow)]
    ciphertext: Cow<'a, str>,
}

impl JsonAesGcm {
    /// With the keys by version, each 32 bytes in hex or base64. `encoding` is that of the nonce
    /// and the ciphertext: base64 or hex.
    pub fn new<V: Into<String>, K: AsRef<str>>(
        keys: impl IntoIterator<Item = (V, K)>,
        encoding: Encoding,
    ) -> Result<Self, SettingsError> {
        let error = |reason| SettingsError::new(NAME, reason).setting("key");
        let keys: Result<Vec<_>, _> = keys
            .into_iter()
            .map(|(version, text)| {
                key::parse(text.as_ref()).map(|key| (version.into(), Gcm::new(&key)))
            })
            .collect();
        Ok(Self { keys: keys.and_then(at_least_one).map_err(error)?, encoding })
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let encoding = settings.encoding(Encoding::Base64, &[Encoding::Hex, Encoding::Base64])?;
        Self::new(settings.suffixed("key"), encoding)
    }
}

impl ForeignFormat for JsonAesGcm {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let value: Value<'_> = json::parse(stored, NOT_JSON)?;
        let (_, key) =
            self.keys.iter().find(|(version, _)| value.version.is(version)).ok_or(UNKNOWN_KEY)?;
        let nonce = self.encoding.decode(value.nonce.as_bytes())?;
        let sealed = self.encoding.decode(value.ciphertext.as_bytes())?;
        key.open_postfix(&nonce, b"", &sealed)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
