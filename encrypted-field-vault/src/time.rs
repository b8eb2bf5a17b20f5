//! What time it is at the server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use encrypted_field::envelope::Clock;

/// The date of the last answer that had one, and when that came by the monotonic clock.
#[derive(Default)]
pub(crate) struct ServerTime(Mutex<Option<(SystemTime, Duration)>>);

impl ServerTime {
    /// `header` gives the headers of an answer by name. The `Date` of an answer with an `Age` is of
    /// the time when a cache got it (RFC 9111 section 5.1).
    pub(crate) fn answered<'a>(&self, clock: &Clock, header: impl Fn(&str) -> Option<&'a [u8]>) {
        if header("age").is_some() {
            return;
        }
        let date = header("date").and_then(|text| std::str::from_utf8(text).ok());
        if let Some(date) = date.and_then(|text| httpdate::parse_http_date(text).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((date, clock.monotonic()));
        }
    }

    pub(crate) fn now(&self, clock: &Clock) -> Option<SystemTime> {
        let (date, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(clock.monotonic().saturating_sub(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The seconds are those of RFC 9110 section 5.6.7.
    #[test]
    fn it_goes_on_from_the_last_date() {
        let (clock, time) = (Clock::manual(at(0)), ServerTime::default());
        assert_eq!(time.now(&clock), None, "nothing has answered");
        time.answered(&clock, |name| (name == "date").then_some(DATE));
        assert_eq!(time.now(&clock), Some(at(784_111_777)));
        clock.advance(Duration::from_millis(1500));
        assert_eq!(time.now(&clock), Some(at(784_111_778) + Duration::from_millis(500)));
        // Somebody sets the clock of this host.
        clock.set_wall(at(5_000_000_000));
        assert_eq!(time.now(&clock), Some(at(784_111_778) + Duration::from_millis(500)));
        time.answered(&clock, |name| {
            (name == "date").then_some(&b"Sun, 06 Nov 1994 08:49:30 GMT"[..])
        });
        assert_eq!(time.now(&clock), Some(at(784_111_770)), "the last one counts");
    }

    #[test]
    fn answers_without_a_date_of_their_own_change_nothing() {
        let (clock, time) = (Clock::manual(at(0)), ServerTime::default());
        time.answered(&clock, |name| match name {
            "date" => Some(DATE),
            "age" => Some(b"7"),
            _ => None,
        });
        assert_eq!(time.now(&clock), None, "it comes from a cache");
        for date in [&b""[..], b"now", b"1994-11-06T08:49:37Z", b"Sun, 06 Nov 1994 08:49:37 \xff"] {
            time.answered(&clock, |name| (name == "date").then_some(date));
            assert_eq!(time.now(&clock), None);
        }
        time.answered(&clock, |name| (name == "date").then_some(DATE));
        time.answered(&clock, |_| None);
        assert_eq!(time.now(&clock), Some(at(784_111_777)));
    }
}
