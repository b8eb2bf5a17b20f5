//! Making keys, publishing them, and making them active.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::backends::{Kek, some_at_a_time};
use super::changes::{Attempts, Changes};
use super::loading::Ask;
use super::ring::key_id;
use super::{Call, Inner, KeyManager};
use crate::envelope::WrapContext;
use crate::envelope::draft::Note;
use crate::envelope::lifecycle::{self, NewKey, Place};
use crate::envelope::record::{Digest, Part, Wraps};
use crate::error::Result;
use crate::key::{Purpose, check_name, derive, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Keys that one change of [`KeyManager::provision_all`] makes.
const PROVISION_AT_ONCE: usize = 256;

impl KeyManager {
    /// Makes the first key of a scope and purpose that is loaded with the process, as a field's
    /// `scope = "…"` needs, or the first after all of them were destroyed. It becomes active when
    /// every process has it, by [`maintain`](Self::maintain) or [`activate`](Self::activate).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if there is one.
    pub fn create(&self, scope: &str, purpose: Purpose) -> Call<KeyId> {
        let place = Place { part: Part::Process, scope: scope.into(), purpose };
        self.add_key(place, Nth::FirstPending)
    }

    /// Makes the first key of a scope that is loaded when it is [entered](Self::scope), such as a
    /// new tenant's: active at once, because whoever enters the scope loads it. A tenant that
    /// returns, whose keys were all destroyed, gets a new one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidScope`](crate::ErrorKind::InvalidScope) if the name is empty.
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if it has one already. If that
    /// one is not active, the error says which two calls make one that seals.
    pub fn provision(&self, scope: &str) -> Call<KeyId> {
        let place = Place { part: Part::Demand, scope: scope.into(), purpose: Purpose::Field };
        self.add_key(place, Nth::FirstActive)
    }

    /// As [`provision`](Self::provision), for many scopes, such as the tenants that are there
    /// already: 256 in one change. Scopes that have a key which was not destroyed are passed over.
    /// So it can be run again if it was stopped. Gives how many keys were made.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidScope`](crate::ErrorKind::InvalidScope) if a name is empty. No key is
    /// made then. Those of the store and the key services.
    pub fn provision_all(
        &self,
        scopes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Call<usize> {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        self.call(move |inner, note| async move {
            scopes.iter().try_for_each(|scope| check_name(scope))?;
            let mut made = 0;
            for scopes in scopes.chunks(PROVISION_AT_ONCE) {
                let added = inner.changes.add_first_keys(scopes, &note);
                made += inner.in_turn_if_in_reach(added).await?;
            }
            Ok(made)
        })
    }

    /// Makes the next key of a scope and purpose and publishes it: every process loads it, none
    /// seals with it before it is [activated](Self::activate).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if one is pending already, or
    /// there is no key yet.
    pub fn publish(&self, scope: &str, purpose: Purpose) -> Call<KeyId> {
        let place = Place { part: Part::Process, scope: scope.into(), purpose };
        self.add_key(place, Nth::Next)
    }

    /// Makes a pending key active and retires the one before it, once the propagation time is over.
    /// Its dates must say so, and so must the time for which this process has seen the key, by a
    /// clock that nobody sets. A process that has not seen it for so long goes by the dates alone.
    /// It waits for 5 minutes more if the store or a key service has a clock that confirms the one
    /// here, and for a day more if there is none. The key is unwrapped once more before.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle): too early, or not pending.
    pub fn activate(&self, id: KeyId) -> Call<()> {
        self.call(move |inner, note| async move {
            inner.in_turn(inner.activate(id, false, &note)).await
        })
    }

    /// As [`activate`](Self::activate), but without waiting for the propagation time. This is for a
    /// key that is compromised. Until other processes have refreshed, they fail to open what is
    /// sealed with the new key, with [`ErrorKind::KeyNotLoaded`](crate::ErrorKind::KeyNotLoaded).
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle): not pending.
    pub fn activate_at_once(&self, id: KeyId) -> Call<()> {
        self.call(
            move |inner, note| async move { inner.in_turn(inner.activate(id, true, &note)).await },
        )
    }

    fn add_key(&self, place: Place, nth: Nth) -> Call<KeyId> {
        self.call(move |inner, note| async move {
            let added = inner.changes.add_key(place, nth, &note);
            match nth {
                Nth::FirstActive => inner.in_turn_if_in_reach(added).await,
                Nth::FirstPending | Nth::Next => inner.in_turn(added).await,
            }
        })
    }
}

impl Changes {
    /// Makes a key and stores it. If others were faster, it does so again with another id.
    async fn add_key(&self, mut place: Place, nth: Nth, note: &Note) -> Result<KeyId> {
        if place.part == Part::Demand {
            check_name(&place.scope)?;
        }
        lifecycle::check_name(&place.scope)?;
        let mut attempts = Attempts::default();
        loop {
            let view = self.loader.look_up(&[&*place.scope], true, Ask::Always).await?;
            let mut draft = self.draft(&view, note)?;
            // A request that must be refused is refused before a key service is asked.
            match nth {
                Nth::FirstActive | Nth::FirstPending => lifecycle::check_first(&draft, &place)?,
                Nth::Next => place.part = lifecycle::check_next(&draft, &place)?,
            }
            let id = draft.next_id()?;
            // A tenant is not turned away because one of several regions is down: `maintain` adds
            // what is missing.
            let under = if nth == Nth::FirstActive { Under::Some } else { Under::All };
            let key = self.new_key(&view.head.store_key, id, &place, under).await?;
            match nth {
                Nth::FirstActive => lifecycle::add_first(&mut draft, key, &place, &self.rotation)?,
                Nth::FirstPending | Nth::Next => lifecycle::publish(&mut draft, key, &place)?,
            }
            if self.commit(&view, draft).await? {
                return key_id(id);
            }
            attempts.again(self.backends()).await?;
        }
    }

    /// The first keys of those scopes that have none.
    async fn add_first_keys(&self, scopes: &[String], note: &Note) -> Result<usize> {
        let mut names: Vec<&str> = scopes.iter().map(|scope| &**scope).collect();
        names.sort_unstable();
        names.dedup();
        for name in &names {
            lifecycle::check_name(name)?;
        }
        let mut attempts = Attempts::default();
        loop {
            let view = self.loader.look_up(&names, true, Ask::Always).await?;
            let mut draft = self.draft(&view, note)?;
            let place = |name: &&str| Place {
                part: Part::Demand,
                scope: (*name).into(),
                purpose: Purpose::Field,
            };
            // One that has a key, or that is no tenant's, is passed over.
            let is_new = |place: &Place| lifecycle::check_first(&draft, place).is_ok();
            let places: Vec<Place> = names.iter().map(place).filter(is_new).collect();
            let mut calls: Vec<BoxFuture<'_, Result<NewKey>>> = Vec::with_capacity(places.len());
            for (place, id) in places.iter().zip(draft.next_id()?..=u32::MAX) {
                calls.push(Box::pin(self.new_key(&view.head.store_key, id, place, Under::Some)));
            }
            for (place, key) in places.iter().zip(some_at_a_time(calls).await) {
                lifecycle::add_first(&mut draft, key?, place, &self.rotation)?;
            }
            if self.commit(&view, draft).await? {
                return Ok(places.len());
            }
            attempts.again(self.backends()).await?;
        }
    }

    /// A new data key, wrapped under the KEKs of the store and tried.
    pub(super) async fn new_key(
        &self,
        store_key: &Wraps,
        id: u32,
        place: &Place,
        under: Under,
    ) -> Result<NewKey> {
        let backends = self.backends();
        let key = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
        let context =
            WrapContext::data(&backends.key_set, key_id(id)?, &place.scope, place.purpose);
        let wraps = match under {
            Under::All => {
                backends.wrap_under_all(backends.keks_of(store_key)?, &context, &key).await?
            }
            Under::Some => {
                let is_the_stores = |kek: &&Kek| store_key.contains_key(&*kek.name);
                let keks: Vec<&Kek> = backends.keks.iter().filter(is_the_stores).collect();
                backends.wrap_under_some(keks, &context, &key).await?
            }
        };
        Ok(NewKey { id, check: Digest(derive::check_value(&key)), wraps })
    }
}

impl Inner {
    async fn activate(self: &Arc<Self>, id: KeyId, at_once: bool, note: &Note) -> Result<()> {
        let changes = &self.changes;
        let scope = self.scope_of(id).await?;
        let mut attempts = Attempts::default();
        loop {
            let view = self.loader.look_up(&[&*scope], true, Ask::Always).await?;
            let mut draft = changes.draft(&view, note)?;
            lifecycle::activate(&mut draft, &scope, id.get(), at_once, &changes.rotation)?;
            if let Some(entry) = view.keys_of(&scope).and_then(|keys| keys.get(id.get())) {
                if !at_once {
                    changes.check_known_everywhere(&view.head, entry)?;
                }
                changes.backends().unwrap_entry(&scope, entry).await?;
            }
            if changes.commit(&view, draft).await? {
                return Ok(());
            }
            attempts.again(changes.backends()).await?;
        }
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
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    All,
    Some,
}
