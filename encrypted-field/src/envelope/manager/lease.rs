//! For how long keys may be used without having been confirmed anew.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;
use crate::key::date::rfc3339;

/// Extended by each refresh. Sealing and opening ask it, so that keys expire also where nothing is left that refreshes them.
pub(super) struct Lease {
    clock: Clock,
    length: Duration,
    /// In nanoseconds of the clock; 0 before the first refresh.
    until: AtomicU64,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    confirmed: Option<SystemTime>,
    failure: Option<String>,
}

impl Lease {
    pub(super) fn new(clock: Clock, length: Duration) -> Self {
        Self { clock, length, until: AtomicU64::new(0), history: Mutex::default() }
    }

    /// The keys were confirmed. `at` and `date` are from before the store was read.
    pub(super) fn extend(&self, at: Duration, date: SystemTime) {
        self.until.store(nanoseconds(at + self.length), Ordering::Relaxed);
        *self.history.lock().unwrap_or_else(PoisonError::into_inner) =
            History { confirmed: Some(date), failure: None };
    }

    /// The keys are good for as long as those of another lease.
    pub(super) fn follow(&self, other: &Self) {
        self.until.store(other.until.load(Ordering::Relaxed), Ordering::Relaxed);
        let history = History { confirmed: other.confirmed(), failure: None };
        *self.history.lock().unwrap_or_else(PoisonError::into_inner) = history;
    }

    /// The keys could not be confirmed.
    pub(super) fn failed(&self, error: &Error) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).failure = Some(error.to_string());
    }

    /// From now on nothing is to be used.
    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Relaxed);
    }

    /// When the keys were confirmed the last time.
    pub(super) fn confirmed(&self) -> Option<SystemTime> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).confirmed
    }

    /// The time, of a clock that never goes back.
    ///
    /// # Errors
    /// [`ErrorKind::KeysExpired`], saying since when and why.
    #[inline]
    pub(super) fn now(&self) -> Result<Duration> {
        let now = self.clock.monotonic();
        if nanoseconds(now) < self.until.load(Ordering::Relaxed) { Ok(now) } else { Err(self.expired()) }
    }

    #[cold]
    fn expired(&self) -> Error {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let confirmed = history
            .confirmed
            .map_or("never confirmed".into(), |at| format!("last confirmed at {}", rfc3339(at)));
        let why = history.failure.as_deref().unwrap_or("nothing has refreshed them since");
        Error::new(ErrorKind::KeysExpired)
            .detail(format!("{confirmed}, and usable for {} s after that; {why}", self.length.as_secs()))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
