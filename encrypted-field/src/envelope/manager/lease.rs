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
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    confirmed: Option<(Duration, SystemTime)>,
    failure: Option<String>,
}

impl Health {
    pub(super) fn new(clock: Clock, length: Duration) -> Self {
        Self { clock, length, history: Mutex::default() }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys were confirmed. `at` and `date` are from before the store was read.
    pub(super) fn confirm(&self, at: Duration, date: SystemTime) {
        *self.history() = History { confirmed: Some((at, date)), failure: None };
    }

    /// The keys could not be confirmed.
    pub(super) fn failed(&self, error: &Error) {
        self.history().failure = Some(error.to_string());
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

/// Of one ring. Sealing and opening ask it, so that keys expire also where nothing is left that refreshes them, and rings that
/// somebody holds though there are newer ones.
pub(super) struct Lease {
    health: Arc<Health>,
    /// In nanoseconds of the clock; 0 before the first confirmation.
    until: AtomicU64,
    /// Whether newer keys are in use elsewhere.
    is_replaced: AtomicBool,
}

impl Lease {
    pub(super) fn new(health: &Arc<Health>) -> Self {
        Self { health: Arc::clone(health), until: AtomicU64::new(0), is_replaced: AtomicBool::new(false) }
    }

    /// Good for as long as the last confirmation is.
    pub(super) fn extend(&self) {
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
        let is_replaced = self.is_replaced.load(Ordering::Relaxed);
        Err(self.health.expired(
            is_replaced.then_some("newer ones have taken their place: get the key ring, or the scope, again"),
        ))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
