//! What stands in a store: the head and one entry per key, each authenticated.
//!
//! A record's body is JSON, for people to read. What is authenticated is not that text but its content in one canonical
//! form, so that a database may format JSON as it likes.
//!
//! ```text
//! entry MAC = HMAC-SHA-256(store MAC key, "encrypted-field/v1/store-entry\0" | key set | entry)
//! head MAC  = HMAC-SHA-256(store MAC key, "encrypted-field/v1/store-head\0"  | key set | head)
//! the head has SHA-256("encrypted-field/v1/store-entries\0" | for each entry by id: id u32 | entry MAC)
//! store MAC key = HKDF-Expand-SHA-256(store key, "encrypted-field/v1/store-mac\0", 32)
//! ```

mod canonical;
mod entry;
mod head;

pub(super) use canonical::put_text;
pub(super) use entry::Entry;
pub(super) use head::Head;

use std::collections::BTreeMap;

use ctutils::CtEq as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::cipher::mac::{hmac_sha256, sha256};
use crate::key::derive;
use crate::key::provider::encoding;
use crate::secret::SecretBytes;

/// A wrapped key under each key-encryption key, by the names of those.
pub(super) type Wraps = BTreeMap<String, Wrapped>;

/// What a key-encryption key made of a data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapped(pub(super) Vec<u8>);

/// 32 bytes that are no secret: a MAC, a check value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest(pub(super) [u8; 32]);

impl Digest {
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).to_bool()
    }
}

/// Authenticates the records of one key set.
#[derive(Clone)]
pub(super) struct StoreMac {
    key: SecretBytes,
    key_set: Box<str>,
}

impl PartialEq for StoreMac {
    fn eq(&self, other: &Self) -> bool {
        self.key_set == other.key_set && self.key.expose().ct_eq(other.key.expose()).to_bool()
    }
}

impl StoreMac {
    pub(super) fn new(store_key: &SecretBytes, key_set: &str) -> Self {
        Self { key: derive::store_mac_key(store_key), key_set: key_set.into() }
    }

    fn sign(&self, label: &[u8], content: &[u8]) -> Digest {
        let mut key_set = Vec::with_capacity(4 + self.key_set.len());
        put_text(&mut key_set, &self.key_set);
        Digest(hmac_sha256(self.key.expose(), &[label, &key_set, content]))
    }
}

/// The hash over all entries that the head has.
pub(super) fn hash_of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Digest {
    // One allocation for all: there may be a hundred thousand.
    let mut all = Vec::with_capacity(entries.size_hint().0 * 36);
    for entry in entries {
        all.extend_from_slice(&entry.id.to_be_bytes());
        all.extend_from_slice(&entry.mac.0);
    }
    Digest(sha256([b"encrypted-field/v1/store-entries\0".as_slice(), &all].into_iter()))
}

// Bytes as base64 in JSON.

impl serde::Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        encoding::decode_32(&text).map(|bytes| Self(*bytes)).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Wrapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Wrapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        encoding::decode(&text).map(|bytes| Self(bytes.to_vec())).map_err(serde::de::Error::custom)
    }
}
