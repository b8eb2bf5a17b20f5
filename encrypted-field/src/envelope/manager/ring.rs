//! From the entries of a store to a key ring.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::backends::{Backends, is_about_one_key, is_key_of, until_out_of_reach};
use super::clock::date;
use super::lease::{Health, Lease};
use crate::envelope::WrapContext;
use crate::envelope::record::{Digest, Entry, ScopeKeys};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::material::Material;
use crate::key::{KeyEntry, KeySource, KeyState, Keyring, weak};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// A ring, and for how long it is good.
pub(super) struct LeasedRing {
    pub(super) ring: Arc<Keyring>,
    pub(super) lease: Arc<Lease>,
    /// By how much the date is ahead of the clock of the lease: dates in the ring depend on it.
    date_offset: Duration,
}

/// Keys that are unwrapped, by id. They are kept while their entry changes, and unwrapped once.
#[derive(Default, Clone)]
pub(super) struct Unwrapped {
    keys: HashMap<u32, (Digest, Material)>,
    /// The hash of what the ring in use was made of. `None` if some of it is missing.
    pub(super) made_of: Option<Digest>,
}

/// Looks for keys that a ring has not.
pub(super) trait Finder: Send + Sync {
    /// A value, stored or detached, names a key that the ring of `scope`, or for `None` the one of
    /// the process, has not.
    fn find(&self, id: KeyId, scope: Option<&str>, is_stored: bool) -> Result<Arc<KeyEntry>>;
}

/// Behind the rings of a manager.
struct Source {
    finder: Weak<dyn Finder>,
    /// Of the ring of one scope, which is loaded on demand.
    scope: Option<Box<str>>,
    lease: Arc<Lease>,
}

impl KeySource for Source {
    fn now(&self) -> Result<Duration> {
        self.lease.now()
    }

    fn now_to_seal(&self) -> Result<Duration> {
        self.lease.now_to_seal()
    }

    fn find(&self, id: KeyId, is_stored: bool) -> Result<Arc<KeyEntry>> {
        match self.finder.upgrade() {
            Some(finder) => finder.find(id, self.scope.as_deref(), is_stored),
            None => {
                Err(Error::new(ErrorKind::UnknownKey).detail("and its key manager is gone").key(id))
            }
        }
    }
}

/// Makes rings.
pub(super) struct RingMaker {
    pub(super) backends: Arc<Backends>,
    pub(super) health: Arc<Health>,
    pub(super) refuse_compromised: bool,
    pub(super) subkey_per_value: bool,
}

