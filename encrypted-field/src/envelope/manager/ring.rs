//! From the entries of a store to a key ring.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::backends::some_at_a_time;
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

/// Keys that are unwrapped, by id. They are kept while their entry changes, and unwrapped once.
#[derive(Default, Clone)]
pub(super) struct Loaded {
    keys: HashMap<u32, (Digest, Arc<Cipher>)>,
    /// The age of the key set that the ring was made of; `None` where it lacks some of them.
    pub(super) age: Option<(u32, u64)>,
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
    /// Unwraps those of `entries` that `loaded` lacks and that may be used, and makes a ring of all of them.
    ///
    /// # Errors
    /// Where a key can't be unwrapped now. One that can't be unwrapped at all becomes a key that says so when it is used: others are
    /// not to suffer from it.
    pub(super) async fn ring_of(
        self: &Arc<Self>,
        entries: &[&Arc<Entry>],
        loaded: &mut Loaded,
        scope: Option<&str>,
        lease: &Arc<Lease>,
    ) -> Result<Keyring> {
        loaded.keys.retain(|id, _| entries.iter().any(|entry| entry.id == *id && self.is_usable(entry)));
        let mut calls: Vec<BoxFuture<'_, (u32, Result<SecretBytes>)>> = Vec::new();
        for entry in entries.iter().copied() {
            let is_loaded = loaded.keys.get(&entry.id).is_some_and(|(check, _)| *check == entry.check);
            if self.is_usable(entry) && !is_loaded {
                calls.push(Box::pin(async move {
                    let context = self.context_of(entry);
                    (entry.id, self.unwrap(&context, &entry.wraps, Some(&entry.check)).await)
                }));
            }
        }
        let mut broken = HashMap::new();
        let mut later = None;
        for (id, unwrapped) in some_at_a_time(calls).await {
            let check = entries.iter().find(|entry| entry.id == id).map(|entry| entry.check);
            match (unwrapped.and_then(|key| self.cipher_of(&key)), check) {
                (Ok(cipher), Some(check)) => drop(loaded.keys.insert(id, (check, cipher))),
                (Err(error), _) if error.is_retryable() => later = Some(with_id(error, id)),
                (Err(error), _) => {
                    event::emit(&Event::KeyBroken { key_id: id, kind: error.kind() });
                    broken.insert(id, error.to_string());
                }
                (Ok(_), None) => {}
            }
        }
        if let Some(error) = later {
            return Err(error);
        }
        let source = Arc::new(Source {
            manager: Arc::downgrade(self),
            scope: scope.map(Into::into),
            lease: Arc::clone(lease),
        });
        let keys = entries.iter().filter_map(|entry| self.key_of(entry, loaded, &mut broken).map(Arc::new));
        Ok(Keyring::from_source(keys, source))
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

fn with_id(error: Error, id: u32) -> Error {
    match KeyId::new(id) {
        Some(id) => error.key(id),
        None => error,
    }
}
