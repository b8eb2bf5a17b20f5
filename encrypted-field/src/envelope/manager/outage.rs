//! Recent failures. Whoever asks meanwhile is told of them. After a while there is a new attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::cipher;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;
use crate::key_id::KeyId;

/// After a failure the next attempt comes after at most this, and each one after that after at most
/// twice as long.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest time between two attempts if somebody waits for the answer.
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// How long to wait after so many failures in a row: from half of the time to all of it, by chance,
/// so that processes which fail together don't try together.
pub(super) fn backoff(failures: u32, most: Duration) -> Duration {
    let time = FIRST_RETRY
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)))
        .min(most);
    time / 2 + by_chance(time / 2)
}

/// An interval, give or take a tenth.
pub(super) fn jittered(interval: Duration) -> Duration {
    interval * 9 / 10 + by_chance(interval / 5)
}

/// From nothing to all of it.
fn by_chance(time: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness nothing else works either. This does.
    let _ = cipher::random(&mut random);
    time * u32::from(u16::from_be_bytes(random)) / u32::from(u16::MAX)
}

/// An error that is told more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    kind: ErrorKind,
    key_id: Option<KeyId>,
    detail: String,
    is_retryable: bool,
}

impl Told {
    fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            key_id: error.key_id(),
            detail: error.details().to_owned(),
            is_retryable: error.is_retryable(),
        }
    }

    fn error(&self, detail: impl Fn(&str) -> String) -> Error {
        let error = Error::new(self.kind).detail(detail(&self.detail)).finally(!self.is_retryable);
        match self.key_id {
            Some(id) => error.key(id),
            None => error,
        }
    }
}

/// Not everybody who needs something tries it. While it is known to fail, whoever comes is told so
/// at once. When it is time for the next attempt, one of them makes it.
pub(super) struct Outage {
    clock: Clock,
    /// It counts as failing after failures of so many, one after the other.
    after: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whose attempts have failed since the last that succeeded, until there are enough.
    whose: Vec<Box<str>>,
    /// Failures in a row, of those that count.
    failures: u32,
    /// Why it fails, and until when it is not tried again.
    last: Option<(Failure, Duration)>,
}

/// An attempt that was begun. If several that run at once fail, one failure counts.
pub(super) struct Attempt(u32);

impl Outage {
    /// It counts as failing after one failure.
    pub(super) fn new(clock: &Clock) -> Self {
        Self::after(1, clock)
    }

    /// It counts as failing after failures of so many, one after the other.
    pub(super) fn after(many: usize, clock: &Clock) -> Self {
        Self { clock: clock.clone(), after: many, state: Mutex::default() }
    }

    /// # Errors
    /// The error that it failed with, if that was a moment ago.
    pub(super) fn check(&self) -> Result<()> {
        match &self.state().last {
            Some((failure, until)) if self.clock.monotonic() < *until => Err(failure.once_more()),
            _ => Ok(()),
        }
    }