impl RingMaker {
    /// Unwraps those of the keys that `unwrapped` lacks and that may be used, and makes a ring of
    /// all of them. Tells whether all of them are in order.
    ///
    /// # Errors
    /// If a key can't be unwrapped now, or by this process. A key that does not unwrap at all
    /// becomes a key that says so when it is used, because others must not suffer from it.
    pub(super) async fn ring_of(
        &self,
        scopes: &[&Arc<ScopeKeys>],
        unwrapped: &mut Unwrapped,
        scope: Option<&str>,
        finder: Weak<dyn Finder>,
    ) -> Result<(LeasedRing, bool)> {
        let mut entries: Vec<(&ScopeKeys, &Arc<Entry>)> = Vec::new();
        for keys in scopes {
            entries.extend(keys.keys.iter().map(|entry| (&***keys, entry)));
        }
        let by_id: HashMap<u32, &Arc<Entry>> =
            entries.iter().map(|(_, entry)| (entry.id, *entry)).collect();
        unwrapped.keys.retain(|id, (check, _)| {
            by_id.get(id).is_some_and(|entry| self.is_usable(entry) && entry.check == *check)
        });
        let mut calls: Vec<BoxFuture<'_, (u32, Result<SecretBytes>)>> = Vec::new();
        for (keys, entry) in entries.iter().copied() {
            if self.is_usable(entry) && !unwrapped.keys.contains_key(&entry.id) {
                calls.push(Box::pin(async move {
                    (entry.id, self.backends.unwrap_entry(&keys.scope, entry).await)
                }));
            }
        }
        let mut broken = HashMap::new();
        let mut out_of_reach = None;
        for (id, key) in until_out_of_reach(calls).await {
            let entry = by_id[&id];
            match key.and_then(|key| self.material_of(entry, &key)) {
                Ok(material) => drop(unwrapped.keys.insert(id, (entry.check, material))),
                Err(error) if is_about_one_key(&error) => {
                    if let Some(key_id) = KeyId::new(id) {
                        event::emit(&Event::KeyBroken {
                            key_id,
                            kind: error.kind(),
                            error: &error,
                        });
                    }
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
        let source = Source { finder, scope: scope.map(Into::into), lease: Arc::clone(&lease) };
        let own = entries
            .iter()
            .filter_map(|(keys, entry)| self.key_of(keys, entry, unwrapped, &mut broken));
        let ring = Arc::new(Keyring::from_source(own.map(Arc::new), Arc::new(source)));
        Ok((LeasedRing { ring, lease, date_offset: self.date_offset() }, is_whole))
    }

    /// Whether the date was set since the ring was made.
    pub(super) fn is_of_other_date(&self, ring: &LeasedRing) -> bool {
        ring.date_offset.abs_diff(self.date_offset()) > Duration::from_secs(5)
    }

    /// By how much the date is ahead of the clock that is never set.
    fn date_offset(&self) -> Duration {
        let clock = &self.backends.clock;
        let date =
            clock.wall().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        date.saturating_sub(clock.monotonic())
    }

    /// Whether its key is needed at all.
    fn is_usable(&self, entry: &Entry) -> bool {
        match entry.state {
            KeyState::Pending | KeyState::Active | KeyState::Retired => true,
            KeyState::Compromised => !self.refuse_compromised,
            KeyState::Disabled | KeyState::Destroyed => false,
        }
    }

    fn material_of(&self, entry: &Entry, key: &SecretBytes) -> Result<Material> {
        if let Some(reason) = weak::reason(key.expose()) {
            return Err(Error::new(ErrorKind::InvalidKeys).detail(reason));
        }
        Ok(Material::of(entry.purpose, key, !self.subkey_per_value))
    }

    fn key_of(
        &self,
        keys: &ScopeKeys,
        entry: &Entry,
        unwrapped: &Unwrapped,
        broken: &mut HashMap<u32, String>,
    ) -> Option<KeyEntry> {
        let refused = match entry.state {
            KeyState::Disabled => Some("it is disabled".into()),
            KeyState::Destroyed => Some("it was destroyed".into()),
            KeyState::Compromised if self.refuse_compromised => Some("it is compromised".into()),
            _ => broken.remove(&entry.id).map(Into::into),
        };
        let clock = &self.backends.clock;
        // A date, of which the ring needs the time of its own clock.
        let left = |until| date(until).duration_since(clock.wall()).unwrap_or_default();
        Some(KeyEntry {
            id: KeyId::new(entry.id)?,
            scope: keys.scope.clone(),
            purpose: entry.purpose,
            state: entry.state,
            refused,
            check: Some(entry.check.0),
            material: unwrapped.keys.get(&entry.id).map(|(_, material)| material.clone()),
            seal_until: entry.seal_until.map(|until| clock.monotonic() + left(until)),
        })
    }
}

impl Backends {
    /// Unwraps a data key under one of the KEKs, and compares its check value.
    pub(super) async fn unwrap_entry(&self, scope: &str, entry: &Entry) -> Result<SecretBytes> {
        let id = key_id(entry.id)?;
        let context = WrapContext::data(&self.key_set, id, scope, entry.purpose);
        let unwrapped = self.unwrap(&context, &entry.wraps, &is_key_of(&entry.check)).await;
        unwrapped.map_err(|error| error.key(id))
    }
}

pub(super) fn key_id(id: u32) -> Result<KeyId> {
    KeyId::new(id).ok_or_else(|| Error::new(ErrorKind::KeyLifecycle).detail("key ids begin at 1"))
}
