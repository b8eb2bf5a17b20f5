//! How a manager fares, and since when.

use std::fmt;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::super::clock::date;
use super::super::memory::{Newest, Refused};
use super::super::outage::Failure;
use super::super::{Inner, restore::FAR};
use super::{StoreStatus, json};
use crate::envelope::StoreId;
use crate::envelope::record::{Entry, Head, ScopeKeys};
use crate::key::date::rfc3339;
use crate::key::{KeyState, Purpose};
use crate::key_id::KeyId;

/// How a [`KeyManager`](super::KeyManager) fares, see
/// [`KeyManager::status`](super::KeyManager::status).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The name of the key set.
    pub key_set: String,
    /// Whether it does its work.
    pub health: Health,
    /// Since when it is so, by the clock of this process. `None` if that is not known.
    #[serde(serialize_with = "json::maybe_date")]
    pub since: Option<SystemTime>,
    /// Whether values open: keys are loaded, and have not expired.
    pub can_open: bool,
    /// Whether values are sealed: they open, the store is not frozen, and a key is active that may
    /// be used.
    pub can_seal: bool,
    /// The problems, the worst first. None if it is healthy.
    pub problems: Vec<Problem>,
    /// When this process has last confirmed its keys, with the store and the key service.
    #[serde(serialize_with = "json::maybe_date")]
    pub confirmed: Option<SystemTime>,
    /// Until when they are used without being confirmed anew.
    #[serde(serialize_with = "json::maybe_date")]
    pub expires: Option<SystemTime>,
    /// Why they could not be confirmed since. `None` if the last refresh has succeeded.
    pub refresh_failure: Option<Failure>,
    /// Why the thread of this process could not do what the policy asks for the last time that it
    /// tried. `None` if it could, or there is no thread.
    pub maintenance_failure: Option<Failure>,
    /// Why the anchor could not be read or raised the last time. `None` if it could.
    pub anchor_failure: Option<Failure>,
    /// Whether nothing is sealed, because the store was not signed anew for too long.
    pub is_frozen: bool,
    /// How long ago the newest head that was seen here was signed.
    #[serde(serialize_with = "json::maybe_seconds")]
    pub head_age: Option<Duration>,
    /// The greatest age that a head has reached in this process before a newer one was seen. It
    /// tells how near the store came to being frozen, which it is after two heartbeats.
    #[serde(serialize_with = "json::maybe_seconds")]
    pub oldest_head: Option<Duration>,
    /// When the next key becomes active by the policy, among the scopes that are known here. `None`
    /// if keys rotate by hand.
    #[serde(serialize_with = "json::maybe_date")]
    pub next_rotation: Option<SystemTime>,
    /// By how many seconds the clock here is ahead of that of the store or a key service. Negative
    /// if it is behind, `None` if they have none.
    pub clock_difference: Option<i64>,
    /// The KEKs of this process and of the store.
    pub keks: Vec<KekStatus>,
    /// Which keys lack a wrap under a KEK, of those that are known here. `rewrap` adds what is
    /// missing, in a process that has the KEK.
    pub missing_wraps: Vec<MissingWraps>,
    /// When the thread has last tried whether each KEK unwraps
    /// ([`check_keks_every`](crate::envelope::CachePolicy::check_keks_every)).
    #[serde(serialize_with = "json::maybe_date")]
    pub keks_checked: Option<SystemTime>,
    /// A store that was refused, because it was set back, replaced or emptied, until one is in
    /// order again.
    pub refused: Option<RefusedStore>,
    /// The store as it was loaded last. `None` before that.
    pub store: Option<StoreStatus>,
}

/// Whether a manager does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Health {
    /// All is well.
    Healthy,
    /// It seals and opens. But somebody has to act before it stops doing so. For some of the keys
    /// it may have stopped already.
    Degraded,
    /// Nothing is sealed, or nothing is opened:
    /// [`can_seal`](Status::can_seal) and [`can_open`](Status::can_open) tell which.
    Failing,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// How bad it is.
    pub health: Health,
    /// Since when, by the clock of this process. `None` if that is not known.
    #[serde(serialize_with = "json::maybe_date")]
    pub since: Option<SystemTime>,
    /// What it is, and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.since {
            Some(since) => write!(f, "{} (since {})", self.text, rfc3339(since)),
            None => f.write_str(&self.text),
        }
    }
}

