//! The keys of one scope.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::parts::refuse_unknown;
use super::{Body, Digest, Due, Entry, Head, Part, ScopeDigest, ScopeLink, damaged, write};
use super::{canonical, entry};
use crate::envelope::Record;
use crate::error::Result;
use crate::key::{KeyState, Purpose};

/// The record of one scope: its keys, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::envelope) struct ScopeKeys {
    pub(in crate::envelope) revision: u64,
    pub(in crate::envelope) part: Part,
    pub(in crate::envelope) scope: Box<str>,
    pub(in crate::envelope) keys: Vec<Arc<Entry>>,
    /// What a later release has added, and this one may ignore.
    ext: Option<Map<String, Value>>,
    /// Those that this release does not understand: authenticated, not used, not changed.
    pub(in crate::envelope) foreign: Vec<Foreign>,
}

/// The entry of a key that a later release has written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::envelope) struct Foreign {
    pub(in crate::envelope) id: u32,
    raw: Value,
}

impl Foreign {
    /// What it is for, in the words of the store.
    pub(in crate::envelope) fn purpose(&self) -> &str {
        self.raw["purpose"].as_str().unwrap_or("unknown")
    }

    /// Whether it may be one of the keys of a purpose.
    pub(in crate::envelope) fn may_be_for(&self, purpose: Purpose) -> bool {
        let own = self.raw["purpose"].as_str();
        own.is_none_or(|own| own == purpose.name())
    }

    /// Its state, if this release knows it.
    pub(in crate::envelope) fn state(&self) -> Option<KeyState> {
        KeyState::from_name(self.raw["state"].as_str()?)
    }

    /// Which key of its scope and purpose it is, as far as can be told.
    pub(in crate::envelope) fn version(&self) -> u32 {
        self.raw["version"].as_u64().and_then(|version| u32::try_from(version).ok()).unwrap_or(0)
    }

    /// Whether it is wrapped under a KEK, as far as can be told.
    pub(in crate::envelope) fn has_wrap(&self, kek: &str) -> bool {
        self.raw["wraps"].get(kek).is_some()
    }

    /// A hash of what never changes in the life of a key.
    pub(in crate::envelope) fn identity(&self) -> Digest {
        let number = |member: &str| self.raw[member].as_u64().unwrap_or_default();
        let check = self.raw["check"].as_str().unwrap_or_default();
        entry::identity(self.id, self.purpose(), number("version"), number("created"), check)
    }

    /// A hash of all of it.
    pub(in crate::envelope) fn content(&self) -> Digest {
        entry::hash(canonical::text(&self.raw).unwrap_or_default().as_bytes())
    }

    /// The revision in which it was last changed, as far as can be told.
    pub(in crate::envelope) fn changed(&self) -> u64 {
        self.raw["changed"]["revision"].as_u64().unwrap_or_default()
    }
}

impl ScopeKeys {
    pub(in crate::envelope) fn new(part: Part, scope: &str) -> Self {
        Self {
            revision: 0,
            part,
            scope: scope.into(),
            keys: Vec::new(),
            ext: None,
            foreign: Vec::new(),
        }
    }

