//! The head of a store.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical;
use super::{Digest, Due, NodeLink, StoreMac, Wraps, damaged, parse, upgrade};
use crate::envelope::{Record, StoreId};
use crate::error::{Error, ErrorKind, Result};

const VERSION: u64 = 1;

/// What holds everything together: with it, no record can be changed, left out, added or set back alone. Dates are seconds since
/// 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::envelope) struct Head {
    version: u64,
    #[serde(with = "super::parts::store_id")]
    pub(in crate::envelope) store: StoreId,
    /// Raised where the store key changes. It counts before the revision.
    pub(in crate::envelope) epoch: u64,
    /// Raised by every change.
    pub(in crate::envelope) revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) previous: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) restored: Option<Restoration>,
    pub(in crate::envelope) signed: u64,
    /// In seconds; 0 for never.
    pub(in crate::envelope) heartbeat: u64,
    /// In seconds.
    pub(in crate::envelope) propagation: u64,
    /// The id of the next key. None below it is ever given again.
    pub(in crate::envelope) next_id: u64,
    /// What this change is known by to the one who makes it.
    pub(in crate::envelope) change: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) process: Option<NodeLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) tree: Option<NodeLink>,
    /// The store key, wrapped.
    pub(in crate::envelope) store_key: Wraps,
    pub(in crate::envelope) mac: Digest,
    /// Of a later release.
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// That somebody has accepted a store which was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::envelope) struct Restoration {
    /// The epoch that began with it.
    pub(in crate::envelope) epoch: u64,
    /// The revision that the store had.
    pub(in crate::envelope) revision: u64,
}

impl Head {
    pub(in crate::envelope) fn new(store: StoreId, epoch: u64, heartbeat: u64, propagation: u64) -> Self {
        Self {
            version: VERSION,
            store,
            epoch,
            revision: 0,
            previous: None,
            restored: None,
            signed: 0,
            heartbeat,
            propagation,
            next_id: 1,
            change: Digest([0; 32]),
            by: None,
            why: None,
            process: None,
            tree: None,
            store_key: Wraps::new(),
            mac: Digest([0; 32]),
            unknown: BTreeMap::new(),
        }
    }

    /// The head among what was loaded; not authenticated yet.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`], and [`ErrorKind::KeyStoreUnusable`] where a later release has written it.
    pub(in crate::envelope) fn read(records: &[Record]) -> Result<Self> {
        let mut heads = records.iter().filter(|record| record.is_head());
        let (Some(record), None) = (heads.next(), heads.next()) else {
            return Err(super::tampered("it has records and not one head; restore it from a backup"));
        };
        let value = parse(record)?;
        // Before anything else: what a later version looks like is not known.
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(version) => return Err(upgrade(format!("the head has version {version}"))),
            None => return Err(damaged(Record::HEAD, "it has no version")),
        }
        let head: Self = serde_json::from_value(value)
            .map_err(|_| damaged(Record::HEAD, "a member is missing or has another type"))?;
        if head.revision != record.revision {
            return Err(damaged(Record::HEAD, "its body has another revision than its record"));
        }
        Ok(head)
    }

    /// Whether it was signed with that. What a later release has added is part of what was signed, and makes an error of its own.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnusable`]: authentic, and written by a later release.
    pub(in crate::envelope) fn check(&self, mac: &StoreMac) -> Result<bool> {
        if !self.unsigned().is_some_and(|canonical| mac.sign(&canonical).equals(&self.mac)) {
            return Ok(false);
        }
        if self.unknown.is_empty() {
            Ok(true)
        } else {
            Err(upgrade("the head has a member that this release does not know"))
        }
    }

    /// Its hash, which the next head has.
    pub(in crate::envelope) fn hash(&self, mac: &StoreMac) -> Option<Digest> {
        let value = serde_json::to_value(self).ok()?;
        Some(mac.hash(&canonical::text(&value)?))
    }

    /// Signs it, and gives its record.
    pub(in crate::envelope) fn sign(&mut self, mac: &StoreMac) -> Result<Record> {
        let too_long = || {
            let detail = "the head of the store would be longer than 1 MiB; use fewer key-encryption keys";
            Error::new(ErrorKind::KeyLifecycle).detail(detail)
        };
        self.mac = mac.sign(&self.unsigned().ok_or_else(too_long)?);
        let value = serde_json::to_value(&*self).ok();
        let body = value.as_ref().and_then(canonical::text).filter(|body| body.len() <= Record::MAX_BODY);
        let body = body.ok_or_else(too_long)?;
        Ok(Record { name: Record::HEAD.to_owned(), revision: self.revision, body })
    }

    /// What is newer has more: an epoch, else a revision.
    pub(in crate::envelope) fn age(&self) -> (u64, u64) {
        (self.epoch, self.revision)
    }

    /// Where there may be work in the scopes that are loaded on demand.
    pub(in crate::envelope) fn due(&self) -> Due {
        self.tree.as_ref().map_or_else(Due::default, |tree| tree.due)
    }

    /// The canonical form without the MAC.
    fn unsigned(&self) -> Option<String> {
        let mut value = serde_json::to_value(self).ok()?;
        value.as_object_mut()?.remove("mac");
        canonical::text(&value)
    }
}
