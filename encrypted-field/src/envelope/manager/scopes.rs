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
use super::outage::{Failure, Outage};
use super::ring::{Finder, RingMaker, Unwrapped};
use crate::envelope::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{Clock, KeyEntry, Keyring, Scope, check_name};
use crate::key_id::KeyId;

/// For how long whoever asks is told that a scope is not there.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// The most looks in that time for scopes that turn out not to be there. So made-up names don't
/// keep the store busy.
const MOST_MISSES: usize = 100;
/// After so many different scopes in a row that could not be loaded, others are not tried for a
/// while, because it is the key service or the store.
const OUTAGE: usize = 3;
/// How often a scope is loaded again if it was destroyed meanwhile.
const ATTEMPTS: usize = 10;
const DESTROYED: &str = "the scope was destroyed";

/// The scopes that are in use.
pub(super) struct Scopes {
    loader: Arc<Loader>,
    maker: Arc<RingMaker>,
    max: usize,
    slots: Mutex<HashMap<Box<str>, Arc<Slot>>>,
    /// Scopes that were looked for of late and are not there.
    misses: Mutex<HashMap<Box<str>, Duration>>,
    /// Counts entries. The scope that was entered last has the highest number.
    entered: AtomicU64,
    destroyed: Mutex<Destroyed>,
    /// An outage that keeps scopes from being loaded, whichever they are.
    outage: Outage,
    gates: Gates,
}

/// Which scopes this process has destroyed, and how often.
#[derive(Default)]
struct Destroyed {
    /// How often the names were forgotten, so that there are not too many.
    forgotten: u64,
    names: HashMap<Box<str>, u64>,
}

impl Destroyed {
    fn times(&self, name: &str) -> (u64, u64) {
        (self.forgotten, self.names.get(name).copied().unwrap_or(0))
    }

    fn add(&mut self, name: &str) {
        if self.names.len() >= MOST_MISSES {
            self.names.clear();
            self.forgotten += 1;
        }
        *self.names.entry(name.into()).or_default() += 1;
    }
}