    /// Before an attempt: others wait for its end.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(super) fn begin(&self) -> Result<Attempt> {
        let (mut state, now) = (self.state(), self.clock.monotonic());
        let failures = state.failures;
        if let Some((failure, until)) = &mut state.last {
            if now < *until {
                return Err(failure.once_more());
            }
            *until = now.saturating_add(backoff(failures.saturating_add(1), LONGEST_RETRY));
        }
        Ok(Attempt(failures))
    }

    /// An attempt has failed, of somebody of this name.
    pub(super) fn failed(&self, attempt: &Attempt, whose: &str, error: &Error) {
        let mut state = self.state();
        if attempt.0 != state.failures {
            return;
        }
        if !state.whose.iter().any(|known| **known == *whose) && state.whose.len() < self.after {
            state.whose.push(whose.into());
        }
        if state.whose.len() < self.after {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        let before = state.last.take().map(|(failure, _)| failure);
        let failure = Failure::again(before.as_ref(), error, self.clock.wall());
        let until = self.clock.monotonic().saturating_add(backoff(state.failures, LONGEST_RETRY));
        state.last = Some((failure, until));
    }

    /// An attempt has shown nothing. The next one may come at once.
    pub(super) fn release(&self, attempt: &Attempt) {
        let (mut state, now) = (self.state(), self.clock.monotonic());
        if attempt.0 == state.failures
            && let Some((_, until)) = &mut state.last
        {
            *until = now;
        }
    }

    /// An attempt has succeeded, or something else has shown that it would.
    pub(super) fn ended(&self) {
        *self.state() = State::default();
    }

    /// Why it fails, and since when.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().last.as_ref().map(|(failure, _)| failure.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that has failed ever since a date, see [`Status`](super::Status).
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Failure {
    /// What kind of error the last one was.
    #[serde(serialize_with = "super::status::json::name")]
    pub kind: ErrorKind,
    /// The last error, in words.
    pub text: String,
    /// Whether it may go away without anybody acting.
    pub is_retryable: bool,
    /// When it failed first, by the clock of this process.
    #[serde(serialize_with = "super::status::json::date")]
    pub since: SystemTime,
    /// When it failed last.
    #[serde(serialize_with = "super::status::json::date")]
    pub last: SystemTime,
    #[serde(skip)]
    told: Told,
}

impl Failure {
    /// It has failed now, and perhaps before.
    pub(super) fn again(before: Option<&Self>, error: &Error, now: SystemTime) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
            is_retryable: error.is_retryable(),
            since: before.map_or(now, |before| before.since),
            last: now,
            told: Told::of(error),
        }
    }

    /// The last error, for somebody who comes before the next attempt.
    fn once_more(&self) -> Error {
        self.told.error(|text| format!("{text} (a moment ago, and not tried again yet)"))
    }

    /// The last error once more, with its consequence.
    pub(super) fn error(&self, what: &str) -> Error {
        self.told.error(|text| format!("{what}: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Error {
        Error::new(ErrorKind::KeyServiceUnavailable).detail("on request")
    }

    #[test]
    fn jitter_is_a_tenth() {
        for _ in 0..1000 {
            let interval = jittered(Duration::from_secs(100));
            assert!(
                (Duration::from_secs(90)..=Duration::from_secs(110)).contains(&interval),
                "{interval:?}"
            );
        }
    }

    #[test]
    fn attempts_come_less_and_less_often() {
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (1000, 30)] {
            for _ in 0..100 {
                let wait = backoff(failures, LONGEST_RETRY);
                let most = Duration::from_secs(most);
                assert!((most / 2..=most).contains(&wait), "after {failures} failures {wait:?}");
            }
        }
    }

    fn outage(after: usize) -> (Outage, Clock) {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH);
        (Outage::after(after, &clock), clock)
    }

    #[test]
    fn a_failure_is_told_until_it_is_time_for_the_next_attempt() {
        let (outage, clock) = outage(1);
        let attempt = outage.begin().unwrap();
        outage.failed(&attempt, "", &failure());
        for told in [outage.check().unwrap_err(), outage.begin().map(drop).unwrap_err()] {
            assert_eq!(told.kind(), ErrorKind::KeyServiceUnavailable);
            assert!(told.is_retryable() && told.to_string().contains("on request"), "{told}");
        }
        clock.advance(Duration::from_secs(1));
        // One makes the attempt, and others wait for it.
        let attempt = outage.begin().unwrap();
        outage.check().unwrap_err();
        outage.failed(&attempt, "", &failure().finally(true));
        assert!(!outage.check().unwrap_err().is_retryable());
        let since = outage.failure().unwrap().since;
        assert_eq!(since, SystemTime::UNIX_EPOCH);
        outage.ended();
        outage.check().unwrap();
    }

    /// Names that are made up don't use up the attempts of others.
    #[test]
    fn an_attempt_that_shows_nothing_leaves_the_next_one_to_others() {
        let (outage, clock) = outage(1);
        outage.failed(&outage.begin().unwrap(), "", &failure());
        clock.advance(Duration::from_secs(1));
        for _ in 0..3 {
            outage.release(&outage.begin().unwrap());
        }
        outage.ended();
        // If there is no outage, it does nothing.
        outage.release(&outage.begin().unwrap());
        outage.check().unwrap();
    }

    #[test]
    fn several_that_fail_at_once_are_one_failure() {
        let (outage, clock) = outage(1);
        let attempts: Vec<_> = (0..20).map(|_| outage.begin().unwrap()).collect();
        for attempt in attempts {
            outage.failed(&attempt, "", &failure());
        }
        clock.advance(Duration::from_secs(1));
        outage.check().unwrap();
    }

    #[test]
    fn a_single_one_that_fails_is_no_outage() {
        let (outage, _) = outage(3);
        for _ in 0..10 {
            outage.failed(&outage.begin().unwrap(), "acme", &failure());
        }
        outage.failed(&outage.begin().unwrap(), "globex", &failure());
        outage.check().unwrap();
        outage.failed(&outage.begin().unwrap(), "initech", &failure());
        outage.check().unwrap_err();
    }
}
