//! What may be told of a store: which key is where.

use std::time::SystemTime;

use super::{Inner, KeyManager, date};
use crate::envelope::record::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{KeyState, Purpose};
use crate::key_id::KeyId;

/// What a store says of itself, authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Raised by each change; what [`min_revision`](super::KeyManagerBuilder::min_revision) takes.
    pub revision: u64,
    /// Raised where a restored store was accepted or a KEK was left out; what [`min_epoch`](super::KeyManagerBuilder::min_epoch)
    /// takes.
    pub epoch: u64,
    /// The id that the next key gets.
    pub next_id: u64,
    /// When it was last changed.
    pub changed: SystemTime,
    /// When this process has last confirmed it, with the key service.
    pub confirmed: Option<SystemTime>,
    /// Why this process could not do what the policy asks for the last time that it tried.
    pub maintenance_failure: Option<String>,
    /// The names of the KEKs that the store is wrapped under.
    pub keks: Vec<String>,
    /// All keys, by id.
    pub keys: Vec<KeyStatus>,
}

/// What a store says of one key, authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Its id.
    pub id: KeyId,
    /// Its scope, `""` by default.
    pub scope: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The how manieth key of its scope and purpose it is, from 1: one more than the rotations before it.
    pub version: u32,
    /// Where it stands in its life.
    pub state: KeyState,
    /// Whether it is loaded when its scope is entered.
    pub on_demand: bool,
    /// When it was made.
    pub created: SystemTime,
    /// From when it may become active, where it is pending.
    pub activate_after: Option<SystemTime>,
    /// When it became active.
    pub activated: Option<SystemTime>,
    /// Until when it seals.
    pub seal_until: Option<SystemTime>,
    /// When the next one became active.
    pub retired: Option<SystemTime>,
    /// When it was marked compromised.
    pub compromised: Option<SystemTime>,
    /// When it was disabled.
    pub disabled: Option<SystemTime>,
    /// When it was destroyed.
    pub destroyed: Option<SystemTime>,
    /// Its check value, by which it is known without being revealed.
    pub check_value: [u8; 32],
    /// The names of the KEKs that it is wrapped under.
    pub keks: Vec<String>,
}

impl KeyManager {
    /// The store as it was loaded last: revision, keys, states, dates, and under which KEKs they are.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`] before it was loaded.
    pub fn status(&self) -> Result<StoreStatus> {
        self.0.status()
    }
}

impl Inner {
    fn status(&self) -> Result<StoreStatus> {
        let set = self.known().ok_or_else(|| {
            Error::new(ErrorKind::NoKeys).detail("they were not loaded yet; call `load` or `install`")
        })?;
        Ok(StoreStatus {
            revision: set.head.revision,
            epoch: set.head.epoch,
            next_id: set.head.next_id,
            changed: date(set.head.changed),
            confirmed: self.health.confirmed(),
            maintenance_failure: self.state().maintenance_failure.clone(),
            keks: set.head.store_key.keys().cloned().collect(),
            keys: set.entries.values().filter_map(|entry| status_of(entry)).collect(),
        })
    }
}

fn status_of(entry: &Entry) -> Option<KeyStatus> {
    Some(KeyStatus {
        id: KeyId::new(entry.id)?,
        scope: entry.scope.clone(),
        purpose: entry.purpose,
        version: entry.version,
        state: entry.state,
        on_demand: entry.on_demand,
        created: date(entry.created),
        activate_after: entry.activate_after.map(date),
        activated: entry.activated.map(date),
        seal_until: entry.seal_until.map(date),
        retired: entry.retired.map(date),
        compromised: entry.compromised.map(date),
        disabled: entry.disabled.map(date),
        destroyed: entry.destroyed.map(date),
        check_value: entry.check.0,
        keks: entry.wraps.keys().cloned().collect(),
    })
}