/// A key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KekStatus {
    /// The name that the store knows it by.
    pub name: String,
    /// What it is, such as a service and the name of the key there. `None` if this process does not
    /// have it.
    pub service: Option<String>,
    /// Whether the store is wrapped under it.
    pub is_in_store: bool,
    /// Whether it is an [`offline_kek`](super::super::KeyManagerBuilder::offline_kek).
    pub is_offline: bool,
    /// When it last did what this process has asked.
    #[serde(serialize_with = "json::maybe_date")]
    pub answered: Option<SystemTime>,
    /// Why it does not do so any more.
    pub failure: Option<Failure>,
}

/// Keys that are not wrapped under a KEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MissingWraps {
    /// The name of the KEK.
    pub kek: String,
    /// Whether it is the key that authenticates the store.
    pub store_key: bool,
    /// Data keys.
    #[serde(serialize_with = "json::ids")]
    pub keys: Vec<KeyId>,
}

/// A store that was set back, replaced or emptied, and is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RefusedStore {
    /// Why.
    pub why: String,
    /// Since when, by the clock of this process.
    #[serde(serialize_with = "json::date")]
    pub since: SystemTime,
    /// Whether it is another store than the one that this process has seen or that its anchor
    /// knows, and not an older state of it. Another store is never accepted.
    pub is_another: bool,
    /// Its id. This and what follows is authentic, and `None` if the store is empty.
    #[serde(serialize_with = "json::maybe_text")]
    pub store: Option<StoreId>,
    /// Its epoch.
    pub epoch: Option<u64>,
    /// Its revision. [`RestoredStore`](super::super::RestoredStore) takes it, once somebody has
    /// looked at the store.
    pub revision: Option<u64>,
    /// The least `next_id` that `accept_restored` takes here. Ids that values use may be higher.
    pub next_id: Option<u64>,
}

impl Inner {
    pub(super) fn status(&self) -> Status {
        let clock = &self.loader.backends.clock;
        let now = clock.wall();
        let (newest, view, head_age, oldest_head, refused) = {
            let memory = self.loader.memory();
            let (newest, view) = (memory.newest.clone(), memory.known.clone());
            (
                newest,
                view,
                memory.head_age(clock),
                memory.oldest_head(clock),
                memory.refused.clone(),
            )
        };
        let scopes: Vec<&ScopeKeys> =
            view.iter().flat_map(|view| view.all_keys()).map(|keys| &**keys).collect();
        let (confirmed, left) = (self.health.confirmed(), self.health.left());
        let expires = confirmed.and_then(|confirmed| confirmed.checked_add(self.health.length()));
        let (checked, faults) = {
            let checks = self.checks();
            (checks.date, checks.faults.clone())
        };
        let seals = self.seals(&scopes, now);
        let mut status = Status {
            key_set: self.key_set().to_owned(),
            health: Health::Healthy,
            since: None,
            can_open: left.is_some(),
            can_seal: left.is_some() && !self.health.is_frozen() && seals.contains(&true),
            problems: Vec::new(),
            confirmed,
            expires,
            refresh_failure: self.health.refresh_failure(),
            maintenance_failure: self.health.maintenance_failure(),
            anchor_failure: self.loader.backends.anchor_failure(),
            is_frozen: self.health.is_frozen(),
            head_age,
            oldest_head,
            next_rotation: scopes.iter().filter_map(|keys| self.next_rotation(keys)).min(),
            clock_difference: self.loader.reference().map(|reference| reference.difference()),
            keks: self.kek_statuses(newest.as_ref().map(|newest| &*newest.head)),
            missing_wraps: Vec::new(),
            keks_checked: checked,
            refused: refused.map(|refused| self.refused_store(refused, newest.as_ref())),
            store: None,
        };
        if let (Some(view), Some(newest)) = (&view, &newest) {
            status.missing_wraps = missing_wraps(&status.keks, &newest.head, &scopes);
            status.store = Some(Self::store_status(view, newest));
        }
        let found = self.problems(&status, &scopes, &faults, now);
        self.judge(&mut status, found, now);
        status
    }

