//! When a token is used, renewed or replaced: without I/O and without a clock. `now` is monotonic
//! time, since some moment.

use std::time::Duration;

/// After a login that did not help against a denial, the next denial within this time does not lead
/// to another: where a permission is missing, every call is denied.
const NOT_AGAIN_WITHIN: Duration = Duration::from_secs(30);

/// What to do before a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Use,
    Renew,
    Login,
}

/// What is known about the token in use.
#[derive(Debug, Default)]
pub(crate) struct TokenState {
    lease: Option<Lease>,
    denied_after_login: Option<Duration>,
}

#[derive(Debug)]
struct Lease {
    since: Duration,
    /// `None`: without an end.
    duration: Option<Duration>,
    renewable: bool,
    /// Where renewing failed, it is not tried again before this.
    not_before: Option<Duration>,
}

impl TokenState {
    pub(crate) fn next(&self, now: Duration) -> Next {
        let Some(lease) = &self.lease else { return Next::Login };
        let Some(duration) = lease.duration else { return Next::Use };
        let age = now.saturating_sub(lease.since);
        if age >= duration {
            Next::Login
        } else if age < duration / 3 * 2 || lease.not_before.is_some_and(|at| now < at) {
            Next::Use
        } else if lease.renewable {
            Next::Renew
        } else {
            Next::Login
        }
    }

    /// `now` is before the request was sent: the lease began no earlier.
    pub(crate) fn granted(&mut self, now: Duration, duration: Option<Duration>, renewable: bool) {
        self.lease = Some(Lease { since: now, duration, renewable, not_before: None });
    }

    /// Neither renewing nor logging in succeeded. Whether the token is good for a while all the
    /// same: it is then tried again after a thirtieth of its time, which is ten times before its
    /// end.
    pub(crate) fn put_off(&mut self, now: Duration) -> bool {
        match &mut self.lease {
            Some(Lease { since, duration: Some(duration), not_before, .. })
                if now.saturating_sub(*since) < *duration =>
            {
                *not_before = Some(now + *duration / 30);
                true
            }
            _ => false,
        }
    }

    /// A call was denied. Whether to log in again.
    pub(crate) fn may_replace(&self, now: Duration) -> bool {
        self.denied_after_login.is_none_or(|at| now.saturating_sub(at) >= NOT_AGAIN_WITHIN)
    }

    /// It was denied again, with a token just made.
    pub(crate) fn denied_again(&mut self, now: Duration) {
        self.denied_after_login = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const MINUTE: Duration = Duration::from_mins(1);

    fn granted(renewable: bool) -> (TokenState, Duration) {
        let mut state = TokenState::default();
        let start = HOUR;
        state.granted(start, Some(HOUR), renewable);
        (state, start)
    }

    #[test]
    fn a_token_is_renewed_after_two_thirds_of_its_time() {
        let (mut state, start) = granted(true);
        assert_eq!(state.next(start), Next::Use);
        assert_eq!(state.next(start + 39 * MINUTE), Next::Use);
        assert_eq!(state.next(start + 40 * MINUTE), Next::Renew);
        assert_eq!(state.next(start + 59 * MINUTE), Next::Renew);
        assert_eq!(state.next(start + 60 * MINUTE), Next::Login);
        // Its time starts anew.
        state.granted(start + 50 * MINUTE, Some(HOUR), true);
        assert_eq!(state.next(start + 89 * MINUTE), Next::Use);
        assert_eq!(state.next(start + 90 * MINUTE), Next::Renew);
    }

    #[test]
    fn one_that_is_not_renewable_is_replaced() {
        let (state, start) = granted(false);
        assert_eq!(state.next(start + 39 * MINUTE), Next::Use);
        assert_eq!(state.next(start + 40 * MINUTE), Next::Login);
    }

    #[test]
    fn without_a_token_or_an_end() {
        let mut state = TokenState::default();
        let start = HOUR;
        assert_eq!(state.next(start), Next::Login);
        assert!(!state.put_off(start), "there is no token to go on with");
        state.granted(start, None, false);
        assert_eq!(state.next(start + 100_000 * HOUR), Next::Use);
    }

    #[test]
    fn a_token_that_can_not_be_renewed_now_is_used_to_its_end() {
        let (mut state, start) = granted(true);
        assert!(state.put_off(start + 40 * MINUTE));
        assert_eq!(state.next(start + 41 * MINUTE), Next::Use);
        assert_eq!(state.next(start + 42 * MINUTE), Next::Renew);
        assert!(state.put_off(start + 59 * MINUTE));
        assert_eq!(state.next(start + 60 * MINUTE), Next::Login);
        assert!(!state.put_off(start + 60 * MINUTE));
    }

    #[test]
    fn a_login_that_does_not_help_is_not_repeated_at_once() {
        let (mut state, start) = granted(true);
        assert!(state.may_replace(start));
        state.denied_again(start);
        assert!(!state.may_replace(start + Duration::from_secs(29)));
        assert!(state.may_replace(start + Duration::from_secs(30)));
    }

    #[test]
    fn the_longest_lease_that_an_answer_can_name_is_no_panic() {
        let mut state = TokenState::default();
        state.granted(HOUR, Some(Duration::from_secs(u64::MAX)), true);
        assert_eq!(state.next(2 * HOUR), Next::Use);
        assert!(state.put_off(2 * HOUR));
    }

    #[test]
    fn a_clock_before_the_login_is_no_panic() {
        let (state, start) = granted(true);
        assert_eq!(state.next(start.saturating_sub(MINUTE)), Next::Use);
    }
}
