//! Rails: Active Record Encryption, `activerecord/lib/active_record/encryption`.

use std::borrow::Cow;

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use pbkdf2::pbkdf2_hmac;
use serde::Deserialize;
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::crypto::{Gcm, first_authentic};
use crate::encoding::base64;
use crate::foreign_format::redacted;
use crate::inflate::inflate;
use crate::key::{Key32, Reason, at_least_one, not_made_up};
use crate::refused::{UNKNOWN_KEY, bounded};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError, json, key};

const NAME: &str = "rails";
/// `ActiveSupport::KeyGenerator`.
const ROUNDS: u32 = 1 << 16;
const NOT_A_MESSAGE: PlaintextError = PlaintextError::new(
    "not a message of Active Record Encryption: JSON with p and h, and the headers iv and at",
);

/// Attributes that a model of Rails declares with `encrypts`.
///
/// ```text
/// {"p": payload, "h": {"iv": 12 bytes, "at": tag of 16 bytes, …}}    each in base64
/// payload = AES-256-GCM( plaintext, or zlib(plaintext) with "c": true )
/// key     = PBKDF2-HMAC(primary key, key derivation salt, 65536 rounds)
/// ```
///
/// The keys are derived once, here. It knows references to keys (`store_key_references`) and
/// `EnvelopeEncryptionKeyProvider`. Deterministic attributes have the same message: give the
/// `deterministic_key` as a primary key. It refuses other serializers, compressors than zlib, and
/// texts in encodings other than UTF-8.
///
/// The message does not authenticate its headers. Whoever can write to the column can make a
/// compressed plaintext come back compressed, by taking away `c`.
pub struct Rails(Vec<RailsKey>);

/// The hash that Rails derives keys with: `config.active_record.encryption.hash_digest_class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RailsDigest {
    /// The default of Rails 7.0.
    Sha1,
    /// The default of Rails 7.1 and later.
    Sha256,
}

struct RailsKey {
    /// As messages refer to it: the first 4 hexadecimal digits of the SHA-1 of the key.
    id: String,
    cipher: Gcm,
}

redacted!(Rails, RailsKey);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    #[serde(borrow)]
    p: Cow<'a, str>,
    #[serde(borrow)]
    h: Headers<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Headers<'a> {
    #[serde(borrow)]
    iv: Cow<'a, str>,
    #[serde(borrow)]
    at: Cow<'a, str>,
    /// Whether the plaintext is compressed.
    #[serde(default)]
    c: bool,
    /// The encoding of the text.
    #[serde(borrow)]
    e: Option<Cow<'a, str>>,
    /// The id of the key.
    #[serde(borrow)]
    i: Option<Cow<'a, str>>,
    /// The message's own key, encrypted.
    #[serde(borrow)]
    k: Option<Box<Message<'a>>>,
}

impl Rails {
    /// With the primary keys, all that the column was ever encrypted with, and the
    /// `key_derivation_salt`. Give both digests if the application has read
    /// values of Rails 7.0 (`support_sha1_for_non_deterministic_encryption`).
    ///
    /// Derives each key, tens of milliseconds for each with an optimised build.
    pub fn new<K: AsRef<str>>(
        primary_keys: impl IntoIterator<Item = K>,
        key_derivation_salt: &str,
        digests: &[RailsDigest],
    ) -> Result<Self, SettingsError> {
        let error = |setting, reason| SettingsError::new(NAME, reason).setting(setting);
        if key_derivation_salt.is_empty() {
            return Err(error("key_derivation_salt", "is missing; Rails has it beside the keys"));
        }
        if digests.is_empty() {
            return Err(error("hash_digest_class", "is missing; Rails 7.1 and later have SHA256"));
        }
        let mut keys = Vec::new();
        for primary in primary_keys {
            for digest in digests {
                let key = RailsKey::derive(primary.as_ref(), key_derivation_salt, *digest);
                keys.push(key.map_err(|reason| error("primary_key", reason))?);
            }
        }
        at_least_one(keys).map(Self).map_err(|reason| error("primary_key", reason))
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let salt = settings.required("key_derivation_salt")?;
        let digests: &[_] = match settings.optional("hash_digest_class") {
            None | Some("SHA256") => &[RailsDigest::Sha256],
            Some("SHA1") => &[RailsDigest::Sha1],
            Some("both") => &[RailsDigest::Sha256, RailsDigest::Sha1],
            Some(_) => return Err(settings.error("hash_digest_class", "is SHA256, SHA1 or both")),
        };
        Self::new(settings.several("primary_key"), salt, digests)
    }

