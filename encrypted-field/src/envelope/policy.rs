//! When keys rotate, and for how long a process uses keys that it could not refresh.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// When keys rotate. By default every 90 days, with 7 days of grace, and keeping every retired key.
///
/// NIST SP 800-57 part 1 (table 1) has one to two years at most for a key that encrypts data; 30 to
/// 90 days are usual, and cost nothing here but an entry in the store for each.
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
    /// A new key becomes active when the one before it has been for `interval`; 30 to 90 days are
    /// usual. At least twice the propagation time.
    pub fn every(interval: Duration) -> Self {
        Self { interval: Some(interval), grace: 7 * DAY, keep_retired: None, retired_for: 30 * DAY }
    }

    /// Keys rotate when somebody says so, and have no end.
    pub fn by_hand() -> Self {
        Self { interval: None, ..Self::default() }
    }

    /// For how long after the interval a key may still seal where no other could be made active, 7
    /// days by default. After that sealing is refused ([`ErrorKind::KeyPastLifetime`]).
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Disables, never destroys, retired keys that are older than the newest `versions` of their
    /// scope and purpose and have been retired for at least `at_least`. For those who re-encrypt
    /// their rows; without this every retired key is kept.
    #[must_use]
    pub fn keep_retired(mut self, versions: u32, at_least: Duration) -> Self {
        self.keep_retired = Some(versions);
        self.retired_for = at_least;
        self
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
    /// default. Past both nothing is sealed or opened ([`ErrorKind::KeysExpired`]). Together they
    /// are how long it takes until a permission that was taken away has its effect, and the
    /// shortest time between publishing a key and its use.
    ///
    /// Where each scope has a key-encryption key of its own
    /// ([`is_per_scope`](crate::envelope::KeyEncryptionKey::is_per_scope)), a permission on that
    /// key is asked for only when the scope is loaded. There it has its effect at the next load of
    /// the scope, and not after these times.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration, grace: Duration) -> Self {
        (self.max_age, self.grace) = (max_age, grace);
        self
    }

    /// For how long opening a value under a key that was not loaded yet waits for it, blocking its
    /// thread; by default not at all.
    #[must_use]
    pub fn wait_for_unknown(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long one call to a key service or a store may take, 5 seconds by default. (Without the
    /// feature `tokio` they see to that themselves.)
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

    /// How many scopes that are loaded on demand are kept, 1000 by default: the one that was
    /// entered the longest time ago goes first. Each of their keys that is in use takes up to 64
    /// KiB.
    #[must_use]
    pub fn max_scopes(mut self, scopes: usize) -> Self {
        self.max_scopes = scopes;
        self
    }

    /// For how long keys are used that could not be refreshed.
    pub(super) fn lease(&self) -> Duration {
        self.max_age.saturating_add(self.grace)
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.refresh.is_zero() || self.refresh > self.max_age {
            return Err(invalid("the refresh interval is above 0 and at most the maximum age".into()));
        }
        if self.max_scopes == 0 || self.call_timeout.is_zero() || self.bulk_timeout.is_zero() {
            return Err(invalid("the number of scopes and the time for a call are above 0".into()));
        }
        Ok(())
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}
