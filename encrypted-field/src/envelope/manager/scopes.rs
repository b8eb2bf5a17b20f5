//! Scopes that are loaded when they are entered: a key for each tenant, in bounded memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;

use super::backends::some_at_a_time;
use super::lease::Lease;
use super::load::Ask;
use super::ring::Loaded;
use super::{Call, Inner, KeyManager};
use crate::envelope::key_set::KeySet;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{KeyEntry, Keyring, Scope};
use crate::key_id::KeyId;

/// Between two looks into the store for scopes that are not there; and for how long a failure is told to those who ask for the same
/// scope.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The scopes that are loaded.
pub(super) struct Scopes {
    max: usize,
    slots: Mutex<HashMap<Box<str>, Arc<Slot>>>,
    /// Counts entries: what was entered last has the highest number.
    entered: AtomicU64,
}

/// One scope.
#[derive(Default)]
pub(super) struct Slot {
    /// Made when the keys were loaded for the first time, and swapped when they change, also for those who have entered.
    ring: OnceLock<Arc<ArcSwap<Keyring>>>,
    loaded: Mutex<(Loaded, Option<Arc<Lease>>)>,
    /// Many requests of a tenant may come at once, and one of them loads.
    loading: futures_util::lock::Mutex<()>,
    /// What happened to that one, and until when the others are told so.
    failure: Mutex<Option<(ErrorKind, String, Duration)>>,
    is_destroyed: AtomicBool,
    last_entered: AtomicU64,
}

impl Scopes {
    pub(super) fn new(max: usize) -> Self {
        Self { max, slots: Mutex::default(), entered: AtomicU64::new(0) }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entered(&self, name: &str) -> Option<Arc<Slot>> {
        let now = self.entered.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::clone(self.slots().get(name)?);
        slot.last_entered.store(now, Ordering::Relaxed);
        Some(slot)
    }

    /// The slot of a scope that has keys.
    fn made(&self, name: &str) -> Arc<Slot> {
        if let Some(slot) = self.entered(name) {
            return slot;
        }
        let now = self.entered.fetch_add(1, Ordering::Relaxed);
        let mut slots = self.slots();
        if slots.len() >= self.max {
            // Some at a time, so that finding them is seldom.
            let mut ages: Vec<u64> =
                slots.values().map(|slot| slot.last_entered.load(Ordering::Relaxed)).collect();
            let many = ages.len() / 16;
            let (_, oldest, _) = ages.select_nth_unstable(many);
            let oldest = *oldest;
            slots.retain(|_, slot| slot.last_entered.load(Ordering::Relaxed) > oldest);
        }
        let slot = Arc::clone(slots.entry(name.into()).or_default());
        slot.last_entered.store(now, Ordering::Relaxed);
        slot
    }

    /// The scope is gone for good: those who have entered it hold its ring.
    pub(super) fn destroyed(&self, name: &str) {
        if let Some(slot) = self.slots().remove(name) {
            slot.is_destroyed.store(true, Ordering::Release);
            if let Some(lease) = slot.lease() {
                lease.end();
            }
        }
    }
}

impl Slot {
    /// Where nothing needs to be loaded. One for each who asks, so that threads don't share its counter.
    fn ready(&self, name: &str) -> Option<Scope> {
        if self.is_destroyed.load(Ordering::Acquire) || self.lease()?.now().is_err() {
            return None;
        }
        Some(Scope::with_ring(name, Arc::clone(self.ring.get()?)))
    }

    /// A scope that was destroyed is not confirmed any more, whoever was about to.
    fn extend(&self, lease: &Lease) {
        if !self.is_destroyed.load(Ordering::Acquire) {
            lease.extend();
        }
    }

    fn loaded(&self) -> MutexGuard<'_, (Loaded, Option<Arc<Lease>>)> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        self.loaded().1.clone()
    }

    fn failure(&self) -> MutexGuard<'_, Option<(ErrorKind, String, Duration)>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyManager {
    /// The scope of this name, with its keys loaded, ready to be [entered](Scope::enter). Where they are loaded already this asks
    /// nobody; else it is one call to a key service for each of its keys (not those disabled or destroyed). Ask for it at each
    /// request: what is held for longer than [`CachePolicy::max_age`](crate::envelope::CachePolicy::max_age) may have expired.
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
    /// [`ErrorKind::NoActiveKey`] where it has no key: [`provision`](Self::provision) its first one. [`ErrorKind::KeyNotLoaded`]
    /// where it was not there a moment ago. [`ErrorKind::NoScope`] for the default scope and for scopes that are loaded with the
    /// process: those are no tenant's. Those of the store and the key services.
    pub fn scope(&self, name: &str) -> Call<Scope> {
        let name = name.to_owned();
        self.call(|inner| async move { inner.scope(&name).await })
    }
}

impl Inner {
    /// A key of a scope as it is loaded now.
    pub(super) fn in_scope(&self, name: &str, id: KeyId) -> Option<Arc<KeyEntry>> {
        let slot = self.scopes.slots().get(name).cloned()?;
        slot.ring.get()?.load().entry(id).cloned()
    }

