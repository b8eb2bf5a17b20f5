//! The time, as an argument.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The time of the system. For tests, a time that you set by hand.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<Manual>>);

struct Manual {
    start: SystemTime,
    /// Since the start: monotonic, and wall, which can be set apart from it.
    passed: Mutex<(Duration, Duration)>,
}

impl Clock {
    /// The system's clocks: monotonic for ages, wall for dates.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `start` until you [advance](Self::advance) it. Clones are the
    /// same clock.
    pub fn manual(start: SystemTime) -> Self {
        Self(Some(Arc::new(Manual { start, passed: Mutex::default() })))
    }

    /// Lets time pass on a manual clock. Does nothing to the clock of the system.
    pub fn advance(&self, time: Duration) {
        self.change(|(monotonic, wall)| {
            *monotonic += time;
            *wall += time;
        });
    }

    /// Sets the date of a manual clock, as a correction by the operating system does. No time
    /// passes.
    pub fn set_wall(&self, date: SystemTime) {
        if let Some(manual) = &self.0 {
            let since = date.duration_since(manual.start).unwrap_or_default();
            self.change(|(_, wall)| *wall = since);
        }
    }

    fn change(&self, change: impl FnOnce(&mut (Duration, Duration))) {
        if let Some(manual) = &self.0 {
            change(&mut manual.passed.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// The date.
    pub fn wall(&self) -> SystemTime {
        match &self.0 {
            None => SystemTime::now(),
            Some(manual) => {
                manual.start + manual.passed.lock().unwrap_or_else(PoisonError::into_inner).1
            }
        }
    }

    /// The time since some moment in the past. It never goes back. On Linux it goes on while the
    /// machine is suspended.
    #[inline]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            None => since_start(),
            Some(manual) => manual.passed.lock().unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}

#[cfg(target_os = "linux")]
fn since_start() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(not(target_os = "linux"))]
fn since_start() -> Duration {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Clock(manual)" } else { "Clock(system)" })
    }
}