/// One scope.
pub(super) struct Slot {
    /// Made when the keys were loaded for the first time, and swapped when they change, even for
    /// those who have entered.
    ring: OnceLock<Arc<ArcSwap<Keyring>>>,
    loaded: Mutex<SlotKeys>,
    /// It is loaded when it is entered, and by refreshes.
    loading: futures_util::lock::Mutex<()>,
    /// An outage that keeps it from being loaded when it is entered.
    outage: Outage,
    /// Why it was not refreshed the last time.
    stale: Mutex<Option<Failure>>,
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
        let outage = Outage::after(OUTAGE, &loader.backends.clock);
        Self {
            loader,
            maker,
            max,
            slots: Mutex::default(),
            misses: Mutex::default(),
            entered: AtomicU64::new(0),
            destroyed: Mutex::default(),
            outage,
            gates: Gates::default(),
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

    /// The scope, if nothing needs to be loaded.
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
            let age = |slot: &Slot| slot.last_entered.load(Ordering::Relaxed);
            // Whoever holds a scope is told of what happens to it.
            let idle = slots.values().filter(|slot| !slot.is_held());
            let mut ages: Vec<u64> = idle.map(|slot| age(slot)).collect();
            // Some at a time, so that finding them is seldom.
            let many = ages.len() / 16;
            if many < ages.len() {
                let (_, oldest, _) = ages.select_nth_unstable(many);
                let oldest = *oldest;
                slots.retain(|_, slot| slot.is_held() || age(slot) > oldest);
            }
        }
        let new = || Arc::new(Slot::new(&self.loader.backends.clock));
        let slot = Arc::clone(slots.entry(name.into()).or_insert_with(new));
        slot.last_entered.store(now, Ordering::Relaxed);
        slot
    }

    /// The scope with its keys, which are loaded for it: once for all who ask meanwhile.
    pub(super) async fn enter(&self, name: &str, finder: Weak<dyn Finder>) -> Result<Scope> {
        let gate = self.gates.of(name, &self.loader.backends.clock);
        let _one = gate.lock.lock().await;
        if let Some(scope) = self.ready(name) {
            return Ok(scope);
        }
        // Others have found out what is told here, so it is no attempt.
        gate.outage.check()?;
        let slot = self.slot(name);
        if let Some(slot) = &slot {
            slot.outage.check()?;
        }
        let (attempt, own) = (self.outage.begin()?, gate.outage.begin()?);
        let entered = self.load(name, &finder).await;
        let slot = slot.or_else(|| self.slot(name));
        match &entered {
            Ok(_) => {
                self.outage.ended();
                if let Some(slot) = slot {
                    slot.outage.ended();
                }
            }
            Err(error) => {
                gate.outage.failed(&own, name, error);
                if let Some(slot) = slot
                    && let Ok(attempt) = slot.outage.begin()
                {
                    slot.outage.failed(&attempt, name, error);
                }
                // Only if the failure is not the scope's own.
                if error.is_retryable() && error.kind() != ErrorKind::KeyNotLoaded {
                    self.outage.failed(&attempt, name, error);
                } else {
                    self.outage.release(&attempt);
                }
            }
        }
        entered
    }

    async fn load(&self, name: &str, finder: &Weak<dyn Finder>) -> Result<Scope> {
        for _ in 0..ATTEMPTS {
            let destroyed = self.destroyed_names().times(name);
            let view = self.look_up(name).await?;
            let slot = self.make_slot(name);
            let _loading = slot.loading.lock().await;
            let is_filled = slot.ready(name).is_none();
            if is_filled {
                self.fill(&slot, name, &view, Weak::clone(finder)).await?;
            }
            // Keys that were looked up before the scope was destroyed are gone.
            if self.destroyed_names().times(name) == destroyed {
                if is_filled {
                    self.loader.entered(&view, name);
                }
                return slot.ready(name).ok_or_else(|| {
                    Error::new(ErrorKind::KeysExpired).detail("they expired while they were loaded")
                });
            }
            if is_filled {
                slot.end(DESTROYED);
                self.slots().retain(|_, other| !Arc::ptr_eq(other, &slot));
            }
        }
        Err(self.loader.busy())
    }

    /// A view that has the scope, from what is known of it or from the store's answer.
    async fn look_up(&self, name: &str) -> Result<View> {
        check_name(name)?;
        let known = self.loader.known();
        if known.as_ref().and_then(|known| known.process.as_ref()?.get(name)).is_some() {
            let detail = format!(
                "\"{name}\" is loaded with the process; enter it with `Scope::named`, or give the \
                 tenant another name"
            );
            return Err(Error::new(ErrorKind::InvalidScope).detail(detail));
        }
        if let Some(known) = &known
            && let Some(Some(keys)) = known.scopes.get(name)
        {
            let mut view = View::new(Arc::clone(&known.head), known.mac.clone());
            view.scopes.insert(name.into(), Some(keys.clone()));
            return Ok(view);
        }
        let no_key = |kind: ErrorKind, more: &str| {
            Error::new(kind)
                .detail(format!("scope \"{name}\" has no key{more}; `provision` its first one"))
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
    async fn fill(
        &self,
        slot: &Slot,
        name: &str,
        view: &View,
        finder: Weak<dyn Finder>,
    ) -> Result<()> {
        let Some(Some((hash, keys))) = view.scopes.get(name) else {
            // It was there, and somebody has accepted a store in which it is not.
            slot.end("the scope is not in the store any more, since an older one was accepted");
            return Ok(());
        };
        let hash = Some(*hash);
        let age = (view.head.epoch, keys.revision);
        let SlotKeys { mut unwrapped, lease, age: before, next_id } = slot.loaded().clone();
        let next_id = next_id.max(view.head.next_id);
        // Another look was faster, so this one comes too late.
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
                // If a key service can't be reached now, it is not asked for the others.
                if is_out_of_reach.load(Ordering::Relaxed) && !slot.has(name, view) {
                    return Ok(());
                }
                let _loading = slot.loading.lock().await;
                let filled = self.fill(slot, name, view, Weak::clone(finder)).await;
                slot.refreshed(filled.as_ref().err(), &self.loader.backends.clock);
                let is_temporary = filled.as_ref().is_err_and(Error::is_retryable);
                is_out_of_reach.fetch_or(is_temporary, Ordering::Relaxed);
                filled
            }));
        }
        for error in some_at_a_time(calls).await.into_iter().filter_map(Result::err) {
            let key_set = &self.loader.backends.key_set;
            event::emit(&Event::RefreshFailed { key_set, kind: error.kind(), error: &error });
        }
    }

    /// The scope is gone for good: those who have entered it hold its ring.
    pub(super) fn destroyed(&self, name: &str) {
        // First, so that whatever is loaded after this is looked up after this.
        self.destroyed_names().add(name);
        let slot = self.slots().remove(name);
        if let Some(slot) = slot {
            slot.end(DESTROYED);
        }
    }

    fn destroyed_names(&self) -> MutexGuard<'_, Destroyed> {
        self.destroyed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key service and the store answer.
    pub(super) fn in_reach(&self) {
        self.outage.ended();
        self.slots().values().for_each(|slot| slot.outage.ended());
    }

    /// Why scopes can't be loaded, whichever they are.
    pub(super) fn outage(&self) -> Option<Failure> {
        self.outage.failure()
    }

    /// Those that could not be refreshed, and why.
    pub(super) fn stale(&self) -> Vec<(Box<str>, Failure)> {
        let slots = self.slots();
        let stale =
            slots.iter().filter_map(|(name, slot)| Some((name.clone(), slot.stale().clone()?)));
        let mut stale: Vec<_> = stale.collect();
        stale.sort_by(|a, b| a.0.cmp(&b.0));
        stale
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
    fn new(clock: &Clock) -> Self {
        Self {
            ring: OnceLock::new(),
            loaded: Mutex::default(),
            loading: futures_util::lock::Mutex::default(),
            outage: Outage::new(clock),
            stale: Mutex::default(),
            last_entered: AtomicU64::new(0),
        }
    }

    /// Whether somebody has the scope.
    fn is_held(&self) -> bool {
        self.ring.get().is_some_and(|ring| Arc::strong_count(ring) > 1)
    }

    /// Nobody may use its keys any more.
    fn end(&self, why: &'static str) {
        if let Some(lease) = self.loaded().lease.take() {
            lease.end(why);
        }
    }

    fn refreshed(&self, error: Option<&Error>, clock: &Clock) {
        let mut stale = self.stale();
        *stale = error.map(|error| Failure::again(stale.as_ref(), error, clock.wall()));
    }

    fn stale(&self) -> MutexGuard<'_, Option<Failure>> {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope, if nothing needs to be loaded. There is one for each who asks, so that threads
    /// don't share its counter.
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
}