    async fn scope(self: &Arc<Self>, name: &str) -> Result<Scope> {
        if let Some(scope) = self.scopes.entered(name).and_then(|slot| slot.ready(name)) {
            return Ok(scope);
        }
        if !self.health.is_current() {
            self.refresh_once().await?;
        }
        let set = self.set_with(name).await?;
        if name.is_empty() || set.of_scope(name).iter().any(|entry| !entry.on_demand) {
            let detail = format!("\"{name}\" is not a scope that is loaded when it is entered");
            return Err(Error::new(ErrorKind::NoScope).detail(detail));
        }
        let slot = self.scopes.made(name);
        let _loading = slot.loading.lock().await;
        if let Some(scope) = slot.ready(name) {
            return Ok(scope);
        }
        if let Some((kind, text, until)) = &*slot.failure()
            && self.clock.monotonic() < *until
        {
            return Err(Error::new(*kind).detail(text.clone()));
        }
        // Meanwhile there may be a newer one.
        let filled = self.fill(&slot, name, &self.known().unwrap_or(set)).await;
        *slot.failure() = filled.as_ref().err().map(|error| {
            (error.kind(), format!("a moment ago: {error}"), self.clock.monotonic() + LOOK_AGAIN_AFTER)
        });
        filled?;
        slot.ready(name).ok_or_else(|| {
            Error::new(ErrorKind::KeysExpired)
                .detail("they expired, or were destroyed, while they were loaded")
        })
    }

    /// One of those who find the keys expired refreshes them.
    async fn refresh_once(self: &Arc<Self>) -> Result<()> {
        let _one = self.expired.lock().await;
        if self.health.is_current() { Ok(()) } else { self.refresh().await }
    }

    /// The key set that has this scope, for which the store is looked at where it is not known.
    async fn set_with(&self, name: &str) -> Result<Arc<KeySet>> {
        let has = |set: &Arc<KeySet>| !set.of_scope(name).is_empty();
        if let Some(set) = self.known().filter(has) {
            return Ok(set);
        }
        let no_key = |kind: ErrorKind, more: &str| {
            Error::new(kind).detail(format!("scope \"{name}\" has no key{more}; `provision` its first one"))
        };
        // Another process may just have made it. Names that are made up don't keep the store busy.
        let now = self.clock.monotonic();
        let is_soon = |last: Duration| now < last + LOOK_AGAIN_AFTER;
        if self.state().looked_for_scope.is_some_and(is_soon) {
            return Err(no_key(ErrorKind::KeyNotLoaded, ", as of a second ago"));
        }
        self.state().looked_for_scope = Some(now);
        let _turn = self.turn().await;
        let set = self.load_set(Ask::IfNeeded).await?;
        if has(&set) { Ok(set) } else { Err(no_key(ErrorKind::NoActiveKey, "")) }
    }

    /// Loads what the slot lacks of a scope, or has otherwise. To be called with the slot's `loading`.
    async fn fill(self: &Arc<Self>, slot: &Slot, name: &str, set: &KeySet) -> Result<()> {
        let age = newest(set, name);
        let (mut loaded, lease) = slot.loaded().clone();
        // What was looked at before somebody else looked comes too late.
        if let Some(lease) = lease.filter(|_| loaded.age.is_some_and(|loaded| loaded >= age)) {
            slot.extend(&lease);
            return Ok(());
        }
        loaded.age = None;
        let made = self.ring_of(&set.of_scope(name), &mut loaded, Some(name)).await;
        let (rung, is_whole) = match made {
            Ok(made) => made,
            Err(error) => {
                slot.loaded().0 = loaded;
                return Err(error);
            }
        };
        if is_whole {
            loaded.age = Some(age);
        }
        slot.extend(&rung.lease);
        slot.ring.get_or_init(|| Arc::new(ArcSwap::new(Arc::clone(&rung.ring)))).store(rung.ring);
        if let Some(before) = std::mem::replace(&mut *slot.loaded(), (loaded, Some(rung.lease))).1 {
            before.replace();
        }
        Ok(())
    }

    /// Brings loaded scopes up to date. One that can't be is left alone, and expires.
    pub(super) async fn refresh_scopes(self: &Arc<Self>, set: &KeySet) {
        let slots: Vec<(Box<str>, Arc<Slot>)> =
            self.scopes.slots().iter().map(|(name, slot)| (name.clone(), Arc::clone(slot))).collect();
        if slots.is_empty() {
            return;
        }
        set.scopes();
        let out_of_reach = AtomicBool::new(false);
        let is_out_of_reach = &out_of_reach;
        let mut calls: Vec<BoxFuture<'_, Result<()>>> = Vec::with_capacity(slots.len());
        for (name, slot) in slots.iter().filter(|(_, slot)| slot.ring.get().is_some()) {
            calls.push(Box::pin(async move {
                // Where one can't be reached now, neither can the others.
                if is_out_of_reach.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let _loading = slot.loading.lock().await;
                let filled = self.fill(slot, name, set).await;
                is_out_of_reach.fetch_or(filled.is_err(), Ordering::Relaxed);
                filled
            }));
        }
        for error in some_at_a_time(calls).await.into_iter().filter_map(Result::err) {
            event::emit(&Event::RefreshFailed { key_set: &self.key_set, kind: error.kind() });
        }
    }
}

/// By the last change of one of its keys, a scope is known to be as it was.
fn newest(set: &KeySet, scope: &str) -> (u64, u64) {
    (set.head.epoch, set.of_scope(scope).iter().map(|entry| entry.revision).max().unwrap_or(0))
}
