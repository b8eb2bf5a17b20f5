//! Scopes that are loaded when they are entered: a key for each tenant, in bounded memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;

use super::backends::some_at_a_time;
use super::lease::Lease;
use super::loading::{Ask, Loader};
use super::ring::{Finder, RingMaker, Unwrapped};
use crate::envelope::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{KeyEntry, Keyring, Scope};
use crate::key_id::KeyId;

/// For how long a failure, or that it is not there, is told to those who ask for the same scope.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The most looks in that time for scopes that turn out not to be there: names that are made up
/// don't keep the store busy.
const MOST_MISSES: usize = 100;

/// The scopes that are in use.
pub(super) struct Scopes {
    loader: Arc<Loader>,
    maker: Arc<RingMaker>,
    max: usize,
    slots: Mutex<HashMap<Box<str>, Arc<Slot>>>,
    /// Scopes that were looked for of late and are not there.
    misses: Mutex<HashMap<Box<str>, Duration>>,
    /// Counts entries: what was entered last has the highest number.
    entered: AtomicU64,
}

/// One scope.
#[derive(Default)]
pub(super) struct Slot {
    /// Made when the keys were loaded for the first time, and swapped when they change, also for
    /// those who have entered.
    ring: OnceLock<Arc<ArcSwap<Keyring>>>,
    loaded: Mutex<SlotKeys>,
    /// Many requests of a tenant may come at once, and one of them loads.
    loading: futures_util::lock::Mutex<()>,
    /// What happened to that one, and until when the others are told so.
    failure: Mutex<Option<(ErrorKind, String, Duration)>>,
    last_entered: AtomicU64,
}

#[derive(Default, Clone)]
struct SlotKeys {
    unwrapped: Unwrapped,
    lease: Option<Arc<Lease>>,
    /// Epoch and revision of what is loaded.
    age: (u64, u64),
    /// The `next_id` of the head as of which it is known.
    next_id: u64,
}

