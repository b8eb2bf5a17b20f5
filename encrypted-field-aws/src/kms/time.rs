//! What time it is at KMS.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_kms::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::BoxError;
use aws_smithy_types::date_time::{DateTime, Format};
use encrypted_field::envelope::Clock;

/// The date of the last answer that had one, and when that came by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct ServiceTime {
    clock: Clock,
    last: Mutex<Option<(SystemTime, Duration)>>,
}

impl ServiceTime {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, last: Mutex::default() }
    }

    pub(super) fn now(&self) -> Option<SystemTime> {
        let (date, at) = (*self.last.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(self.clock.monotonic().saturating_sub(at))
    }

    fn answered(&self, date: &str) {
        let date = DateTime::from_str(date, Format::HttpDate).ok();
        if let Some(date) = date.and_then(|date| SystemTime::try_from(date).ok()) {
            let at = self.clock.monotonic();
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, at));
        }
    }
}

/// Looks at every answer.
#[derive(Debug)]
pub(super) struct Watch(pub(super) Arc<ServiceTime>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "encrypted-field-aws: the date of the answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An error may be of anything on the way.
        if let (Ok(_), Some(date)) =
            (context.output_or_error(), context.response().headers().get("date"))
        {
            self.0.answered(date);
        }
        Ok(())
    }
}
