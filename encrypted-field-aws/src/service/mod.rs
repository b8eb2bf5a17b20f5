//! What the services share: calls bounded in time, and what an error of a service means.

mod error;

use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

pub(crate) use error::{Meaning, failure};

/// How long a call may take where the application does not say: a call within a region takes
/// milliseconds. Below the library's time for a call, so that the error which says more is the one
/// that is seen.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(4);

/// Bounds a whole call with its second try. The client's own timeouts for connecting, reading and a
/// single try stay.
pub(crate) fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(call).build()
}

/// One more try, soon: what fails longer is tried by the caller at another time, or at another
/// key-encryption key.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(100))
}