impl Scopes {
    pub(super) fn new(loader: Arc<Loader>, maker: Arc<RingMaker>, max: usize) -> Self {
        Self {
            loader,
            maker,
            max,
            slots: Mutex::default(),
            misses: Mutex::default(),
            entered: AtomicU64::new(0),
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of those in use.
    pub(super) fn in_use(&self) -> Vec<Box<str>> {
        let slots = self.slots();
        let filled = slots.iter().filter(|(_, slot)| slot.ring.get().is_some());
        filled.map(|(name, _)| name.clone()).collect()
    }

    /// A key of a scope as it is loaded now.
    pub(super) fn find(&self, name: &str, id: KeyId) -> Option<Arc<KeyEntry>> {
        let slot = self.slots().get(name).cloned()?;
        slot.ring.get()?.load().entry(id).cloned()
    }

    /// Below this, every id of the scope is known.
    pub(super) fn next_id(&self, name: &str) -> u64 {
        let slot = self.slots().get(name).cloned();
        slot.map_or(0, |slot| slot.loaded().next_id)
    }

    /// The scope, where nothing needs to be loaded.
    pub(super) fn ready(&self, name: &str) -> Option<Scope> {
        self.slot(name)?.ready(name)
    }

    fn slot(&self, name: &str) -> Option<Arc<Slot>> {
        let now = self.entered.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::clone(self.slots().get(name)?);
        slot.last_entered.store(now, Ordering::Relaxed);
        Some(slot)
    }

    /// The slot of a scope that has keys.
    fn make_slot(&self, name: &str) -> Arc<Slot> {
        if let Some(slot) = self.slot(name) {
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

    /// The scope with its keys, which are loaded for it.
    pub(super) async fn enter(&self, name: &str, finder: Weak<dyn Finder>) -> Result<Scope> {
        let view = self.look_up(name).await?;
        let slot = self.make_slot(name);
        let _loading = slot.loading.lock().await;
        if let Some(scope) = slot.ready(name) {
            return Ok(scope);
        }
        if let Some((kind, text, until)) = &*slot.failure()
            && self.now() < *until
        {
            return Err(Error::new(*kind).detail(text.clone()));
        }
        let filled = self.fill(&slot, name, &view, finder).await;
        *slot.failure() = filled
            .as_ref()
            .err()
            .map(|error| (error.kind(), format!("a moment ago: {error}"), self.now() + LOOK_AGAIN_AFTER));
        filled?;
        self.loader.entered(&view, name);
        slot.ready(name).ok_or_else(|| {
            Error::new(ErrorKind::KeysExpired)
                .detail("they expired, or were destroyed, while they were loaded")
        })
    }

    /// A view that has the scope: what is known of it, or the store's answer.
    async fn look_up(&self, name: &str) -> Result<View> {
        let known = self.loader.known();
        if name.is_empty() || known.as_ref().and_then(|known| known.process.as_ref()?.get(name)).is_some() {
            let detail = format!("\"{name}\" is not a scope that is loaded when it is entered");
            return Err(Error::new(ErrorKind::NoScope).detail(detail));
        }
        if let Some(known) = &known
            && let Some(Some(keys)) = known.scopes.get(name)
        {
            let mut view = View::new(Arc::clone(&known.head), known.mac.clone());
            view.scopes.insert(name.into(), Some(keys.clone()));
            return Ok(view);
        }
        let no_key = |kind: ErrorKind, more: &str| {
            Error::new(kind).detail(format!("scope \"{name}\" has no key{more}; `provision` its first one"))
        };
        let now = self.now();
        {
            let mut misses = self.misses();
            misses.retain(|_, at| now < *at + LOOK_AGAIN_AFTER);
            if misses.contains_key(name) || misses.len() >= MOST_MISSES {
                return Err(no_key(ErrorKind::KeyNotLoaded, ", as of a second ago"));
            }
        }
        let view = self.loader.look_up(&[name], false, Ask::IfNeeded).await?;
        if view.scopes.get(name).is_some_and(Option::is_some) {
            return Ok(view);
        }
        self.misses().insert(name.into(), now);
        Err(no_key(ErrorKind::NoActiveKey, ""))
    }

    /// Loads what the slot lacks of a scope, or has otherwise. To be called with the slot's
    /// `loading`.
    async fn fill(&self, slot: &Slot, name: &str, view: &View, finder: Weak<dyn Finder>) -> Result<()> {
        let Some(Some((hash, keys))) = view.scopes.get(name) else {
            // It was there, and somebody has accepted a store in which it is not.
            if let Some(lease) = slot.loaded().lease.take() {
                lease.end();
            }
            return Ok(());
        };
        let hash = Some(*hash);
        let age = (view.head.epoch, keys.revision);
        let SlotKeys { mut unwrapped, lease, age: before, next_id } = slot.loaded().clone();
        let next_id = next_id.max(view.head.next_id);
        // What was looked at before somebody else looked comes too late.
        if let Some(lease) = lease.filter(|_| unwrapped.made_of == hash || before > age) {
            if unwrapped.made_of == hash {
                slot.loaded().next_id = next_id;
            }
            lease.extend();
            return Ok(());
        }
        unwrapped.made_of = None;
        let made = self.maker.ring_of(&[keys], &mut unwrapped, Some(name), finder).await;
        let (made, is_whole) = match made {
            Ok(made) => made,
            Err(error) => {
                slot.loaded().unwrapped = unwrapped;
                return Err(error);
            }
        };
        if is_whole {
            unwrapped.made_of = hash;
        }
        made.lease.extend();
        slot.ring.get_or_init(|| Arc::new(ArcSwap::new(Arc::clone(&made.ring)))).store(made.ring);
        let loaded = SlotKeys { unwrapped, lease: Some(made.lease), age, next_id };
        if let Some(before) = std::mem::replace(&mut *slot.loaded(), loaded).lease {
            before.replace();
        }
        Ok(())
    }

    /// Brings the scopes in use up to date. One that can't be is left alone, and expires.
    pub(super) async fn refresh(&self, view: &View, finder: &Weak<dyn Finder>) {
        let slots: Vec<(Box<str>, Arc<Slot>)> =
            self.slots().iter().map(|(name, slot)| (name.clone(), Arc::clone(slot))).collect();
        let is_out_of_reach = &AtomicBool::new(false);
        let mut calls: Vec<BoxFuture<'_, Result<()>>> = Vec::with_capacity(slots.len());
        let in_view = |(name, slot): &&(Box<str>, Arc<Slot>)| {
            slot.ring.get().is_some() && view.scopes.contains_key(name)
        };
        for (name, slot) in slots.iter().filter(in_view) {
            calls.push(Box::pin(async move {
                // Where a key service can't be reached now, it is not asked for the others.
                if is_out_of_reach.load(Ordering::Relaxed) && !slot.has(name, view) {
                    return Ok(());
                }
                let _loading = slot.loading.lock().await;
                let filled = self.fill(slot, name, view, Weak::clone(finder)).await;
                let is_temporary = filled.as_ref().is_err_and(Error::is_retryable);
                is_out_of_reach.fetch_or(is_temporary, Ordering::Relaxed);
                filled
            }));
        }
        for error in some_at_a_time(calls).await.into_iter().filter_map(Result::err) {
            let key_set = &self.loader.backends.key_set;
            event::emit(&Event::RefreshFailed { key_set, kind: error.kind() });
        }
    }

    /// The scope is gone for good: those who have entered it hold its ring.
    pub(super) fn destroyed(&self, name: &str) {
        let slot = self.slots().remove(name);
        if let Some(lease) = slot.and_then(|slot| slot.lease()) {
            lease.end();
        }
    }

    /// This process has changed the store.
    pub(super) fn forget_misses(&self) {
        self.misses().clear();
    }

    fn misses(&self) -> MutexGuard<'_, HashMap<Box<str>, Duration>> {
        self.misses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.loader.backends.clock.monotonic()
    }
}

impl Slot {
    /// Where nothing needs to be loaded. One for each who asks, so that threads don't share its
    /// counter.
    fn ready(&self, name: &str) -> Option<Scope> {
        self.lease()?.now().ok()?;
        Some(Scope::with_ring(name, Arc::clone(self.ring.get()?)))
    }

    /// Whether its ring is made of what the view has, so that nobody needs to be asked.
    fn has(&self, name: &str, view: &View) -> bool {
        let hash = view.scopes.get(name).and_then(|keys| keys.as_ref().map(|(hash, _)| *hash));
        hash.is_some() && self.loaded().unwrapped.made_of == hash
    }

    fn loaded(&self) -> MutexGuard<'_, SlotKeys> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        self.loaded().lease.clone()
    }

    fn failure(&self) -> MutexGuard<'_, Option<(ErrorKind, String, Duration)>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
