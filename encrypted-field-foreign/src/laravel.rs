//! Laravel: `encrypted` casts, and `Crypt`.

use std::borrow::Cow;

use aes::Aes256;
use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use serde::Deserialize;

use crate::crypto::{Gcm, first_authentic, is_hmac_sha256, open_cbc};
use crate::encoding::{base64, hex};
use crate::foreign_format::redacted;
use crate::key::{self, Key32, Reason, at_least_one};
use crate::refused::{IV_LENGTH, NOT_AUTHENTIC, bounded};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError, json};

const NAME: &str = "laravel";
const NOT_A_PAYLOAD: PlaintextError =
    PlaintextError::new("not a payload of Laravel: base64 of JSON with iv, value, mac and tag");
const NOT_SERIALIZED: PlaintextError =
    PlaintextError::new("the plaintext is not a string as PHP serializes it: s:5:\"hello\";");

/// Values of Laravel's `encrypted` casts and of `Crypt::encryptString`, by its two ciphers with
/// keys of 256 bits.
///
/// ```text
/// base64( {"iv": base64, "value": base64, "mac": hex, "tag": base64} )
/// AES-256-CBC    the MAC is HMAC-SHA-256(key, iv || value) of the texts; the tag is empty
/// AES-256-GCM    the tag has 16 bytes; the MAC is empty
/// ```
///
/// The plaintext is the text of the value, or JSON for `encrypted:array` and the like.
pub struct Laravel {
    keys: Keys,
    is_serialized: bool,
}

enum Keys {
    Cbc(Vec<Key32>),
    Gcm(Vec<Gcm>),
}

redacted!(Laravel);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    #[serde(borrow)]
    iv: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow)]
    mac: Cow<'a, str>,
    // Laravel 8 and earlier write none with AES-256-CBC.
    #[serde(borrow, default)]
    tag: Cow<'a, str>,
}

impl Laravel {
    /// `AES-256-CBC` with its MAC, the default of Laravel. With the texts of `APP_KEY` and of
    /// `APP_PREVIOUS_KEYS`: `base64:…`, or 32 characters.
    pub fn cbc<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SettingsError> {
        Ok(Self { keys: Keys::Cbc(parse(keys, |key| key)?), is_serialized: false })
    }

    /// `AES-256-GCM`, with the keys as for [`cbc`](Self::cbc).
    pub fn gcm<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> Result<Self, SettingsError> {
        Ok(Self { keys: Keys::Gcm(parse(keys, |key| Gcm::new(&key))?), is_serialized: false })
    }

    /// The values are strings that `Crypt::encrypt` or `encrypt()` has serialized: the plaintext is
    /// what stands between the quotation marks of `s:5:"hello";`. Other types are refused.
    #[must_use]
    pub fn serialized(mut self) -> Self {
        self.is_serialized = true;
        self
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let keys = settings.several("key");
        let mut format = match settings.optional("cipher") {
            None | Some("aes-256-cbc" | "AES-256-CBC") => Self::cbc(keys)?,
            Some("aes-256-gcm" | "AES-256-GCM") => Self::gcm(keys)?,
            Some(_) => {
                return Err(settings.error("cipher", "is aes-256-cbc or aes-256-gcm"));
            }
        };
        format.is_serialized = settings.flag("serialized", false)?;
        Ok(format)
    }

    fn open(&self, payload: &Payload<'_>) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let iv = base64(payload.iv.as_bytes())?;
        let ciphertext = base64(payload.value.as_bytes())?;
        match &self.keys {
            Keys::Gcm(keys) => {
                if !payload.mac.is_empty() {
                    return Err(PlaintextError::new(
                        "has a MAC, which AES-256-GCM has not; the cipher may be AES-256-CBC",
                    ));
                }
                let tag = base64(payload.tag.as_bytes())?;
                first_authentic(keys, |key| key.open(&iv, b"", &ciphertext, &tag))
            }
            Keys::Cbc(keys) => {
                if !payload.tag.is_empty() {
                    return Err(PlaintextError::new(
                        "has a tag, which AES-256-CBC has not; the cipher may be AES-256-GCM",
                    ));
                }
                if iv.len() != 16 {
                    return Err(IV_LENGTH);
                }
                let mac = hex(payload.mac.as_bytes())
                    .filter(|mac| mac.len() == 32)
                    .ok_or(PlaintextError::new("has no MAC; without one anybody can change it"))?;
                let authenticated = [payload.iv.as_bytes(), payload.value.as_bytes()];
                first_authentic(keys, |key| {
                    if !is_hmac_sha256(&**key, &authenticated, &mac) {
                        return Err(NOT_AUTHENTIC);
                    }
                    open_cbc::<Aes256>(&**key, &iv, &ciphertext)
                })
            }
        }
    }
}

fn parse<K: AsRef<str>, T>(
    keys: impl IntoIterator<Item = K>,
    make: impl Fn(Key32) -> T,
) -> Result<Vec<T>, SettingsError> {
    let keys: Result<Vec<_>, _> =
        keys.into_iter().map(|text| app_key(text.as_ref()).map(&make)).collect();
    keys.and_then(at_least_one).map_err(|reason| SettingsError::new(NAME, reason).setting("key"))
}

fn app_key(text: &str) -> Result<Key32, Reason> {
    let key = match text.strip_prefix("base64:") {
        Some(key) => base64(key).ok().and_then(|bytes| key::exactly(&bytes)),
        None => key::exactly(text.as_bytes()),
    };
    let key = key.ok_or("a key is base64: and 44 characters, or 32 characters")?;
    key::not_made_up(&*key).map(|()| key)
}

/// A string of PHP's `serialize`: `s:<bytes>:"…";`, with one spelling of the length.
fn unserialize(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"s:")?;
    let colon = rest.iter().take(10).position(|byte| *byte == b':')?;
    let (length, rest) = rest.split_at(colon);
    let string = rest.strip_prefix(b":\"")?.strip_suffix(b"\";")?;
    (length == string.len().to_string().as_bytes()).then_some(string)
}

impl ForeignFormat for Laravel {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let document = base64(stored)?;
        let text = self.open(&json::parse(&document, NOT_A_PAYLOAD)?)?;
        if !self.is_serialized {
            return Ok(text);
        }
        unserialize(&text).map(|string| Zeroizing::new(string.to_vec())).ok_or(NOT_SERIALIZED)
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
