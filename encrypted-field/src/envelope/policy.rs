//! When keys rotate, and for how long a process uses keys that it could not refresh.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// When keys rotate. By default every 90 days, with 7 days of grace, and keeping every retired key.
///
/// NIST SP 800-57 part 1 (table 1) has one to two years at most for a key that encrypts data. 30 to
/// 90 days are usual, and cost nothing here but an entry in the store for each key.
#[derive(Debug, Clone)]
pub struct RotationPolicy {
    pub(super) interval: Option<Duration>,
    pub(super) grace: Duration,
    pub(super) keep_retired: Option<u32>,
    pub(super) retired_for: Duration,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self::every(90 * DAY)
    }
}

impl RotationPolicy {
    /// A new key becomes active when the one before it has been active for `interval`. 30 to 90
    /// days are usual. At least twice the propagation time.
    pub fn every(interval: Duration) -> Self {
        Self { interval: Some(interval), grace: 7 * DAY, keep_retired: None, retired_for: 30 * DAY }
    }

    /// Keys rotate when somebody says so, and have no end.
    pub fn by_hand() -> Self {
        Self { interval: None, ..Self::default() }
    }

    /// For how long after the interval a key may still seal if no other could be made active, 7
    /// days by default. After that sealing is refused ([`ErrorKind::KeyPastLifetime`]).
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Disables retired keys that are older than the newest `versions` of their scope and purpose
    /// and have been retired for at least `at_least`. It never destroys them. This is for those who
    /// re-encrypt their rows. Without it every retired key is kept.
    #[must_use]
    pub fn keep_retired(mut self, versions: u32, at_least: Duration) -> Self {
        self.keep_retired = Some(versions);
        self.retired_for = at_least;
        self
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        self.interval
    }

    pub(super) fn check(&self, propagation: Duration) -> Result<()> {
        match self.interval {
            Some(interval) if interval < propagation.saturating_mul(2) => Err(invalid(format!(
                "keys can't rotate every {} s where one takes {} s to be published; make the interval longer or the cache \
                 shorter",
                interval.as_secs(),
                propagation.as_secs()
            ))),
            _ => Ok(()),
        }
    }
}

/// How a process keeps its keys up to date, and for how long it uses them when it can't.
#[derive(Debug, Clone)]
pub struct CachePolicy {
    pub(super) refresh: Duration,
    pub(super) max_age: Duration,
    pub(super) grace: Duration,
    pub(super) wait: Duration,
    pub(super) call_timeout: Duration,
    pub(super) bulk_timeout: Duration,
    pub(super) max_scopes: usize,
    pub(super) detached_may_ask: bool,
    pub(super) check_every: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            refresh: 5 * MINUTE,
            max_age: 30 * MINUTE,
            grace: 30 * MINUTE,
            wait: Duration::ZERO,
            call_timeout: Duration::from_secs(5),
            bulk_timeout: Duration::from_secs(30),
            max_scopes: 1000,
            detached_may_ask: false,
            check_every: DAY,
        }
    }
}

impl CachePolicy {
    /// How often the store is read and the key service asked, 5 minutes by default, give or take a
    /// tenth, so that processes that start together don't ask together.
    #[must_use]
    pub fn refresh(mut self, interval: Duration) -> Self {
        self.refresh = interval;
        self
    }