/// For those who wait for the same scope. Many requests of a tenant may come at once, and one of
/// them loads it.
#[derive(Default)]
struct Gates(Mutex<Open>);

#[derive(Default)]
struct Open {
    gates: HashMap<Box<str>, Weak<Gate>>,
    /// When there are so many, those at which nobody waits any more are removed.
    tidy_at: usize,
}

struct Gate {
    lock: futures_util::lock::Mutex<()>,
    /// If the first of them could not do it, the others are told the reason.
    outage: Outage,
}

impl Gates {
    fn of(&self, name: &str, clock: &Clock) -> Arc<Gate> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = open.gates.get(name).and_then(Weak::upgrade) {
            return gate;
        }
        if open.gates.len() >= open.tidy_at {
            open.gates.retain(|_, gate| gate.strong_count() > 0);
            open.tidy_at = (2 * open.gates.len()).max(64);
        }
        let gate = Arc::new(Gate {
            lock: futures_util::lock::Mutex::default(),
            outage: Outage::new(clock),
        });
        open.gates.insert(name.into(), Arc::downgrade(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_at_which_nobody_waits_are_removed() {
        let (gates, clock) = (Gates::default(), Clock::system());
        let one = gates.of("one", &clock);
        for name in 0..10_000 {
            gates.of(&name.to_string(), &clock);
        }
        assert!(Arc::ptr_eq(&one, &gates.of("one", &clock)), "somebody waits there");
        assert!(gates.0.lock().unwrap().gates.len() <= 64 + 1);
    }
}
