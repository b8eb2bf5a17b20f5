//! For how long keys may be used without having been confirmed anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;
use crate::key::date::rfc3339;

/// When the keys were confirmed, and why not since. Of a manager, for all its leases.
pub(super) struct Health {
    clock: Clock,
    /// For how long a confirmation is good.
    length: Duration,
    /// Until when the newest head counts as fresh, in nanoseconds of the clock: nothing is sealed
    /// after that.
    fresh_until: AtomicU64,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    confirmed: Option<(Duration, SystemTime)>,
    failure: Option<String>,
    /// Why rotation did not go on.
    maintenance_failure: Option<String>,
}

impl Health {
    pub(super) fn new(clock: Clock, length: Duration) -> Self {
        Self { clock, length, fresh_until: AtomicU64::new(u64::MAX), history: Mutex::default() }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys were confirmed. `at` and `date` are from before the store was read.
    pub(super) fn confirm(&self, at: Duration, date: SystemTime) {
        let mut history = self.history();
        (history.confirmed, history.failure) = (Some((at, date)), None);
    }

    /// The keys could not be confirmed.
    pub(super) fn failed(&self, error: &Error) {
        self.history().failure = Some(error.to_string());
    }

    /// How the last maintenance has ended.
    pub(super) fn maintained(&self, failure: Option<String>) {
        self.history().maintenance_failure = failure;
    }

    /// Why the last maintenance has failed.
    pub(super) fn maintenance_failure(&self) -> Option<String> {
        self.history().maintenance_failure.clone()
    }

    /// Until when the newest head counts as fresh; `None` for ever.
    pub(super) fn fresh_until(&self, until: Option<Duration>) {
        self.fresh_until.store(until.map_or(u64::MAX, nanoseconds), Ordering::Relaxed);
    }

    /// Whether nothing may be sealed, because the head was not signed anew.
    pub(super) fn is_frozen(&self) -> bool {
        nanoseconds(self.clock.monotonic()) >= self.fresh_until.load(Ordering::Relaxed)
    }

    /// When they were the last time.
    pub(super) fn confirmed(&self) -> Option<SystemTime> {
        self.history().confirmed.map(|(_, date)| date)
    }

    /// Whether that is good still.
    pub(super) fn is_current(&self) -> bool {
        let confirmed = self.history().confirmed;
        confirmed.is_some_and(|(at, _)| self.clock.monotonic() < at.saturating_add(self.length))
    }

    #[cold]
    fn frozen(&self) -> Error {
        let until = self.fresh_until.load(Ordering::Relaxed);
        let since = nanoseconds(self.clock.monotonic()).saturating_sub(until) / 1_000_000_000;
        let detail = format!("its newest head that was seen here has been too old for {since} s");
        Error::new(ErrorKind::KeyStoreFrozen).detail(detail)
    }

    #[cold]
    fn expired(&self, why: Option<&'static str>) -> Error {
        let history = self.history();
        let confirmed = history
            .confirmed
            .map_or("never confirmed".into(), |(_, date)| format!("last confirmed at {}", rfc3339(date)));
        let failure = history.failure.as_deref().unwrap_or("nothing has refreshed them since");
        let why = why.unwrap_or(failure);
        let detail = format!("{confirmed}, and usable for {} s after that; {why}", self.length.as_secs());
        Error::new(ErrorKind::KeysExpired).detail(detail)
    }
}

/// Of one ring. Sealing and opening ask it, so that keys expire also where nothing is left that
/// refreshes them, and rings that somebody holds though there are newer ones.
pub(super) struct Lease {
    health: Arc<Health>,
    /// In nanoseconds of the clock; 0 before the first confirmation.
    until: AtomicU64,
    /// Whether newer keys are in use elsewhere.
    is_replaced: AtomicBool,
    /// Whether the keys are gone for good.
    is_destroyed: AtomicBool,
}

impl Lease {
    pub(super) fn new(health: &Arc<Health>) -> Self {
        Self {
            health: Arc::clone(health),
            until: AtomicU64::new(0),
            is_replaced: AtomicBool::new(false),
            is_destroyed: AtomicBool::new(false),
        }
    }

    /// Good for as long as the last confirmation is.
    pub(super) fn extend(&self) {
        if self.is_destroyed.load(Ordering::Acquire) {
            return;
        }
        if let Some((at, _)) = self.health.history().confirmed {
            self.until.store(nanoseconds(at.saturating_add(self.health.length)), Ordering::Relaxed);
        }
    }

    /// Is not extended any more.
    pub(super) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// From now on nothing is to be used.
    pub(super) fn end(&self) {
        self.is_destroyed.store(true, Ordering::Release);
        self.until.store(0, Ordering::Relaxed);
    }

    /// The time, of a clock that never goes back.
    ///
    /// # Errors
    /// [`ErrorKind::KeysExpired`], saying since when and why.
    #[inline]
    pub(super) fn now(&self) -> Result<Duration> {
        let now = self.health.clock.monotonic();
        if nanoseconds(now) < self.until.load(Ordering::Relaxed) {
            return Ok(now);
        }
        let why = if self.is_destroyed.load(Ordering::Relaxed) {
            Some("they were destroyed")
        } else if self.is_replaced.load(Ordering::Relaxed) {
            Some("newer ones have taken their place: get the key ring, or the scope, again")
        } else {
            None
        };
        Err(self.health.expired(why))
    }

    /// As [`now`](Self::now), for sealing: not under keys that may have been retired or destroyed
    /// since.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreFrozen`], too.
    #[inline]
    pub(super) fn now_to_seal(&self) -> Result<Duration> {
        let now = self.now()?;
        if nanoseconds(now) < self.health.fresh_until.load(Ordering::Relaxed) {
            return Ok(now);
        }
        Err(self.health.frozen())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
