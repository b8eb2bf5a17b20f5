//! Dates of this process, and whether they can be right.

use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind, Result};
use crate::key::Clock;

/// How far two clocks may be apart, in seconds.
pub(super) const SKEW: u64 = 300;

/// The clock of a store or of a key service, beside the one of this process.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// What it said.
    time: SystemTime,
    /// What the clock here said at that time.
    here: SystemTime,
    /// Whose it is, for messages.
    whose: String,
}

impl Reference {
    pub(super) fn new(time: SystemTime, whose: String, clock: &Clock) -> Self {
        Self { time, here: clock.wall(), whose }
    }

    /// Checks that the clock here is as good as that one. Only then a date is written.
    ///
    /// # Errors
    /// [`ErrorKind::ClockSkew`].
    pub(super) fn check(&self) -> Result<()> {
        let (far, how) = match self.here.duration_since(self.time) {
            Ok(ahead) => (ahead, "ahead of"),
            Err(behind) => (behind.duration(), "behind"),
        };
        if far.as_secs() <= SKEW {
            return Ok(());
        }
        let detail = format!(
            "the one here is {} s {how} that of the {}; correct it",
            far.as_secs(),
            self.whose
        );
        Err(Error::new(ErrorKind::ClockSkew).detail(detail))
    }

    /// What it said, in seconds since 1970 (UTC).
    pub(super) fn now(&self) -> u64 {
        seconds(self.time)
    }

    /// By how many seconds the clock here is ahead of that one. Negative if it is behind.
    pub(super) fn difference(&self) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        match self.here.duration_since(self.time) {
            Ok(ahead) => seconds(ahead),
            Err(behind) => -seconds(behind.duration()),
        }
    }
}

/// Seconds since 1970 (UTC).
pub(super) fn seconds(date: SystemTime) -> u64 {
    date.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The date of so many seconds since 1970 (UTC). Far in the future if there is no such date.
pub(super) fn date(seconds: u64) -> SystemTime {
    // 9999-12-31. Nobody means a later date.
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799))
}
