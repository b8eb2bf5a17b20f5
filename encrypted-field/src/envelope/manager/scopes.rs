//! Scopes that are loaded when they are entered: a key for each tenant, in bounded memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use super::changes::{Attempts, Confirms, confirmed};
use super::lease::Lease;
use super::load::Ask;
use super::ring::Loaded;
use super::{Call, Inner, KeyManager, seconds};
use crate::envelope::draft::Draft;
use crate::envelope::key_set::KeySet;
use crate::envelope::lifecycle;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{KeyEntry, Keyring, Scope};
use crate::key_id::KeyId;

/// The scopes that are loaded.
pub(super) struct Scopes {
    max: usize,
    slots: Mutex<HashMap<Box<str>, Arc<Slot>>>,
    /// Counts entries: what was entered last has the highest number.
    entered: AtomicU64,
}

/// One scope.
struct Slot {
    lease: Arc<Lease>,
    /// Made when the keys were loaded for the first time. Its ring is swapped when they change.
    scope: OnceLock<(Scope, Arc<ArcSwap<Keyring>>)>,
    loaded: Mutex<Loaded>,
    /// Many requests of a tenant may come at once, and one of them loads.
    loading: futures_util::lock::Mutex<()>,
    last_entered: AtomicU64,
}

impl Scopes {
    pub(super) fn new(max: usize) -> Self {
        Self { max, slots: Mutex::default(), entered: AtomicU64::new(0) }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, name: &str, make: impl FnOnce() -> Slot) -> Arc<Slot> {
        let now = self.entered.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots();
        if let Some(slot) = slots.get(name) {
            slot.last_entered.store(now, Ordering::Relaxed);
            return Arc::clone(slot);
        }
        if slots.len() >= self.max {
            // Some at a time, so that finding them is seldom.
            let mut ages: Vec<u64> =
                slots.values().map(|slot| slot.last_entered.load(Ordering::Relaxed)).collect();
            let many = ages.len() / 16;
            let (_, oldest, _) = ages.select_nth_unstable(many);
            let oldest = *oldest;
            slots.retain(|_, slot| slot.last_entered.load(Ordering::Relaxed) > oldest);
        }
        let slot = Arc::new(make());
        slot.last_entered.store(now, Ordering::Relaxed);
        slots.insert(name.into(), Arc::clone(&slot));
        slot
    }
}

