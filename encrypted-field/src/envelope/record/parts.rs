//! What several records are made of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ctutils::CtEq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::envelope::StoreId;
use crate::error::{Error, ErrorKind, Result};
use crate::key::provider::encoding;

/// A wrapped key under each key-encryption key, by the names of those.
pub(in crate::envelope) type Wraps = BTreeMap<String, Wrapped>;

/// A key as a key-encryption key wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::envelope) struct Wrapped(pub(in crate::envelope) Vec<u8>);

/// Whether the names of key-encryption keys have 1 to 200 bytes.
pub(super) fn are_names(wraps: &Wraps) -> bool {
    wraps.keys().all(|name| (1..=200).contains(&name.len()))
}

/// 32 bytes that are no secret: a hash, a MAC, a check value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::envelope) struct Digest(pub(in crate::envelope) [u8; 32]);

impl Digest {
    pub(in crate::envelope) fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).to_bool()
    }
}

/// Where there may be work: the earliest dates of everything beneath. Seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::envelope) struct Due {
    /// When the oldest active key became active. Keys for indexes don't count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) oldest: Option<u64>,
    /// The date from which something that was begun can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) waiting: Option<u64>,
}

impl Due {
    pub(super) const MEMBERS: [&'static str; 2] = ["oldest", "waiting"];

    pub(in crate::envelope) fn with(self, other: Self) -> Self {
        Self {
            oldest: least(self.oldest, other.oldest),
            waiting: least(self.waiting, other.waiting),
        }
    }
}

pub(super) fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// Checks that an object has no other members than these, because a later release may have written
/// it. Checks also that none of them is null: a member without a value is absent.
///
/// # Errors
/// [`ErrorKind::KeyStoreUnusable`], [`ErrorKind::KeyStoreTampered`].
pub(super) fn refuse_unknown(name: &str, value: &Value, known: &[&str]) -> Result<()> {
    if has_null(value, known) {
        return Err(super::damaged(name, "a member is null"));
    }
    let mut members = value.as_object().into_iter().flat_map(|object| object.keys());
    match members.find(|member| !known.contains(&member.as_str())) {
        // The name of a member is no secret, but may be of any length.
        Some(_) => Err(upgrade(format!(
            "the record \"{name}\" has a member that this release does not know"
        ))),
        None => Ok(()),
    }
}

/// Whether one of these members is null.
pub(super) fn has_null(value: &Value, members: &[&str]) -> bool {
    members.iter().any(|member| value.get(member).is_some_and(Value::is_null))
}

/// The error for something that a later release has written.
pub(in crate::envelope) fn upgrade(what: impl std::fmt::Display) -> Error {
    let detail = format!("{what}: it was written by a later release; upgrade encrypted-field");
    Error::new(ErrorKind::KeyStoreUnusable).detail(detail)
}

// Bytes as base64 in JSON.

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        encoding::decode_32(&text).map(|bytes| Self(*bytes)).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Wrapped {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Wrapped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        encoding::decode(&text).map(|bytes| Self(bytes.to_vec())).map_err(serde::de::Error::custom)
    }
}

/// For `#[serde(with)]`: the id of a store.
pub(super) mod store_id {
    use super::{Cow, Deserialize as _, Deserializer, Serializer, StoreId, encoding};

    pub(in super::super) fn serialize<S: Serializer>(
        id: &StoreId,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(&id.0))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<StoreId, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = encoding::decode(&text).map_err(serde::de::Error::custom)?;
        let id =
            <[u8; 16]>::try_from(&**bytes).map_err(|_| serde::de::Error::custom("not 16 bytes"))?;
        Ok(StoreId(id))
    }
}