    /// Sums up what was found.
    fn judge(&self, status: &mut Status, mut problems: Vec<Problem>, now: SystemTime) {
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.health));
        status.health = problems.first().map_or(Health::Healthy, |problem| problem.health);
        let mut last_ill = self.last_ill.lock().unwrap_or_else(PoisonError::into_inner);
        status.since = match status.health {
            // The time of the last recovery, or the time when a problem was last seen here.
            Health::Healthy => self.health.recovered().max(*last_ill),
            worst => problems
                .iter()
                .filter(|problem| problem.health == worst)
                .filter_map(|p| p.since)
                .min(),
        };
        if status.health != Health::Healthy {
            *last_ill = Some(now);
        }
        status.problems = problems;
    }

    /// All ids that this process has met count, too, unless somebody has made them up.
    fn refused_store(&self, refused: Refused, newest: Option<&Newest>) -> RefusedStore {
        let head = refused.head.as_ref();
        let known = newest.map_or(0, |newest| newest.head.next_id);
        let next_id = head.map(|head| {
            let least = head.next_id.max(known);
            let met = self.refresher.asked_for().into_iter().map(u64::from);
            met.filter(|id| *id < least + FAR).map(|id| id + 1).fold(least, u64::max)
        });
        let anchor = self.loader.memory().anchor;
        let known_store =
            newest.map(|newest| newest.head.store).or(anchor.map(|anchor| anchor.store));
        RefusedStore {
            why: refused.why,
            since: refused.since,
            is_another: head
                .is_some_and(|head| known_store.is_some_and(|store| store != head.store)),
            store: head.map(|head| head.store),
            epoch: head.map(|head| head.epoch),
            revision: head.map(|head| head.revision),
            next_id,
        }
    }

    /// Tells for each active key for fields whether it seals.
    pub(super) fn seals(&self, scopes: &[&ScopeKeys], now: SystemTime) -> Vec<bool> {
        let active = scopes.iter().flat_map(|keys| {
            keys.in_state(Purpose::Field, KeyState::Active).map(move |entry| (&*keys.scope, entry))
        });
        active
            .map(|(scope, entry)| !is_past(entry, now) && self.broken(scope, entry).is_none())
            .collect()
    }

    /// Why a key that should be usable is not.
    pub(super) fn broken(&self, scope: &str, entry: &Entry) -> Option<String> {
        let is_meant =
            matches!(entry.state, KeyState::Disabled | KeyState::Destroyed | KeyState::Compromised);
        let key = self.in_rings(KeyId::new(entry.id)?, Some(scope))?;
        key.refused.as_deref().filter(|_| !is_meant).map(ToOwned::to_owned)
    }

    /// When the next key of a scope becomes active by the policy.
    fn next_rotation(&self, keys: &ScopeKeys) -> Option<SystemTime> {
        let interval = self.changes.rotation.interval()?;
        let purposes = Purpose::ALL.into_iter().filter(|purpose| *purpose != Purpose::Index);
        let next = purposes.filter_map(|purpose| {
            let active = keys.in_state(purpose, KeyState::Active).next();
            let pending = keys.in_state(purpose, KeyState::Pending).next();
            let by_pending = pending.and_then(|entry| entry.activate_after).map(date);
            by_pending.or_else(|| {
                date(active?.activated.unwrap_or(active?.created)).checked_add(interval)
            })
        });
        next.min()
    }

    /// Those of this process in its order, then those that it has not: of the store, and offline
    /// ones under which the store is not wrapped, so that they could not load it.
    fn kek_statuses(&self, head: Option<&Head>) -> Vec<KekStatus> {
        let backends = &self.loader.backends;
        let is_in_store = |name: &str| head.is_some_and(|head| head.store_key.contains_key(name));
        let is_offline = |name: &str| backends.offline_keks.iter().any(|offline| offline == name);
        let own = backends.keks.iter().map(|kek| {
            let state = kek.state();
            KekStatus {
                name: kek.name.to_string(),
                service: Some(kek.service()),
                is_in_store: is_in_store(&kek.name),
                is_offline: is_offline(&kek.name),
                answered: state.answered,
                failure: state.failure().cloned(),
            }
        });
        let of_store = head.into_iter().flat_map(|head| head.store_key.keys());
        let offline = backends.offline_keks.iter().filter(|name| !is_in_store(name));
        let names = of_store.chain(offline).filter(|name| !backends.has_kek(name));
        let others = names.map(|name| KekStatus {
            name: name.clone(),
            service: None,
            is_in_store: is_in_store(name),
            is_offline: is_offline(name),
            answered: None,
            failure: None,
        });
        own.chain(others).collect()
    }
}

pub(super) fn is_past(entry: &Entry, now: SystemTime) -> bool {
    entry.seal_until.is_some_and(|until| date(until) < now)
}

fn missing_wraps(keks: &[KekStatus], head: &Head, scopes: &[&ScopeKeys]) -> Vec<MissingWraps> {
    let entries = || {
        scopes.iter().flat_map(|keys| &keys.keys).filter(|entry| entry.state != KeyState::Destroyed)
    };
    let missing = keks.iter().map(|kek| MissingWraps {
        kek: kek.name.clone(),
        store_key: !head.store_key.contains_key(&kek.name),
        keys: entries()
            .filter(|entry| !entry.wraps.contains_key(&kek.name))
            .filter_map(|entry| KeyId::new(entry.id))
            .collect(),
    });
    missing.filter(|missing| missing.store_key || !missing.keys.is_empty()).collect()
}
