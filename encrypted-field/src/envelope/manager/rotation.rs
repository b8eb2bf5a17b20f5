//! Making keys, publishing them, and making them active.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;

use super::backends::{Kek, is_about_one_key, some_at_a_time};
use super::changes::{Attempts, Confirms};
use super::load::Ask;
use super::{Call, Inner, KeyManager, seconds};
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::KeySet;
use crate::envelope::lifecycle::{self, NewKey, Place};
use crate::envelope::record::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{Purpose, derive, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Most keys that one [`KeyManager::maintain`] publishes: with many tenants the rest waits for the next time.
const PUBLISH_AT_ONCE: usize = 64;
/// Most keys that it makes active or disables.
const CHANGE_AT_ONCE: usize = 256;

/// Keys that one change of [`KeyManager::provision_all`] makes.
const PROVISION_AT_ONCE: usize = 256;

/// What [`KeyManager::maintain`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintenance {
    /// Keys that were published: every process gets them, none seals with them yet.
    pub published: Vec<KeyId>,
    /// Keys that became active; those before them are retired.
    pub activated: Vec<KeyId>,
    /// Retired keys beyond those that are kept, which were disabled.
    pub disabled: Vec<KeyId>,
    /// Keys that lacked a wrap under one of the KEKs and have it now.
    pub rewrapped: Vec<KeyId>,
    /// There is more to do, at once.
    pub unfinished: bool,
}

impl KeyManager {
    /// Makes the first key of a scope and purpose that is loaded with the process, as a field's `scope = "…"` needs. It becomes
    /// active when every process has it, by [`maintain`](Self::maintain) or [`activate`](Self::activate).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where there is one.
    pub fn create(&self, scope: &str, purpose: Purpose, now: SystemTime) -> Call<KeyId> {
        let place = Place { scope: scope.to_owned(), purpose, on_demand: false };
        self.call(move |inner| async move { inner.add_key(place, Nth::FirstPending, now).await })
    }

    /// Makes the first key of a scope that is loaded when it is [entered](Self::scope), such as a new tenant's: active at
    /// once, because whoever enters the scope loads it.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where there is one.
    pub fn provision(&self, scope: &str, now: SystemTime) -> Call<KeyId> {
        let place = Place { scope: scope.to_owned(), purpose: Purpose::Field, on_demand: true };
        self.call(move |inner| async move { inner.add_key(place, Nth::FirstActive, now).await })
    }

    /// As [`provision`](Self::provision), of many scopes, such as the tenants that are there already: 256 in one change. Those that have a
    /// key are passed over, so that it can be run again where it was stopped. Gives how many keys were made.
    ///
    /// # Errors
    /// Those of the store and the key services.
    pub fn provision_all(
        &self,
        scopes: impl IntoIterator<Item = impl Into<String>>,
        now: SystemTime,
    ) -> Call<usize> {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        self.call(move |inner| async move {
            let mut made = 0;
            for scopes in scopes.chunks(PROVISION_AT_ONCE) {
                made += inner.add_first_keys(scopes, now).await?;
            }
            Ok(made)
        })
    }

    /// Makes the next key of a scope and purpose and publishes it: every process loads it, none seals with it before it is
    /// [activated](Self::activate).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where one is pending already, or there is no key yet.
    pub fn publish(&self, scope: &str, purpose: Purpose, now: SystemTime) -> Call<KeyId> {
        let place = Place { scope: scope.to_owned(), purpose, on_demand: false };
        self.call(move |inner| async move { inner.add_key(place, Nth::Next, now).await })
    }

    /// Makes a pending key active and retires the one before it, once the propagation time is over: by its dates, and by the clock of
    /// this process that nobody sets, for as long as it has seen the key. A process that has not seen it for so long waits for a
    /// day more. The key is unwrapped once more before.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`]: too early, or not pending.
    pub fn activate(&self, id: KeyId, now: SystemTime) -> Call<()> {
        self.call(move |inner| async move { inner.activate(id, false, now).await })
    }