impl Slot {
    /// Where nothing needs to be loaded.
    fn ready(&self) -> Option<Scope> {
        let (scope, _) = self.scope.get()?;
        self.lease.now().is_ok().then(|| scope.clone())
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a scope that was destroyed, see [`KeyManager::destroy_scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shredded {
    /// Its key-encryption keys are destroyed, too: copies of its wrapped keys, wherever they are, open no more.
    WithKeks,
    /// The store is not part of the database's backups: those hold ciphertext without keys. Copies of the *store* that somebody has
    /// made still hold its wrapped keys, which open while the KEK is there.
    OutsideOfDatabaseBackups,
    /// Backups of the database from before hold its wrapped keys, which open while the KEK is there: the data is gone when
    /// the last of them is.
    ExceptInBackups,
}

impl KeyManager {
    /// The scope of this name, with its keys loaded, ready to be [entered](Scope::enter). Where they are loaded already this asks
    /// nobody; else it is one call to a key service for each of its keys (not those disabled or destroyed).
    ///
    /// ```
    /// # use encrypted_field::envelope::KeyManager;
    /// # async fn handle(keys: &KeyManager, tenant: &str) -> encrypted_field::Result<()> {
    /// keys.scope(tenant).await?.enter(async {
    ///     // … queries of this tenant's rows
    /// }).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoActiveKey`] where it has no key: [`provision`](Self::provision) its first one. Those of the store and
    /// the key services.
    pub fn scope(&self, name: &str) -> Call<Scope> {
        let name = name.to_owned();
        self.call(|inner| async move { inner.scope(&name).await })
    }

    /// Destroys all keys of a scope, whatever their states: what was sealed under them can't be read any more
    /// (crypto-shredding). `confirmation` is `destroy scope <scope> of <key set>`. The result says what is true of copies.
    /// Other processes refuse its keys when they refresh. Stopped half-way, it is run again.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]. [`ErrorKind::KeyLifecycle`] where the scope has no key, or is the default one. Those of the
    /// store and the key services.
    pub fn destroy_scope(&self, name: &str, confirmation: &str, now: SystemTime) -> Call<Shredded> {
        let confirmed = confirmed(confirmation, &format!("destroy scope {name} of {}", self.0.key_set));
        let name = name.to_owned();
        self.call(move |inner| async move {
            confirmed?;
            inner.destroy_scope(&name, now).await
        })
    }
}

impl Inner {
    /// A key of a scope as it is loaded now.
    pub(super) fn in_scope(&self, name: &str, id: KeyId) -> Option<Arc<KeyEntry>> {
        let slot = self.scopes.slots().get(name).cloned()?;
        let (_, ring) = slot.scope.get()?;
        ring.load().entry(id).cloned()
    }

    async fn scope(self: &Arc<Self>, name: &str) -> Result<Scope> {
        let slot = self.scopes.slot(name, || Slot {
            lease: Arc::new(Lease::new(self.clock.clone(), self.cache.lease())),
            scope: OnceLock::new(),
            loaded: Mutex::default(),
            loading: futures_util::lock::Mutex::default(),
            last_entered: AtomicU64::new(0),
        });
        if let Some(scope) = slot.ready() {
            return Ok(scope);
        }
        let _loading = slot.loading.lock().await;
        if let Some(scope) = slot.ready() {
            return Ok(scope);
        }
        // The scope's keys are good for as long as the others: it is the same store.
        if self.lease.now().is_err() {
            self.refresh().await?;
        }
        let mut set = self.known();
        if set.as_ref().is_none_or(|set| set.of_scope(name).is_empty()) {
            // Another process may just have made it.
            let _turn = self.turn().await;
            set = Some(self.load_set(Ask::IfNeeded).await?);
        }
        let set = set.filter(|set| !set.of_scope(name).is_empty());
        let Some(set) = set else {
            let detail = format!("scope \"{name}\" has no key; `provision` its first one");
            return Err(Error::new(ErrorKind::NoActiveKey).detail(detail));
        };
        self.fill(&slot, name, &set).await?;
        slot.lease.follow(&self.lease);
        slot.ready()
            .ok_or_else(|| Error::new(ErrorKind::KeysExpired).detail("they expired while they were loaded"))
    }

    /// Loads what the slot lacks of a scope.
    async fn fill(self: &Arc<Self>, slot: &Slot, name: &str, set: &KeySet) -> Result<()> {
        let age = newest(set, name);
        let mut loaded = slot.loaded().clone();
        if loaded.age == Some(age) {
            return Ok(());
        }
        let entries = set.of_scope(name);
        let ring = self.ring_of(&entries, &mut loaded, Some(name), &slot.lease).await;
        if ring.is_ok() {
            loaded.age = Some(age);
        }
        *slot.loaded() = loaded;
        let ring = Arc::new(ring?);
        let (_, current) = slot.scope.get_or_init(|| {
            let current = Arc::new(ArcSwap::new(Arc::clone(&ring)));
            (Scope::with_ring(name, Arc::clone(&current)), current)
        });
        current.store(ring);
        Ok(())
    }

    /// Brings loaded scopes up to date. One that can't be is left alone, and expires.
    pub(super) async fn refresh_scopes(
        self: &Arc<Self>,
        set: &KeySet,
        at: Duration,
        date: SystemTime,
    ) -> Result<()> {
        let slots: Vec<(Box<str>, Arc<Slot>)> =
            self.scopes.slots().iter().map(|(name, slot)| (name.clone(), Arc::clone(slot))).collect();
        set.scopes();
        for (name, slot) in slots.iter().filter(|(_, slot)| slot.scope.get().is_some()) {
            match self.fill(slot, name, set).await {
                Ok(()) => slot.lease.extend(at, date),
                Err(error) => {
                    slot.lease.failed(&error);
                    event::emit(&Event::RefreshFailed { key_set: &self.key_set, kind: error.kind() });
                }
            }
        }
        Ok(())
    }

    async fn destroy_scope(self: &Arc<Self>, name: &str, now: SystemTime) -> Result<Shredded> {
        if name.is_empty() {
            let detail = "the default scope can't be destroyed; disable and destroy its keys one by one";
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
        }
        self.bury_scope(name, now).await?;
        if let Some(slot) = self.scopes.slots().remove(name) {
            // Those who have entered it hold its ring.
            slot.lease.end();
        }
        self.destroy_keks_of(name).await?;
        self.forget_history().await?;
        Ok(if self.keks.iter().all(super::backends::Kek::is_per_scope) {
            Shredded::WithKeks
        } else if self.store.is_in_database_backups() {
            Shredded::ExceptInBackups
        } else {
            Shredded::OutsideOfDatabaseBackups
        })
    }

    async fn bury_scope(self: &Arc<Self>, name: &str, now: SystemTime) -> Result<()> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let ids: Vec<u32> = set.of_scope(name).iter().map(|entry| entry.id).collect();
            if ids.is_empty() {
                let detail = format!("scope \"{name}\" has no key");
                return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
            }
            let mut draft = Draft::new(&set, seconds(now)).map_err(|e| self.of_store(e))?;
            lifecycle::destroy_scope(&mut draft, &ids)?;
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return Ok(());
            }
            attempts.again(self).await?;
        }
    }
}

/// By the last change of one of its keys, a scope is known to be as it was.
fn newest(set: &KeySet, scope: &str) -> (u32, u64) {
    (set.head.generation, set.of_scope(scope).iter().map(|entry| entry.revision).max().unwrap_or(0))
}