    /// The keys that a message names, or all.
    fn candidates(&self, headers: &Headers<'_>) -> Result<Vec<&RailsKey>, PlaintextError> {
        let Some(id) = &headers.i else { return Ok(self.0.iter().collect()) };
        let id = base64(id.as_bytes())?;
        let keys: Vec<_> = self.0.iter().filter(|key| *key.id.as_bytes() == **id).collect();
        if keys.is_empty() { Err(UNKNOWN_KEY) } else { Ok(keys) }
    }

    fn open(&self, message: &Message<'_>) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let candidates = self.candidates(&message.h)?;
        let ciphers = || candidates.iter().map(|key| &key.cipher);
        let Some(wrapped) = &message.h.k else { return message.open(ciphers()) };
        wrapped.h.check_encoding()?;
        if wrapped.h.k.is_some() || wrapped.h.i.is_some() || wrapped.h.c {
            return Err(NOT_A_MESSAGE);
        }
        let data_key: Key32 = key::exactly(&wrapped.open(ciphers())?)
            .ok_or(PlaintextError::new("the message's own key is not 32 bytes"))?;
        message.open([&Gcm::new(&data_key)])
    }
}

impl Headers<'_> {
    /// Takes encodings that have the bytes of UTF-8, or mean bytes.
    fn check_encoding(&self) -> Result<(), PlaintextError> {
        let Some(encoding) = &self.e else { return Ok(()) };
        match &**base64(encoding.as_bytes())? {
            b"UTF-8" | b"US-ASCII" | b"ASCII-8BIT" => Ok(()),
            _ => Err(PlaintextError::new("the text is in an encoding other than UTF-8")),
        }
    }
}

impl Message<'_> {
    fn open<'k>(
        &self,
        ciphers: impl IntoIterator<Item = &'k Gcm>,
    ) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        let payload = base64(self.p.as_bytes())?;
        let iv = base64(self.h.iv.as_bytes())?;
        let tag = base64(self.h.at.as_bytes())?;
        first_authentic(ciphers, |cipher| cipher.open(&iv, b"", &payload, &tag))
    }
}

impl RailsKey {
    fn derive(primary: &str, salt: &str, digest: RailsDigest) -> Result<Self, Reason> {
        not_made_up(primary.as_bytes())?;
        let mut key = Zeroizing::new([0; 32]);
        let (primary, salt) = (primary.as_bytes(), salt.as_bytes());
        match digest {
            RailsDigest::Sha1 => pbkdf2_hmac::<Sha1>(primary, salt, ROUNDS, &mut *key),
            RailsDigest::Sha256 => pbkdf2_hmac::<Sha256>(primary, salt, ROUNDS, &mut *key),
        }
        let hash = Sha1::digest(key.as_slice());
        Ok(Self { id: format!("{:02x}{:02x}", hash[0], hash[1]), cipher: Gcm::new(&key) })
    }
}

impl ForeignFormat for Rails {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        bounded(stored)?;
        let message: Message<'_> = json::parse(stored, NOT_A_MESSAGE)?;
        message.h.check_encoding()?;
        let text = self.open(&message)?;
        if message.h.c { inflate(&text) } else { Ok(text) }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