    /// Reads the keys of a scope. The hash was compared before.
    ///
    /// # Errors
    /// [`crate::ErrorKind::KeyStoreTampered`], and [`crate::ErrorKind::KeyStoreUnusable`] if a
    /// later release has written it.
    pub(in crate::envelope) fn read(
        body: &Body,
        part: Part,
        scope: &str,
        head: &Head,
    ) -> Result<Self> {
        let name = &*body.name;
        refuse_unknown(name, &body.value, &["revision", "scope", "keys", "ext"])?;
        if body.value["scope"].as_str() != Some(scope) {
            return Err(damaged(name, "it has the keys of another scope"));
        }
        let revision = body.value["revision"].as_u64().unwrap_or_default();
        let mut read = Self { revision, ..Self::new(part, scope) };
        read.ext = match body.value.get("ext") {
            None => None,
            Some(Value::Object(ext)) => Some(ext.clone()),
            Some(_) => return Err(damaged(name, "a member has another type")),
        };
        let mut last = 0;
        let mut versions = HashSet::new();
        for raw in
            body.value["keys"].as_array().ok_or_else(|| damaged(name, "it has no list of keys"))?
        {
            let id = raw.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            let id = id
                .filter(|id| *id > 0)
                .ok_or_else(|| damaged(name, "an entry has no id of a key"))?;
            if u64::from(id) >= head.next_id {
                return Err(damaged(name, format!("the head does not know of key {id}")));
            }
            if id <= std::mem::replace(&mut last, id) {
                return Err(damaged(name, "its keys are not in order, or one is there twice"));
            }
            match Entry::read(raw).map_err(|what| damaged(name, format!("key {id}: {what}")))? {
                Some(entry) if !versions.insert((entry.purpose, entry.version)) => {
                    return Err(damaged(name, format!("key {id} has the version of another key")));
                }
                Some(entry) => read.keys.push(Arc::new(entry)),
                // It is authentic: whoever wrote it knew what it means.
                None => read.foreign.push(Foreign { id, raw: raw.clone() }),
            }
        }
        for purpose in Purpose::ALL {
            if let Some(second) = read.in_state(purpose, KeyState::Active).nth(1) {
                return Err(damaged(name, format!("key {} is a second active key", second.id)));
            }
        }
        Ok(read)
    }

    /// Its record, and the link to it.
    pub(in crate::envelope) fn write(&self, head: &Head) -> Result<(Record, ScopeLink)> {
        let digest = ScopeDigest::of(&self.scope);
        let entries = self.keys.iter().map(|entry| (entry.id, serde_json::to_value(&**entry).ok()));
        let foreign = self.foreign.iter().map(|foreign| (foreign.id, Some(foreign.raw.clone())));
        let mut keys: Vec<(u32, Option<Value>)> = entries.chain(foreign).collect();
        keys.sort_by_key(|(id, _)| *id);
        let keys: Vec<Value> = keys.into_iter().filter_map(|(_, value)| value).collect();
        let mut content = Map::new();
        content.insert("revision".into(), self.revision.into());
        content.insert("scope".into(), (&*self.scope).into());
        content.insert("keys".into(), keys.into());
        if let Some(ext) = &self.ext {
            content.insert("ext".into(), ext.clone().into());
        }
        let (record, hash) = write(self.part.record(&digest), self.revision, &content)?;
        Ok((record, self.link(digest, hash, head)))
    }

    /// The link to its record, which has this hash.
    pub(in crate::envelope) fn link(
        &self,
        digest: ScopeDigest,
        hash: Digest,
        head: &Head,
    ) -> ScopeLink {
        ScopeLink { scope: self.scope.to_string(), digest, hash, due: self.due(head) }
    }

    fn due(&self, head: &Head) -> Due {
        self.keys
            .iter()
            .fold(Due::default(), |due, entry| due.with(entry.due(head.store_key.keys())))
    }

    pub(in crate::envelope) fn get(&self, id: u32) -> Option<&Arc<Entry>> {
        self.keys.iter().find(|entry| entry.id == id)
    }

    /// The ids of all its keys, of whatever release.
    pub(in crate::envelope) fn ids(&self) -> impl Iterator<Item = u32> {
        self.keys.iter().map(|entry| entry.id).chain(self.foreign.iter().map(|foreign| foreign.id))
    }

    /// Whether it has a key of this id, of whatever release.
    pub(in crate::envelope) fn has(&self, id: u32) -> bool {
        self.get(id).is_some() || self.foreign.iter().any(|foreign| foreign.id == id)
    }

    /// The keys of a purpose, oldest first.
    pub(in crate::envelope) fn of(&self, purpose: Purpose) -> impl Iterator<Item = &Arc<Entry>> {
        self.keys.iter().filter(move |entry| entry.purpose == purpose)
    }

    /// The keys of a purpose that are in a state, oldest first.
    pub(in crate::envelope) fn in_state(
        &self,
        purpose: Purpose,
        state: KeyState,
    ) -> impl Iterator<Item = &Arc<Entry>> {
        self.of(purpose).filter(move |entry| entry.state == state)
    }
}