    /// How old keys may get without a refresh, 30 minutes by default, and for how long after that
    /// they are still used while the key service or the store can't be reached, 30 minutes by
    /// default. After both times nothing is sealed or opened ([`ErrorKind::KeysExpired`]). Both
    /// times together are how long it takes until a permission that was taken away has its effect.
    /// They are also the shortest time between publishing a key and its use.
    ///
    /// If each scope has a key-encryption key of its own
    /// ([`is_per_scope`](crate::envelope::KeyEncryptionKey::is_per_scope)), a permission on that
    /// key is asked for only when the scope is loaded. There it has its effect at the next load of
    /// the scope, and not after these times.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration, grace: Duration) -> Self {
        (self.max_age, self.grace) = (max_age, grace);
        self
    }

    /// For how long opening a value waits for its key if the key was not loaded yet. The thread
    /// blocks meanwhile. By default it does not wait.
    #[must_use]
    pub fn wait_for_unknown(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Lets a detached value under a key that was not loaded yet ask for it, as a stored one does,
    /// and wait for it. By default it does not: anybody may send a cookie that names a key, and so
    /// keep the key service busy. Then it fails with the retryable
    /// [`ErrorKind::KeyNotLoaded`] until the next refresh, and with [`ErrorKind::UnknownKey`] after
    /// it, if the key is not there.
    #[must_use]
    pub fn detached_may_ask(mut self) -> Self {
        self.detached_may_ask = true;
        self
    }

    /// How often the thread of [`install`](crate::envelope::KeyManager::install) tries whether each
    /// KEK unwraps, if there are several: once a day by default, and once soon after the start. It
    /// unwraps the store key and the *n* keys that are loaded at start under each KEK, which is 1 +
    /// *n* calls to each. `Duration::ZERO` turns it off. The result is in
    /// [`status`](crate::envelope::KeyManager::status). It does not try keys that are loaded on
    /// demand. [`check_consistency`](crate::envelope::KeyManager::check_consistency) does.
    #[must_use]
    pub fn check_keks_every(mut self, interval: Duration) -> Self {
        self.check_every = interval;
        self
    }

    /// How long one call to a key service or a store may take, 5 seconds by default. (Without the
    /// feature `tokio`, a call that blocks its thread must bound its time itself. A call of a
    /// [`Blocking`](crate::envelope::Blocking) is bounded.)
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// How long one call to a store may take that reads or changes more than 1,000 records, 30
    /// seconds by default. Work on all keys, such as
    /// [`check_consistency`](crate::envelope::KeyManager::check_consistency), is made of many
    /// calls, and each has a time of its own.
    #[must_use]
    pub fn bulk_timeout(mut self, timeout: Duration) -> Self {
        self.bulk_timeout = timeout;
        self
    }

    /// How many scopes that are loaded on demand are kept, 1000 by default. The one that was
    /// entered the longest time ago goes first. One that somebody holds as a `Scope` stays, also
    /// beyond that number. Each of their keys that is in use takes up to 64 KiB.
    #[must_use]
    pub fn max_scopes(mut self, scopes: usize) -> Self {
        self.max_scopes = scopes;
        self
    }

    pub(super) fn refresh_interval(&self) -> Duration {
        self.refresh
    }

    /// For how long keys are used that could not be refreshed.
    pub(super) fn lease(&self) -> Duration {
        self.max_age.saturating_add(self.grace)
    }

    /// The longest time from one refresh to the end of the next one, if nothing fails and no call
    /// is slow: the interval and a tenth of it, and the time of two calls.
    fn longest_refresh(&self) -> Duration {
        self.refresh.saturating_mul(11) / 10 + self.call_timeout.saturating_mul(2)
    }

    /// The shortest heartbeat of a store that this process does not take for frozen if nothing
    /// fails. Whoever maintains the store signs it after half of the heartbeat and at most one
    /// refresh more. This process sees that at most one refresh later. With the tenth of jitter all
    /// that is below twice the heartbeat.
    pub(super) fn least_heartbeat(&self) -> Duration {
        self.refresh.saturating_mul(3) / 2
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.refresh.is_zero() || self.refresh > self.max_age {
            return Err(invalid(
                "the refresh interval is above 0 and at most the maximum age".into(),
            ));
        }
        if self.max_scopes == 0 || self.call_timeout.is_zero() || self.bulk_timeout.is_zero() {
            return Err(invalid("the number of scopes and the time for a call are above 0".into()));
        }
        let (lease, longest) = (self.lease(), self.longest_refresh());
        if lease < longest {
            return Err(invalid(format!(
                "keys that are refreshed every {} s expire {} s after a refresh, though nothing has failed: make the maximum age and \
                 its grace at least {} s together (the interval, a tenth of it, and two calls), or the interval shorter",
                self.refresh.as_secs(),
                lease.as_secs(),
                longest.as_secs() + u64::from(longest.subsec_nanos() > 0)
            )));
        }
        Ok(())
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}
