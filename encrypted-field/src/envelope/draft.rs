//! A change of a store, before it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Record;
use super::record::{
    Body, Changed, Content, Digest, Entry, Head, MAX_BY, MAX_WHY, Node, NodeLink, Part,
    Restoration, ScopeDigest, ScopeKeys, ScopeLink, StoreMac, Wraps,
};
use super::tree::Tree;
use super::view::{PROCESS, Process, View};
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// Who changes something, and why. Each is kept with the change, in the clear, and authenticated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) by: Option<String>,
    pub(super) why: Option<String>,
}

impl Note {
    /// Cut off if they are too long. `None` if they are empty.
    pub(super) fn new(by: &str, why: &str) -> Self {
        let text = |text: &str, most: usize| {
            let end = text.floor_char_boundary(most);
            (end > 0).then(|| text[..end].to_owned())
        };
        Self { by: text(by, MAX_BY), why: text(why, MAX_WHY) }
    }
}

/// The records to be written, over what a view has. A scope that it changes was looked at before.
pub(super) struct Draft<'a> {
    /// The store before the change.
    pub(super) view: &'a View,
    pub(super) head: Head,
    scopes: BTreeMap<Box<str>, ScopeKeys>,
    edited: BTreeSet<u32>,
    mac: StoreMac,
    note: &'a Note,
    /// Seconds since 1970 (UTC).
    pub(super) now: u64,
    is_signed_anew: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(view: &'a View, now: u64, note: &'a Note) -> Self {
        Self {
            view,
            head: (*view.head).clone(),
            scopes: BTreeMap::new(),
            edited: BTreeSet::new(),
            mac: view.mac.clone(),
            note,
            now,
            is_signed_anew: false,
        }
    }

    /// The keys of a scope as they will be.
    pub(super) fn scope(&self, scope: &str) -> Option<&ScopeKeys> {
        self.scopes.get(scope).or_else(|| self.view.keys_of(scope).map(|keys| &**keys))
    }

    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] if there is no such key.
    pub(super) fn get(&self, scope: &str, id: u32) -> Result<&Entry> {
        let keys = self.scope(scope);
        let entry = keys.and_then(|keys| keys.get(id)).map(|entry| &**entry);
        entry.ok_or_else(|| match keys {
            Some(keys) if keys.has(id) => refused(
                "a later release has written it, and this one must not change it; upgrade",
                id,
            ),
            _ => refused("it is not in the store", id),
        })
    }

    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] if there is no such key.
    pub(super) fn edit(&mut self, scope: &str, id: u32) -> Result<&mut Entry> {
        self.get(scope, id)?;
        if !self.scopes.contains_key(scope)
            && let Some(known) = self.view.keys_of(scope)
        {
            self.scopes.insert(scope.into(), (**known).clone());
        }
        self.edited.insert(id);
        let entry = self
            .scopes
            .get_mut(scope)
            .and_then(|keys| keys.keys.iter_mut().find(|entry| entry.id == id));
        entry.map(Arc::make_mut).ok_or_else(|| refused("it is not in the store", id))
    }

    /// A new entry, whose id is [`next_id`](Self::next_id) or above.
    pub(super) fn add(&mut self, part: Part, scope: &str, entry: Entry) {
        self.head.next_id = self.head.next_id.max(u64::from(entry.id) + 1);
        self.edited.insert(entry.id);
        let known = self.view.keys_of(scope).map(|keys| (**keys).clone());
        let keys = self.scopes.entry(scope.into());
        let keys = keys.or_insert_with(|| known.unwrap_or_else(|| ScopeKeys::new(part, scope)));
        keys.keys.push(Arc::new(entry));
    }

    pub(super) fn next_id(&self) -> Result<u32> {
        u32::try_from(self.head.next_id)
            .map_err(|_| Error::new(ErrorKind::KeyLifecycle).detail("key ids are used up"))
    }

    /// Only a later date: the head is signed anew.
    pub(super) fn sign_anew(&mut self) {
        self.is_signed_anew = true;
    }

    /// Another store key, for another epoch.
    pub(super) fn renew(&mut self, epoch: u64, mac: StoreMac, store_key: Wraps) {
        (self.head.epoch, self.head.store_key, self.mac) = (epoch, store_key, mac);
    }

    /// It was set back, and somebody has accepted that. To be called after [`renew`](Self::renew).
    pub(super) fn restored(&mut self, revision: u64, next_id: u64) {
        self.head.restored =
            Some(Restoration { epoch: self.head.epoch, revision: self.view.head.revision });
        self.head.revision = self.head.revision.max(revision);
        self.head.next_id = next_id;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.edited.is_empty() && !self.is_signed_anew && self.head == *self.view.head
    }

    /// The view after the change, and the records to be written. `change` is random. The author of
    /// the change knows it again by this.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] if a reader would not accept the records.
    pub(super) fn finish(self, change: [u8; 32]) -> Result<(View, Vec<Record>)> {
        self.write(change).map_err(|error| match error.kind() {
            ErrorKind::KeyStoreTampered | ErrorKind::KeyStoreUnusable => {
                let detail = format!(
                    "nothing was written, for no reader would accept it: {}",
                    error.details()
                );
                Error::new(ErrorKind::KeyLifecycle).detail(detail)
            }
            _ => error,
        })
    }

    fn write(mut self, change: [u8; 32]) -> Result<(View, Vec<Record>)> {
        let before = &self.view.head;
        let revision = self.head.revision.max(before.revision).saturating_add(1);
        self.head.previous = (before.revision > 0).then(|| before.hash(&self.view.mac));
        self.head.revision = revision;
        self.head.signed = self.now;
        self.head.change = Digest(change);
        (self.head.by, self.head.why) = (self.note.by.clone(), self.note.why.clone());
        let changed = Changed {
            revision,
            date: self.now,
            by: self.note.by.clone(),
            why: self.note.why.clone(),
        };
        let mut after = self.view.clone();
        let mut records = Vec::new();
        let mut tree = Tree::new(self.view, revision);
        let mut process: Vec<ScopeLink> = Vec::new();
        for (scope, mut keys) in std::mem::take(&mut self.scopes) {
            keys.revision = revision;
            for entry in keys.keys.iter_mut().filter(|entry| self.edited.contains(&entry.id)) {
                Arc::make_mut(entry).changed = changed.clone();
            }
            let (record, link) = keys.write(&self.head)?;
            ScopeKeys::read(&Body::read(&record)?, keys.part, &scope, &self.head)?;
            records.push(record);
            let hash = link.hash;
            match keys.part {
                Part::Process => {
                    process.push(link);
                    let mut all = Process {
                        hash: None,
                        scopes: after
                            .process
                            .as_ref()
                            .map(|p| p.scopes.clone())
                            .unwrap_or_default(),
                    };
                    all.scopes.insert(scope, (hash, Arc::new(keys)));
                    after.process = Some(Arc::new(all));
                }
                Part::Demand => {
                    tree.insert(link)?;
                    after.scopes.insert(scope, Some((hash, Arc::new(keys))));
                }
            }
        }
        if !process.is_empty() {
            let link = self.finish_process(&mut after, &mut records, revision)?;
            self.head.process = Some(link);
        }
        let grown = tree.finish()?;
        records.extend(grown.records);
        self.head.tree = grown.root;
        after.nodes.extend(grown.nodes);
        let head = self.head.sign(&self.mac)?;
        Head::read(std::slice::from_ref(&head))?;
        records.push(head);
        (after.head, after.mac) = (Arc::new(self.head), self.mac);
        Ok((after, records))
    }

    fn finish_process(
        &self,
        after: &mut View,
        records: &mut Vec<Record>,
        revision: u64,
    ) -> Result<NodeLink> {
        let scopes =
            after.process.as_ref().map(|process| process.scopes.clone()).unwrap_or_default();
        let mut links = Vec::with_capacity(scopes.len());
        for (hash, keys) in scopes.values() {
            Node::insert(&mut links, keys.link(ScopeDigest::of(&keys.scope), *hash, &self.head));
        }
        let node = Node { revision, content: Content::Scopes(links) };
        let (record, link) = node.write(PROCESS.to_owned())?;
        Node::read(Body::read(&record)?, "", false)?;
        records.push(record);
        after.process = Some(Arc::new(Process { hash: Some(link.hash), scopes }));
        Ok(link)
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
