//! For how long keys may be used without having been confirmed anew.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use super::outage::Failure;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;
use crate::key::date::rfc3339;

/// When the keys of a manager were confirmed, and why not since. For all its leases.
pub(super) struct Health {
    clock: Clock,
    /// For how long a confirmation is good.
    length: Duration,
    /// After this, something must be wrong.
    overdue_after: Duration,
    /// Until when the newest head counts as fresh, in nanoseconds of the clock. Nothing is sealed
    /// after that.
    fresh_until: AtomicU64,
    history: Mutex<History>,
}

#[derive(Default)]
struct History {
    confirmed: Option<(Duration, SystemTime)>,
    /// Why the keys could not be confirmed since.
    refresh: Option<Failure>,
    /// Says that the store was set back or changed by somebody, if that was found since. No later
    /// failure hides it.
    refused: Option<Failure>,
    /// Why rotation did not go on.
    maintenance: Option<Failure>,
    /// When something that had failed worked again.
    recovered: Option<SystemTime>,
}

impl History {
    fn worst(&self) -> Option<&Failure> {
        self.refused.as_ref().or(self.refresh.as_ref())
    }
}

impl Health {
    /// Keys are good for `length`, and refreshed every `interval`.
    pub(super) fn new(clock: Clock, length: Duration, interval: Duration) -> Self {
        let overdue_after = interval.saturating_mul(2).min(length / 4 * 3);
        let fresh_until = AtomicU64::new(u64::MAX);
        Self { clock, length, overdue_after, fresh_until, history: Mutex::default() }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys were confirmed. `at` and `date` are from before the store was read.
    pub(super) fn confirm(&self, at: Duration, date: SystemTime) {
        let mut history = self.history();
        let was_good = history
            .confirmed
            .is_some_and(|(before, _)| at <= before.saturating_add(self.overdue_after));
        if history.refresh.take().is_some() || !was_good {
            history.recovered = Some(date);
        }
        history.refused = None;
        history.confirmed = Some((at, date));
    }

    /// Something else that had failed works again.
    pub(super) fn recover(&self) {
        self.history().recovered = Some(self.clock.wall());
    }

    /// The keys could not be confirmed.
    pub(super) fn failed(&self, error: &Error) {
        let now = self.clock.wall();
        let mut history = self.history();
        let failure = Failure::again(history.refresh.as_ref(), error, now);
        if matches!(error.kind(), ErrorKind::KeyStoreRolledBack | ErrorKind::KeyStoreTampered) {
            history.refused = Some(failure.clone());
        }
        history.refresh = Some(failure);
    }

    /// How the last maintenance has ended.
    pub(super) fn maintained(&self, failure: Option<&Error>) {
        let now = self.clock.wall();
        let mut history = self.history();
        let before = history.maintenance.take();
        match failure {
            Some(error) => history.maintenance = Some(Failure::again(before.as_ref(), error, now)),
            None if before.is_some() => history.recovered = Some(now),
            None => {}
        }
    }

    /// Why the last maintenance has failed.
    pub(super) fn maintenance_failure(&self) -> Option<Failure> {
        self.history().maintenance.clone()
    }

    /// Why the keys could not be confirmed: the reason for which the store is refused, or else the
    /// last failure.
    pub(super) fn refresh_failure(&self) -> Option<Failure> {
        self.history().worst().cloned()
    }

    /// Whether nothing has confirmed the keys for so long that something must be wrong, though
    /// nothing has failed.
    pub(super) fn is_overdue(&self) -> bool {
        let history = self.history();
        let confirmed = history.confirmed.filter(|_| history.refresh.is_none());
        confirmed
            .is_some_and(|(at, _)| self.clock.monotonic() > at.saturating_add(self.overdue_after))
    }

    /// When something that had failed worked again, or the keys were loaded for the first time.
    pub(super) fn recovered(&self) -> Option<SystemTime> {
        self.history().recovered
    }

    /// Until when the newest head counts as fresh. `None` for ever.
    pub(super) fn fresh_until(&self, until: Option<Duration>) {
        let until = until.map_or(u64::MAX, nanoseconds);
        if self.fresh_until.swap(until, Ordering::Relaxed) <= nanoseconds(self.clock.monotonic()) {
            self.history().recovered = Some(self.clock.wall());
        }
    }

    /// Whether nothing may be sealed, because the head was not signed anew.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen_for().is_some()
    }

