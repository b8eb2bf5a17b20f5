//! A change of a key set, before it is written.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Record;
use super::key_set::KeySet;
use super::record::{Digest, Entry, Head, StoreMac, hash_of};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Purpose;
use crate::key_id::KeyId;

/// How far the clocks of two processes may be apart, in seconds, before a change is refused.
pub(super) const SKEW: u64 = 300;

/// Entries that are to be written, over those of a key set.
pub(super) struct Draft<'a> {
    /// As it is before the change.
    pub(super) set: &'a KeySet,
    pub(super) head: Head,
    changed: BTreeMap<u32, Entry>,
    /// The ids of those that are new, by scope and purpose.
    added: HashMap<(Box<str>, Purpose), Vec<u32>>,
    mac: StoreMac,
    /// Seconds since 1970 (UTC).
    pub(super) now: u64,
}

impl<'a> Draft<'a> {
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where the clock is behind the date of the last change.
    pub(super) fn new(set: &'a KeySet, now: u64) -> Result<Self> {
        if now.saturating_add(SKEW) < set.head.changed {
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(format!(
                "the clock here is {} s behind the last change of the store; correct the one that is wrong",
                set.head.changed - now
            )));
        }
        Ok(Self {
            set,
            head: set.head.clone(),
            changed: BTreeMap::new(),
            added: HashMap::new(),
            mac: set.mac.clone(),
            now,
        })
    }

    /// On a store that was set back: whatever date it has, `now` is the date from here on.
    pub(super) fn restored(set: &'a KeySet, now: u64) -> Self {
        let mut head = set.head.clone();
        head.changed = now;
        Self { set, head, changed: BTreeMap::new(), added: HashMap::new(), mac: set.mac.clone(), now }
    }

    /// An entry as it will be.
    pub(super) fn get(&self, id: u32) -> Option<&Entry> {
        self.changed.get(&id).or_else(|| self.set.get(id).map(|entry| &**entry))
    }

    /// The entries of a scope and purpose as they will be, oldest first.
    pub(super) fn of(&self, scope: &str, purpose: Purpose) -> Vec<u32> {
        let known = self.set.of(scope, purpose).map(|entry| entry.id);
        let added = self.added.get(&(scope.into(), purpose)).into_iter().flatten().copied();
        known.chain(added).collect()
    }

    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where there is no such key.
    pub(super) fn edit(&mut self, id: u32) -> Result<&mut Entry> {
        if !self.changed.contains_key(&id) {
            let entry = self.set.get(id).ok_or_else(|| refused("it is not in the store", id))?;
            self.changed.insert(id, (**entry).clone());
        }
        self.changed.get_mut(&id).ok_or_else(|| refused("it is not in the store", id))
    }

    /// A new entry, whose id is [`next_id`](Self::next_id).
    pub(super) fn add(&mut self, entry: Entry) {
        self.head.next_id = self.head.next_id.max(u64::from(entry.id) + 1);
        self.added.entry((entry.scope.as_str().into(), entry.purpose)).or_default().push(entry.id);
        self.changed.insert(entry.id, entry);
    }

    pub(super) fn next_id(&self) -> Result<u32> {
        next_id(&self.head)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.head == self.set.head
    }

    /// Every entry is signed anew: the store key is another.
    pub(super) fn sign_all(&mut self, mac: StoreMac) {
        for (id, entry) in &self.set.entries {
            self.changed.entry(*id).or_insert_with(|| (**entry).clone());
        }
        self.mac = mac;
    }

    /// The key set after the change, and what is to be written. `change` is random: by it, whoever made the change knows it
    /// again.
    pub(super) fn finish(mut self, change: [u8; 32]) -> Result<(KeySet, Vec<Record>)> {
        let revision = self.head.revision.max(self.set.head.revision) + 1;
        self.head.revision = revision;
        self.head.changed = self.now.max(self.head.changed);
        self.head.change = Digest(change);
        let mut entries = self.set.entries.clone();
        let mut records = Vec::with_capacity(self.changed.len() + 1);
        for (id, mut entry) in self.changed {
            entry.revision = revision;
            entry.sign(&self.mac);
            records.push(record(id, revision, &entry)?);
            entries.insert(id, Arc::new(entry));
        }
        self.head.entries = hash_of(entries.values().map(|entry| &**entry));
        self.head.sign(&self.mac);
        records.push(record(0, revision, &self.head)?);
        Ok((KeySet::new(self.head, entries, self.mac), records))
    }
}

pub(super) fn next_id(head: &Head) -> Result<u32> {
    u32::try_from(head.next_id).map_err(|_| Error::new(ErrorKind::KeyLifecycle).detail("key ids are used up"))
}

/// Most bytes of a record.
const MAX_BODY: usize = 64 << 10;

fn record(id: u32, revision: u64, content: &impl serde::Serialize) -> Result<Record> {
    match serde_json::to_string(content) {
        Ok(body) if body.len() <= MAX_BODY => Ok(Record { id, revision, body }),
        _ => Err(refused("its entry is longer than 64 KiB; use fewer KEKs or a shorter scope", id)),
    }
}

/// A change that the life of a key does not allow.
pub(super) fn refused(detail: impl Into<std::borrow::Cow<'static, str>>, id: u32) -> Error {
    let error = Error::new(ErrorKind::KeyLifecycle).detail(detail);
    match KeyId::new(id) {
        Some(id) => error.key(id),
        None => error,
    }
}