    /// As [`activate`](Self::activate), but without waiting for the propagation time, for a key that is compromised: until they
    /// have refreshed, other processes fail to open what is sealed with it, with
    /// [`ErrorKind::KeyNotLoaded`].
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`]: not pending.
    pub fn activate_at_once(&self, id: KeyId, now: SystemTime) -> Call<()> {
        self.call(move |inner| async move { inner.activate(id, true, now).await })
    }

    /// Does what is due by the [policy](crate::envelope::RotationPolicy): publishes next keys, activates those that every
    /// process has, disables what is no longer to be kept, adds missing wraps. The refresh thread of
    /// [`install`](Self::install) calls it; without one, call it now and then, from any number of processes: one of them does it.
    ///
    /// Before a key is published, the store is read and each KEK wraps it and unwraps it to the same check value; where one of them
    /// fails, nothing is changed. Before it becomes active, it is unwrapped again as it is stored.
    ///
    /// # Errors
    /// Those of the store and the key services.
    pub fn maintain(&self, now: SystemTime) -> Call<Maintenance> {
        self.call(move |inner| async move { inner.maintain(now).await })
    }
}

impl Inner {
    /// Makes a key and stores it; again with another id where others were faster.
    async fn add_key(self: &Arc<Self>, mut place: Place, nth: Nth, now: SystemTime) -> Result<KeyId> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            // What is refused is refused before a key service is asked.
            match nth {
                Nth::FirstActive | Nth::FirstPending => lifecycle::check_first(&draft, &place)?,
                Nth::Next => place.on_demand = lifecycle::check_next(&draft, &place)?,
            }
            let id = draft.next_id()?;
            // A tenant is not turned away because one of several regions is down: `maintain` adds what is missing.
            let under = if nth == Nth::FirstActive { Under::Some } else { Under::All };
            let key = self.new_key(&set, id, &place, under).await?;
            match nth {
                Nth::FirstActive => lifecycle::add_first(&mut draft, key, place.clone(), &self.rotation)?,
                Nth::FirstPending | Nth::Next => lifecycle::publish(&mut draft, key, place.clone())?,
            }
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return key_id(id);
            }
            attempts.again(self).await?;
        }
    }

    /// The first keys of those scopes that have none.
    async fn add_first_keys(self: &Arc<Self>, scopes: &[String], now: SystemTime) -> Result<usize> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            let known = set.scopes();
            let mut places: Vec<Place> = Vec::new();
            for scope in scopes {
                if !known.contains_key(&**scope) && !places.iter().any(|place| place.scope == *scope) {
                    places.push(Place { scope: scope.clone(), purpose: Purpose::Field, on_demand: true });
                }
            }
            let mut calls: Vec<BoxFuture<'_, Result<NewKey>>> = Vec::new();
            for (place, id) in places.iter().zip(draft.next_id()?..) {
                calls.push(Box::pin(self.new_key(&set, id, place, Under::Some)));
            }
            for (place, key) in places.iter().zip(some_at_a_time(calls).await) {
                lifecycle::add_first(&mut draft, key?, place.clone(), &self.rotation)?;
            }
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return Ok(places.len());
            }
            attempts.again(self).await?;
        }
    }

    /// A new data key, wrapped under the KEKs of the store and tried.
    pub(super) async fn new_key(&self, set: &KeySet, id: u32, place: &Place, under: Under) -> Result<NewKey> {
        let key = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
        let context = WrapContext::new(&self.key_set, id, &place.scope, place.purpose.name());
        let wraps = match under {
            Under::All => self.wrap_under_all(self.keks_of(&set.head)?, &context, &key).await?,
            Under::Some => {
                let is_the_stores = |kek: &&Kek| set.head.store_key.contains_key(&*kek.name);
                let keks: Vec<&Kek> = self.keks.iter().filter(is_the_stores).collect();
                self.wrap_under_some(keks, &context, &key).await?
            }
        };
        Ok(NewKey { id, check: Digest(derive::check_value(&key)), wraps })
    }

    async fn activate(self: &Arc<Self>, id: KeyId, at_once: bool, now: SystemTime) -> Result<()> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            lifecycle::activate(&mut draft, id.get(), at_once, &self.rotation)?;
            if let Some(entry) = set.get(id.get()) {
                if !at_once {
                    self.has_seen(&set.head, entry, seconds(now))?;
                }
                self.unwrap_entry(entry).await?;
            }
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return Ok(());
            }
            attempts.again(self).await?;
        }
    }

    /// For the thread, which nobody asks what happened.
    pub(super) async fn maintain_and_tell(self: &Arc<Self>) -> Result<Maintenance> {
        let done = self.maintain(self.clock.wall()).await;
        if let Err(error) = &done {
            event::emit(&Event::MaintenanceFailed { key_set: &self.key_set, kind: error.kind() });
        }
        self.state().maintenance_failure = done.as_ref().err().map(ToString::to_string);
        done
    }

    pub(super) async fn maintain(self: &Arc<Self>, now: SystemTime) -> Result<Maintenance> {
        let mut done = self.activate_due(now).await?;
        self.publish_due(now, &mut done).await?;
        Ok(done)
    }

    /// Whoever is not the first leaves it to the one who is.
    async fn activate_due(self: &Arc<Self>, now: SystemTime) -> Result<Maintenance> {
        let turn = self.turn().await;
        let set = self.load_set(Ask::IfNeeded).await?;
        let due = lifecycle::due(&set, seconds(now), &self.rotation);
        let mut draft = self.draft(&set, now)?;
        let mut done = Maintenance::default();
        let pending = due.activate.iter().filter_map(|id| set.get(*id));
        let ready: Vec<_> =
            pending.filter(|entry| self.has_seen(&set.head, entry, seconds(now)).is_ok()).collect();
        // Those that are due and were not seen for long enough are nothing to be done at once.
        done.unfinished = ready.len() > CHANGE_AT_ONCE || due.disable.len() > CHANGE_AT_ONCE;
        for entry in ready.into_iter().take(CHANGE_AT_ONCE) {
            match self.unwrap_entry(entry).await {
                Ok(_) => {}
                // It stays pending, and the one before it active: that one is good.
                Err(error) if is_about_one_key(&error) => {
                    event::emit(&Event::KeyBroken { key_id: entry.id, kind: error.kind() });
                    continue;
                }
                Err(error) => return Err(error),
            }
            lifecycle::activate(&mut draft, entry.id, false, &self.rotation)?;
            done.activated.extend(KeyId::new(entry.id));
        }
        for id in due.disable.iter().take(CHANGE_AT_ONCE) {
            lifecycle::disable(&mut draft, *id)?;
            done.disabled.extend(KeyId::new(*id));
        }
        let is_first = self.commit(&turn, Confirms::Nothing, &set, draft).await?;
        Ok(if is_first { done } else { Maintenance::default() })
    }

    async fn publish_due(self: &Arc<Self>, now: SystemTime, done: &mut Maintenance) -> Result<()> {
        let turn = self.turn().await;
        let set = self.load_set(Ask::IfNeeded).await?;
        let due = lifecycle::due(&set, seconds(now), &self.rotation).publish;
        let mut draft = self.draft(&set, now)?;
        let first_id = draft.next_id()?;
        let mut calls: Vec<BoxFuture<'_, Result<NewKey>>> = Vec::new();
        for (place, id) in due.iter().take(PUBLISH_AT_ONCE).zip(first_id..) {
            calls.push(Box::pin(self.new_key(&set, id, place, Under::All)));
        }
        let mut published = Vec::new();
        for (place, key) in due.iter().zip(some_at_a_time(calls).await) {
            let key = key?;
            published.extend(KeyId::new(key.id));
            lifecycle::publish(&mut draft, key, place.clone())?;
        }
        let (rewrapped, more) = self.add_missing_wraps(&set, &mut draft).await?;
        if self.commit(&turn, Confirms::Nothing, &set, draft).await? {
            done.unfinished |= more || due.len() > published.len();
            (done.published, done.rewrapped) = (published, rewrapped);
        }
        Ok(())
    }
}

/// Which key of its scope and purpose a new one is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nth {
    /// The first, of a scope that whoever uses it loads.
    FirstActive,
    /// The first, of a scope that other processes must load before one may use it.
    FirstPending,
    Next,
}

/// How many KEKs must do their part.
pub(super) enum Under {
    All,
    Some,
}

pub(super) fn key_id(id: u32) -> Result<KeyId> {
    KeyId::new(id).ok_or_else(|| Error::new(ErrorKind::KeyLifecycle).detail("key ids begin at 1"))
}