    /// For how long nothing may be sealed, because the head was not signed anew.
    pub(super) fn frozen_for(&self) -> Option<Duration> {
        let until = self.fresh_until.load(Ordering::Relaxed);
        nanoseconds(self.clock.monotonic()).checked_sub(until).map(Duration::from_nanos)
    }

    /// When they were the last time.
    pub(super) fn confirmed(&self) -> Option<SystemTime> {
        self.history().confirmed.map(|(_, date)| date)
    }

    /// For how long they may still be used. `None` if that time is over, or they were never loaded.
    pub(super) fn left(&self) -> Option<Duration> {
        let (at, _) = self.history().confirmed?;
        at.saturating_add(self.length)
            .checked_sub(self.clock.monotonic())
            .filter(|left| !left.is_zero())
    }

    /// For how long a confirmation is good.
    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// Whether the last confirmation is good still.
    pub(super) fn is_current(&self) -> bool {
        self.left().is_some()
    }

    #[cold]
    fn frozen(&self) -> Error {
        let since = self.frozen_for().unwrap_or_default().as_secs();
        let detail = format!("its newest head that was seen here has been too old for {since} s");
        Error::new(ErrorKind::KeyStoreFrozen).detail(detail)
    }

    #[cold]
    fn expired(&self, is_replaced: bool) -> Error {
        let history = self.history();
        let confirmed = history.confirmed.map_or("never confirmed".into(), |(_, date)| {
            format!("last confirmed at {}", rfc3339(date))
        });
        let why = match history.worst() {
            _ if is_replaced => {
                "newer ones have taken their place: get the key ring, or the scope, again"
            }
            Some(failure) => &failure.text,
            None => "nothing has refreshed them since",
        };
        let detail =
            format!("{confirmed}, and usable for {} s after that; {why}", self.length.as_secs());
        // A store that was set back, or a permission that is gone, does not come back by itself.
        let is_final = history.worst().is_some_and(|failure| !failure.is_retryable);
        Error::new(ErrorKind::KeysExpired).detail(detail).finally(is_final && !is_replaced)
    }
}

/// The lease of one ring. Sealing and opening ask it. So keys expire even if nothing is left that
/// refreshes them, and so do old rings that somebody still holds.
pub(super) struct Lease {
    health: Arc<Health>,
    /// In nanoseconds of the clock. [`ENDED`] for good.
    until: AtomicU64,
    /// Whether newer keys are in use elsewhere.
    is_replaced: AtomicBool,
    /// Why the keys are gone for good.
    ended: OnceLock<&'static str>,
}

/// A lease that has this end is not extended any more.
const ENDED: u64 = 0;
/// One that was not confirmed yet.
const NEW: u64 = 1;

impl Lease {
    pub(super) fn new(health: &Arc<Health>) -> Self {
        Self {
            health: Arc::clone(health),
            until: AtomicU64::new(NEW),
            is_replaced: AtomicBool::new(false),
            ended: OnceLock::new(),
        }
    }

    /// Good for as long as the last confirmation is.
    pub(super) fn extend(&self) {
        let Some((at, _)) = self.health.history().confirmed else { return };
        let until = nanoseconds(at.saturating_add(self.health.length)).max(NEW);
        // In one step: it may be ended meanwhile, and must stay so.
        let extended = |before| (before != ENDED).then_some(until);
        let _ = self.until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, extended);
    }

    /// Is not extended any more.
    pub(super) fn replace(&self) {
        self.is_replaced.store(true, Ordering::Relaxed);
    }

    /// From now on nothing may be used.
    pub(super) fn end(&self, why: &'static str) {
        let _ = self.ended.set(why);
        self.until.store(ENDED, Ordering::Relaxed);
    }

    /// The time, of a clock that never goes back.
    ///
    /// # Errors
    /// [`ErrorKind::KeysExpired`], saying since when and why. [`ErrorKind::KeyUnusable`] if the
    /// keys are gone for good.
    #[inline]
    pub(super) fn now(&self) -> Result<Duration> {
        let now = self.health.clock.monotonic();
        if nanoseconds(now) < self.until.load(Ordering::Relaxed) {
            return Ok(now);
        }
        Err(match self.ended.get() {
            Some(why) => Error::new(ErrorKind::KeyUnusable).detail(*why),
            None => self.health.expired(self.is_replaced.load(Ordering::Relaxed)),
        })
    }

    /// As [`now`](Self::now), for sealing. It refuses keys that may have been retired or destroyed
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
