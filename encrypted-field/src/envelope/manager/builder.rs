//! What a manager is made of.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::backends::{Kek, Store};
use super::lease::Health;
use super::refresh::Refresher;
use super::scopes::Scopes;
use super::{Inner, KeyManager};
use crate::cipher;
use crate::envelope::runtime::Runtime;
use crate::envelope::{CachePolicy, KeyEncryptionKey, KeyStore, RotationPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;

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
    clock: Clock,
}

/// Beyond the lease of the keys: for clocks that are apart.
const SKEW: Duration = Duration::from_mins(5);

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
            clock: Clock::system(),
        }
    }

    /// Adds a key-encryption key, under the name that the store knows it by: a region, or `break-glass`. Every data key is
    /// wrapped under each; loading asks them in this order. After adding or leaving out one, [`KeyManager::rewrap`].
    pub fn kek(mut self, name: impl Into<String>, kek: impl KeyEncryptionKey) -> Self {
        self.keks.push(Kek::new(name.into(), kek));
        self
    }

    /// Says that the store is wrapped under a KEK which this process does not have on purpose: a break-glass key that lies in a safe.
    /// Keys that this process makes are not wrapped under it, until somebody who has it calls [`KeyManager::rewrap`]: after each rotation.
    /// Without this, a process that lacks a KEK of the store makes no keys.
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

    /// The time between publishing a key and its use, for a new store; the store keeps it. At least what [`CachePolicy::max_age`]
    /// gives together, which no process on this store may exceed; by default 5 minutes more, for clocks that are apart.
    pub fn propagation(mut self, time: Duration) -> Self {
        self.propagation = Some(time);
        self
    }

    /// Values under compromised keys no longer open.
    pub fn refuse_compromised(mut self) -> Self {
        self.refuse_compromised = true;
        self
    }

    /// As [`KeyringBuilder::subkey_per_value`](crate::KeyringBuilder::subkey_per_value).
    pub fn subkey_per_value(mut self) -> Self {
        self.subkey_per_value = true;
        self
    }

    /// Refuses a store of an older revision than this, as [`StoreStatus::revision`](super::StoreStatus::revision) tells it: a store
    /// that was set back is noticed also by a process that has not seen it before.
    pub fn min_revision(mut self, revision: u64) -> Self {
        self.min_revision = revision;
        self
    }

    /// Refuses a store of an earlier epoch than this, as [`StoreStatus::epoch`](super::StoreStatus::epoch) tells it. An epoch begins
    /// where a KEK is [left out](KeyManager::leave_out_kek) or a restored store is [accepted](KeyManager::accept_restored): with
    /// it, a process that has not seen the store before is not deceived by whoever had the KEK that was left out.
    pub fn min_epoch(mut self, epoch: u64) -> Self {
        self.min_epoch = epoch;
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
    /// [`ErrorKind::InvalidKeys`]: no key-encryption key, two of one name, names that are empty, policies that don't fit
    /// together.
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
        // In whole seconds, as the store keeps it.
        let propagation = self.propagation.unwrap_or(lease + SKEW);
        let propagation =
            Duration::from_secs(propagation.as_secs() + u64::from(propagation.subsec_nanos() > 0));
        if propagation < lease {
            return Err(invalid(format!(
                "a key that is used {} s after it was published is missing in processes that may go on for {} s without a \
                 refresh; make the propagation time longer, or the maximum age and its grace shorter",
                propagation.as_secs(),
                lease.as_secs()
            )));
        }
        self.rotation.check(propagation)?;
        Ok(KeyManager(Arc::new(Inner {
            key_set: self.key_set.into(),
            store: self.store,
            keks: self.keks,
            offline_keks: self.offline_keks,
            rotation: self.rotation,
            propagation,
            refuse_compromised: self.refuse_compromised,
            subkey_per_value: self.subkey_per_value,
            min_revision: self.min_revision,
            runtime: Runtime::new(),
            turn: futures_util::lock::Mutex::default(),
            expired: futures_util::lock::Mutex::default(),
            state: Mutex::default(),
            min_epoch: self.min_epoch,
            health: Arc::new(Health::new(self.clock.clone(), lease)),
            current: ArcSwapOption::const_empty(),
            scopes: Scopes::new(self.cache.max_scopes),
            refresher: Refresher::default(),
            is_installed: false.into(),
            clock: self.clock,
            cache: self.cache,
        })))
    }
}

impl fmt::Debug for KeyManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyManagerBuilder")
            .field("key_set", &self.key_set)
            .field("store", &self.store.who())
            .field("keks", &self.keks)
            .finish_non_exhaustive()
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}
