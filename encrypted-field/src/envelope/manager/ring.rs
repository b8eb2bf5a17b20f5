//! From the entries of a store to a key ring.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::backends::{is_about_one_key, until_out_of_reach};
use super::lease::Lease;
use super::{Inner, date};
use crate::cipher::Cipher;
use crate::envelope::kek::WrapContext;
use crate::envelope::record::{Digest, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::format::Suite;
use crate::key::{KeyEntry, KeySource, KeyState, Keyring, derive, weak};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// A ring, and for how long it is good.
pub(super) struct Rung {
    pub(super) ring: Arc<Keyring>,
    pub(super) lease: Arc<Lease>,
    /// By how much the date is ahead of the clock of the lease: dates in the ring depend on it.
    wall: Duration,
}

impl Rung {
    /// Whether the date was set meanwhile.
    pub(super) fn is_of_other_date(&self, wall: Duration) -> bool {
        self.wall.abs_diff(wall) > Duration::from_secs(5)
    }
}

/// Keys that are unwrapped, by id. They are kept while their entry changes, and unwrapped once.
#[derive(Default, Clone)]
pub(super) struct Loaded {
    keys: HashMap<u32, (Digest, Arc<Cipher>)>,
    /// The age of the key set that is in use; `None` where some of it is missing.
    pub(super) age: Option<(u64, u64)>,
}

/// Behind the rings of a manager.
struct Source {
    manager: Weak<Inner>,
    /// Of the ring of one scope, which is loaded on demand.
    scope: Option<Box<str>>,
    lease: Arc<Lease>,
}

impl KeySource for Source {
    fn now(&self) -> Result<Duration> {
        self.lease.now()
    }

    fn find(&self, id: KeyId) -> Result<Arc<KeyEntry>> {
        match self.manager.upgrade() {
            Some(manager) => manager.find(id, self.scope.as_deref()),
            None => Err(Error::new(ErrorKind::UnknownKey).detail("and its key manager is gone").key(id)),
        }
    }
}

impl Inner {
    /// Unwraps those of `entries` that `loaded` lacks and that may be used, and makes a ring of all of them. Gives whether all of
    /// them are in order.
    ///
    /// # Errors
    /// Where a key can't be unwrapped now, or by this process. One that does not unwrap at all becomes a key that says so when it is
    /// used: others are not to suffer from it.
    pub(super) async fn ring_of(
        self: &Arc<Self>,
        entries: &[&Arc<Entry>],
        loaded: &mut Loaded,
        scope: Option<&str>,
    ) -> Result<(Rung, bool)> {
        let by_id: HashMap<u32, &Arc<Entry>> = entries.iter().map(|entry| (entry.id, *entry)).collect();
        loaded.keys.retain(|id, (check, _)| {
            by_id.get(id).is_some_and(|entry| self.is_usable(entry) && entry.check == *check)
        });
        let mut calls: Vec<BoxFuture<'_, (u32, Result<SecretBytes>)>> = Vec::new();
        for entry in entries.iter().copied() {
            if self.is_usable(entry) && !loaded.keys.contains_key(&entry.id) {
                calls.push(Box::pin(async move { (entry.id, self.unwrap_entry(entry).await) }));
            }
        }
        let mut broken = HashMap::new();
        let mut out_of_reach = None;
        for (id, unwrapped) in until_out_of_reach(calls).await {
            match unwrapped.and_then(|key| self.cipher_of(&key)) {
                Ok(cipher) => drop(loaded.keys.insert(id, (by_id[&id].check, cipher))),
                Err(error) if is_about_one_key(&error) => {
                    event::emit(&Event::KeyBroken { key_id: id, kind: error.kind() });
                    broken.insert(id, error.to_string());
                }
                Err(error) => out_of_reach = Some(error),
            }
        }
        if let Some(error) = out_of_reach {
            return Err(error);
        }
        let is_whole = broken.is_empty();
        let lease = Arc::new(Lease::new(&self.health));
        let source =
            Source { manager: Arc::downgrade(self), scope: scope.map(Into::into), lease: Arc::clone(&lease) };
        let keys = entries.iter().filter_map(|entry| self.key_of(entry, loaded, &mut broken).map(Arc::new));
        let ring = Arc::new(Keyring::from_source(keys, Arc::new(source)));
        Ok((Rung { ring, lease, wall: self.wall() }, is_whole))
    }

    /// By how much the date is ahead of the clock that is never set.
    pub(super) fn wall(&self) -> Duration {
        let date = self.clock.wall().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        date.saturating_sub(self.clock.monotonic())
    }

    /// Unwraps a data key under one of the KEKs, and compares its check value.
    pub(super) async fn unwrap_entry(&self, entry: &Entry) -> Result<SecretBytes> {
        let unwrapped = self.unwrap(&self.context_of(entry), &entry.wraps, Some(&entry.check)).await;
        unwrapped.map_err(|error| match KeyId::new(entry.id) {
            Some(id) => error.key(id),
            None => error,
        })
    }

    /// Whether its key is needed at all.
    fn is_usable(&self, entry: &Entry) -> bool {
        match entry.state {
            KeyState::Pending | KeyState::Active | KeyState::Retired => true,
            KeyState::Compromised => !self.refuse_compromised,
            KeyState::Disabled | KeyState::Destroyed => false,
        }
    }

    pub(super) fn context_of<'a>(&'a self, entry: &'a Entry) -> WrapContext<'a> {
        WrapContext::new(&self.key_set, entry.id, &entry.scope, entry.purpose.name())
    }

    fn cipher_of(&self, key: &SecretBytes) -> Result<Arc<Cipher>> {
        if let Some(reason) = weak::reason(key.expose()) {
            return Err(Error::new(ErrorKind::InvalidKeys).detail(reason));
        }
        let field_key = derive::field_key(key, Suite::XAES_256_GCM.algorithm());
        Ok(Arc::new(Cipher::new(field_key.expose(), !self.subkey_per_value)))
    }

    fn key_of(&self, entry: &Entry, loaded: &Loaded, broken: &mut HashMap<u32, String>) -> Option<KeyEntry> {
        let refused = match entry.state {
            KeyState::Disabled => Some("it is disabled".into()),
            KeyState::Destroyed => Some("it was destroyed".into()),
            KeyState::Compromised if self.refuse_compromised => Some("it is compromised".into()),
            _ => broken.remove(&entry.id).map(Into::into),
        };
        // A date, of which the ring needs the time of its own clock.
        let left = |until| date(until).duration_since(self.clock.wall()).unwrap_or_default();
        Some(KeyEntry {
            id: KeyId::new(entry.id)?,
            scope: entry.scope.as_str().into(),
            purpose: entry.purpose,
            state: entry.state,
            refused,
            check: Some(entry.check.0),
            cipher: loaded.keys.get(&entry.id).map(|(_, cipher)| Arc::clone(cipher)),
            seal_until: entry.seal_until.map(|until| self.clock.monotonic() + left(until)),
        })
    }
}
