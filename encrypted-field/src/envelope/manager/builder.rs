//! What a manager is made of.

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::backends::{Backends, Kek, Store};
use super::changes::Changes;
use super::lease::Health;
use super::loading::{Floor, Loader};
use super::maintenance::Patrol;
use super::outage::Outage;
use super::refreshing::Refresher;
use super::ring::RingMaker;
use super::rings::ProcessRing;
use super::scopes::Scopes;
use super::{Inner, KeyManager};
use crate::cipher;
use crate::envelope::draft::Note;
use crate::envelope::runtime::Runtime;
use crate::envelope::{Anchor, CachePolicy, KeyEncryptionKey, KeyStore, RotationPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;
use crate::key_id::KeyId;

/// Makes a [`KeyManager`]. Made by [`KeyManager::builder`].
#[must_use]
pub struct KeyManagerBuilder {
    key_set: String,
    store: Store,
    keks: Vec<Kek>,
    offline_keks: Vec<String>,
    rotation: RotationPolicy,
    cache: CachePolicy,
    propagation: Option<Duration>,
    refuse_compromised: bool,
    subkey_per_value: bool,
    min_revision: u64,
    min_epoch: u64,
    anchor: Option<Anchor>,
    heartbeat: Option<Duration>,
    first_key_id: KeyId,
    maintains: bool,
    changed_by: Option<String>,
    clock: Clock,
}

/// Beyond the lease of the keys: for clocks that are apart, of who writes and of who reads by 5
/// minutes each.
const SKEW: Duration = Duration::from_mins(10);

impl KeyManagerBuilder {
    pub(super) fn new(key_set: String, store: impl KeyStore) -> Self {
        Self {
            key_set,
            store: Store::new(store),
            keks: Vec::new(),
            offline_keks: Vec::new(),
            rotation: RotationPolicy::default(),
            cache: CachePolicy::default(),
            propagation: None,
            refuse_compromised: false,
            subkey_per_value: false,
            min_revision: 0,
            min_epoch: 0,
            anchor: None,
            heartbeat: None,
            first_key_id: KeyId::MIN,
            maintains: true,
            changed_by: None,
            clock: Clock::system(),
        }
    }

    /// Adds a key-encryption key, under the name that the store knows it by: a region, or
    /// `break-glass`. Every data key is wrapped under each. Loading asks them in this order. After
    /// you add or leave out one, call [`KeyManager::rewrap`].
    pub fn kek(mut self, name: impl Into<String>, kek: impl KeyEncryptionKey) -> Self {
        self.keks.push(Kek::new(name.into(), kek));
        self
    }

    /// Says that the store is wrapped under a KEK which this process does not have on purpose, such
    /// as a break-glass key that lies in a safe. Keys that this process makes are not wrapped under
    /// it until somebody who has it calls [`KeyManager::rewrap`], after each rotation. Without
    /// this, a process that lacks a KEK of the store makes no keys.
    pub fn offline_kek(mut self, name: impl Into<String>) -> Self {
        self.offline_keks.push(name.into());
        self
    }

    /// When keys rotate, by default every 90 days.
    pub fn rotation(mut self, policy: RotationPolicy) -> Self {
        self.rotation = policy;
        self
    }

    /// How keys are kept up to date, and how long without.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = policy;
        self
    }

    /// The time between publishing a key and its use, for a new store. The store keeps it. It is at
    /// least what [`CachePolicy::max_age`] gives together, which no process on this store may
    /// exceed. By default it is 10 minutes more, for clocks that are apart.
    pub fn propagation(mut self, time: Duration) -> Self {
        self.propagation = Some(time);
        self
    }

    /// Values under compromised keys no longer open.
    pub fn refuse_compromised(mut self) -> Self {
        self.refuse_compromised = true;
        self
    }

    /// As [`KeyringBuilder::subkey_per_value`](crate::key::KeyringBuilder::subkey_per_value).
    pub fn subkey_per_value(mut self) -> Self {
        self.subkey_per_value = true;
        self
    }

    /// Refuses a store of an older revision than this, as
    /// [`StoreStatus::revision`](super::StoreStatus::revision) tells it. So even a process that has
    /// not seen the store before notices that it was set back.
    pub fn min_revision(mut self, revision: u64) -> Self {
        self.min_revision = revision;
        self
    }

    /// Refuses a store of an earlier epoch than this, as
    /// [`StoreStatus::epoch`](super::StoreStatus::epoch) tells it. An epoch begins when the store
    /// key changes: a KEK is [left out](KeyManager::leave_out_kek), a restored store is
    /// [accepted](KeyManager::accept_restored), or the store key is
    /// [renewed](KeyManager::renew_store_key). With it, somebody who knows an earlier store key
    /// can't deceive a process that has not seen the store before.
    pub fn min_epoch(mut self, epoch: u64) -> Self {
        self.min_epoch = epoch;
        self
    }

    /// A memory outside of the store of how new it is at least. Each change raises it. So even a
    /// process that has not seen the store before notices that it was set back, replaced or
    /// emptied. The anchor is read when the process starts, at each refresh and before each change.
    /// If it can't be read, loading fails in a process that has not seen the store before. A
    /// process that has seen the store goes on. If it can't be raised, the change stands. In both
    /// cases that go on, an [event](crate::event::Event::AnchorFailed) says why.
    pub fn anchor(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// For a new store: how often its head is signed anew if nothing else is written, in whole
    /// seconds. The store keeps it. By default it is half of the time that [`CachePolicy::max_age`]
    /// gives together, 30 minutes, and at least one and a half times [`CachePolicy::refresh`].
    /// [`KeyManager::maintain`] does it, in one of the processes.
    ///
    /// A head that was not signed anew for twice this time is *frozen*. It may be an old state of
    /// the store, so nothing is sealed ([`ErrorKind::KeyStoreFrozen`]) until a new one is seen.
    /// Twice this time and 10 minutes are at most the propagation time, so that no process seals
    /// under a key that may have been destroyed. `Duration::ZERO` turns it off. Then a process that
    /// is shown an old state goes on sealing under keys that were destroyed since, and those values
    /// are lost.
    ///
    /// It protects a process that only reads, and one that shares the store with others that sign.
    /// If a process maintains the store and is shown a copy that takes its writes, it signs that
    /// copy itself. Only an [`anchor`](Self::anchor) shows it.
    pub fn heartbeat(mut self, time: Duration) -> Self {
        self.heartbeat = Some(time);
        self
    }

    /// For a new store: the id of its first key, 1 by default. If rows have values under keys of a
    /// store that is lost, give an id above all of theirs, so that none is used twice.
    pub fn first_key_id(mut self, id: KeyId) -> Self {
        self.first_key_id = id;
        self
    }

    /// The thread of [`KeyManager::install`] only refreshes, and leaves what is due to other
    /// processes: for one whose account may only read the store. Some other process has to
    /// [maintain](KeyManager::maintain) it.
    pub fn without_maintenance(mut self) -> Self {
        self.maintains = false;
        self
    }

    /// Who makes the changes of this process, such as its host or service. It is kept with each
    /// change that is not [noted](KeyManager::noting) otherwise. At most 200 bytes, cut off beyond.
    pub fn changed_by(mut self, name: &str) -> Self {
        self.changed_by = Some(name.to_owned());
        self
    }

    /// Another clock than the system's, for tests.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The manager. Nothing is loaded yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: no key-encryption key, two of one name, names that are empty,
    /// policies that don't fit together.
    pub fn build(self) -> Result<KeyManager> {
        cipher::check()?;
        if self.key_set.is_empty() || self.key_set.len() > 200 {
            return Err(invalid("the name of the key set has 1 to 200 bytes"));
        }
        if self.keks.is_empty() {
            return Err(invalid("a manager needs at least one KEK; add it with `kek`"));
        }
        for (at, kek) in self.keks.iter().enumerate() {
            if kek.name.is_empty() || kek.name.len() > 200 {
                return Err(invalid("the name of a KEK has 1 to 200 bytes"));
            }
            if self.keks[..at].iter().any(|other| other.name == kek.name) {
                return Err(invalid(format!(
                    "two KEKs are named \"{}\"; give each a name of its own",
                    kek.name
                )));
            }
        }
        self.cache.check()?;
        let lease = self.cache.lease();
        let least_heartbeat = self.cache.least_heartbeat();
        let usual_heartbeat = (lease / 2).max(least_heartbeat);
        let heartbeat = self.heartbeat.unwrap_or(usual_heartbeat);
        if !heartbeat.is_zero() && heartbeat < least_heartbeat {
            return Err(invalid(format!(
                "a process that refreshes every {} s would take a store that is signed every {} s for frozen; make the heartbeat at \
                 least {} s, or the refresh interval shorter",
                self.cache.refresh.as_secs(),
                heartbeat.as_secs(),
                least_heartbeat.as_secs()
            )));
        }
        // In whole seconds, as the store keeps it.
        let usual_propagation = lease.max(usual_heartbeat.saturating_mul(2)).saturating_add(SKEW);
        let propagation = self.propagation.unwrap_or(usual_propagation);
        let propagation = Duration::from_secs(
            propagation.as_secs().saturating_add(u64::from(propagation.subsec_nanos() > 0)),
        );
        if propagation < lease {
            return Err(invalid(format!(
                "a key that is used {} s after it was published is missing in processes that may go on for {} s without a \
                 refresh; make the propagation time longer, or the maximum age and its grace shorter",
                propagation.as_secs(),
                lease.as_secs()
            )));
        }
        self.rotation.check(propagation)?;
        check_heartbeat(heartbeat, propagation)?;
        let clock = self.clock.clone();
        let health = Arc::new(Health::new(clock.clone(), lease, self.cache.refresh_interval()));
        let backends = Arc::new(Backends {
            key_set: self.key_set.into(),
            store: self.store,
            keks: self.keks,
            offline_keks: self.offline_keks,
            anchor: self.anchor,
            anchor_state: Mutex::default(),
            health: Arc::clone(&health),
            call_timeout: self.cache.call_timeout,
            bulk_timeout: self.cache.bulk_timeout,
            runtime: Runtime::new(),
            clock: self.clock,
        });
        let floor = Floor { revision: self.min_revision, epoch: self.min_epoch };
        let loader = Arc::new(Loader::new(Arc::clone(&backends), floor, self.cache.clone()));
        let maker = Arc::new(RingMaker {
            backends,
            health: Arc::clone(&health),
            refuse_compromised: self.refuse_compromised,
            subkey_per_value: self.subkey_per_value,
        });
        let note = Arc::new(Note::new(self.changed_by.as_deref().unwrap_or_default(), ""));
        let inner = Inner {
            changes: Changes {
                loader: Arc::clone(&loader),
                rotation: self.rotation,
                propagation,
                // In whole seconds, as the store keeps it. A time below a second becomes a second.
                heartbeat: Duration::from_secs(
                    heartbeat.as_secs().max(u64::from(!heartbeat.is_zero())),
                ),
                first_key_id: self.first_key_id,
            },
            process: ProcessRing::new(Arc::clone(&maker)),
            scopes: Scopes::new(Arc::clone(&loader), maker, self.cache.max_scopes),
            loader,
            health,
            refresher: Refresher::default(),
            patrol: Patrol::new(),
            checks: Mutex::default(),
            last_ill: Mutex::default(),
            dated_ahead: Mutex::default(),
            maintains: self.maintains,
            is_frozen_told: AtomicBool::new(false),
            note: Arc::clone(&note),
            cache: self.cache,
            turn: futures_util::lock::Mutex::default(),
            outage: Outage::new(&clock),
        };
        Ok(KeyManager { inner: Arc::new(inner), note })
    }
}

impl fmt::Debug for KeyManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyManagerBuilder")
            .field("key_set", &self.key_set)
            .field("store", &self.store.name())
            .field("keks", &self.keks)
            .finish_non_exhaustive()
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

/// Checks that no process seals under a key that may be destroyed. A process seals under a head for
/// twice the heartbeat and for clocks that are apart.
///
/// # Errors
/// [`ErrorKind::InvalidKeys`].
pub(super) fn check_heartbeat(heartbeat: Duration, propagation: Duration) -> Result<()> {
    let frozen = heartbeat.saturating_mul(2).saturating_add(SKEW);
    if heartbeat.is_zero() || frozen <= propagation {
        return Ok(());
    }
    Err(invalid(format!(
        "a process may seal for {} s under a head that is signed every {} s, and a key may be destroyed {} s after it was \
         disabled; make the heartbeat shorter, or the propagation time longer",
        frozen.as_secs(),
        heartbeat.as_secs(),
        propagation.as_secs()
    )))
}
