//! All keys of a store, authenticated: what the manager works from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::Record;
use super::record::{Entry, Head, StoreMac, hash_of};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Purpose;

/// The head and the entries of one revision. Immutable.
pub(super) struct KeySet {
    pub(super) head: Head,
    pub(super) entries: BTreeMap<u32, Arc<Entry>>,
    pub(super) mac: StoreMac,
    /// Made at the first look: the ids of each scope.
    scopes: OnceLock<HashMap<Box<str>, Vec<u32>>>,
}

impl KeySet {
    pub(super) fn new(head: Head, entries: BTreeMap<u32, Arc<Entry>>, mac: StoreMac) -> Self {
        Self { head, entries, mac, scopes: OnceLock::new() }
    }

    /// Puts together what was loaded since `known` (all there is, where that is `None`) and checks all of it against the
    /// head, which is authentic.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`], saying what is wrong.
    pub(super) fn verified(
        head: Head,
        loaded: &[Record],
        known: Option<&Self>,
        mac: StoreMac,
    ) -> Result<Self> {
        let mut entries = known.map_or_else(BTreeMap::new, |known| known.entries.clone());
        for record in loaded.iter().filter(|record| record.id != 0) {
            // A store that can't select gives what is known already, and may not give it otherwise.
            let entry = parse(record)?;
            if entry.revision > head.revision {
                return Err(tampered(format!("the entry of key {} is newer than the head", entry.id)));
            }
            if entries.get(&entry.id).is_some_and(|known| **known == entry) {
                continue;
            }
            if !entry.is_authentic(&mac) {
                return Err(tampered(format!("the entry of key {} does not authenticate", entry.id)));
            }
            if u64::from(entry.id) >= head.next_id {
                return Err(tampered(format!("the head does not know of key {}", entry.id)));
            }
            entries.insert(entry.id, Arc::new(entry));
        }
        if !hash_of(entries.values().map(|entry| &**entry)).equals(&head.entries) {
            return Err(tampered(
                "an entry is missing, was added, or was set back: each that is there authenticates, all together don't",
            ));
        }
        Ok(Self::new(head, entries, mac))
    }

    /// Whether its entries are authenticated with that.
    pub(super) fn mac_is(&self, mac: &StoreMac) -> bool {
        self.mac == *mac
    }

    pub(super) fn get(&self, id: u32) -> Option<&Arc<Entry>> {
        self.entries.get(&id)
    }

    /// The entries of a scope, oldest first. Looked for, unless somebody has asked for [`scopes`](Self::scopes): to look
    /// through a hundred thousand takes a fraction of what that does.
    pub(super) fn of_scope(&self, scope: &str) -> Vec<&Arc<Entry>> {
        match self.scopes.get() {
            Some(scopes) => {
                scopes.get(scope).into_iter().flatten().filter_map(|id| self.entries.get(id)).collect()
            }
            None => self.entries.values().filter(|entry| entry.scope == scope).collect(),
        }
    }

    /// The ids of all scopes, oldest first, for whoever looks at many of them.
    pub(super) fn scopes(&self) -> &HashMap<Box<str>, Vec<u32>> {
        self.scopes.get_or_init(|| {
            let mut scopes: HashMap<Box<str>, Vec<u32>> = HashMap::new();
            for entry in self.entries.values() {
                // Looked up first: a scope has several keys, and its name is copied once.
                match scopes.get_mut(entry.scope.as_str()) {
                    Some(ids) => ids.push(entry.id),
                    None => drop(scopes.insert(entry.scope.as_str().into(), vec![entry.id])),
                }
            }
            scopes
        })
    }

    /// The entries of a scope and purpose, oldest first.
    pub(super) fn of(&self, scope: &str, purpose: Purpose) -> impl Iterator<Item = &Arc<Entry>> {
        self.of_scope(scope).into_iter().filter(move |entry| entry.purpose == purpose)
    }
}

/// The head among what was loaded; not authenticated yet.
pub(super) fn head_of(loaded: &[Record]) -> Result<Head> {
    let mut heads = loaded.iter().filter(|record| record.id == 0);
    let (Some(record), None) = (heads.next(), heads.next()) else {
        return Err(tampered("it has entries and not one head"));
    };
    let head: Head = serde_json::from_str(&record.body).map_err(|e| not_readable("the head", &e))?;
    if !head.is_of_this_version() {
        let detail =
            "it was written by a later release, with another version of the head; upgrade encrypted-field";
        return Err(Error::new(ErrorKind::KeyStoreUnusable).detail(detail));
    }
    if head.revision != record.revision {
        return Err(tampered("the head has another revision than its record"));
    }
    Ok(head)
}

fn parse(record: &Record) -> Result<Entry> {
    let entry: Entry = serde_json::from_str(&record.body)
        .map_err(|e| not_readable(&format!("the entry of key {}", record.id), &e))?;
    if entry.id != record.id || entry.revision != record.revision {
        return Err(tampered(format!(
            "the record of key {} holds the entry of another key or revision",
            record.id
        )));
    }
    Ok(entry)
}

fn not_readable(what: &str, e: &serde_json::Error) -> Error {
    // The position only: the message may quote what stands there.
    tampered(format!("{what} can't be read (column {})", e.column()))
}

pub(super) fn tampered(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::KeyStoreTampered).detail(detail)
}
