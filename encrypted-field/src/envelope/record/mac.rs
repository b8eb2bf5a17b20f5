//! What the head of a store is authenticated with.

use ctutils::CtEq as _;

use super::Digest;
use super::canonical::put_text;
use crate::cipher::mac::{hmac_sha256, sha256};
use crate::key::derive;
use crate::secret::SecretBytes;

const LABEL: &[u8] = b"encrypted-field/v1/store-head\0";

/// `HKDF-Expand-SHA-256(store key, "encrypted-field/v1/store-mac\0", 32)`, for one key set.
#[derive(Clone)]
pub(in crate::envelope) struct StoreMac {
    key: SecretBytes,
    /// `label | text key set`.
    prefix: Box<[u8]>,
}

impl StoreMac {
    pub(in crate::envelope) fn new(store_key: &SecretBytes, key_set: &str) -> Self {
        Self { key: derive::store_mac_key(store_key), prefix: prefix(key_set).into() }
    }

    /// `HMAC-SHA-256(key, label | text key set | canonical form of the head without its MAC)`.
    pub(super) fn sign(&self, canonical: &str) -> Digest {
        Digest(hmac_sha256(self.key.expose(), &[&self.prefix, canonical.as_bytes()]))
    }

    /// `SHA-256(label | text key set | canonical form of the head)`.
    pub(super) fn hash(&self, canonical: &str) -> Digest {
        Digest(sha256([&*self.prefix, canonical.as_bytes()].into_iter()))
    }
}

impl PartialEq for StoreMac {
    fn eq(&self, other: &Self) -> bool {
        self.prefix == other.prefix && self.key.expose().ct_eq(other.key.expose()).to_bool()
    }
}

fn prefix(key_set: &str) -> Vec<u8> {
    let mut prefix = LABEL.to_vec();
    put_text(&mut prefix, key_set);
    prefix
}
