//! KMS, S3 and Secrets Manager: on moto where it does what AWS does, on the stub where it does not.

// Helpers panic where a test is to fail, too.
#![allow(clippy::unwrap_used)]

mod kms_destroy;
mod kms_errors;
mod kms_moto;
mod kms_time;
mod logs;
mod s3_errors;
mod s3_moto;
mod s3_stub;
mod secrets_errors;
mod secrets_moto;
mod secrets_stub;

use std::fmt::Debug;

use encrypted_field::envelope::{BackendError, BackendErrorKind, WrapContext};
use encrypted_field::{KeyId, key::Purpose};

/// What stands in answers that must not be repeated.
const BODY: &str = "CANARY-body";

/// Of a data key.
fn of(scope: &str) -> WrapContext<'_> {
    WrapContext::data("set", KeyId::new(1).expect("an id above 0"), scope, Purpose::Field)
}

/// The error of an answer, which repeats nothing of a body.
fn refused<T>(answer: Result<T, BackendError>, kind: BackendErrorKind, how: &dyn Debug) -> String {
    let Err(error) = answer else { panic!("it takes {how:?}") };
    assert_eq!(error.kind(), kind, "{how:?}: {error}");
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
    assert!(!shown.contains(BODY), "an error repeats a body: {how:?}");
    error.to_string()
}
