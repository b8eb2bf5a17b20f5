//! What a failed query says.

use diesel::result::Error;
use encrypted_field::ErrorKind;

/// Kind, column and key id of our error inside the error of a read.
#[track_caller]
pub(crate) fn read_refused<T>(
    result: Result<T, Error>,
) -> (ErrorKind, Option<String>, Option<u32>) {
    let error = result.err().expect("the read is refused");
    assert!(matches!(error, Error::DeserializationError(_)), "{error:?}");
    ours(&error)
}

/// Kind, column and key id of our error inside the error of a write.
#[track_caller]
pub(crate) fn write_refused<T>(
    result: Result<T, Error>,
) -> (ErrorKind, Option<String>, Option<u32>) {
    let error = result.err().expect("the write is refused");
    assert!(matches!(error, Error::SerializationError(_)), "{error:?}");
    ours(&error)
}

#[track_caller]
fn ours(error: &Error) -> (ErrorKind, Option<String>, Option<u32>) {
    let Some(found) = encrypted_field::Error::find(error) else { panic!("not ours: {error:?}") };
    (found.kind(), found.column().map(str::to_owned), found.key_id().map(|id| id.get()))
}

/// The same, as it is written in an assertion.
pub(crate) fn says(
    kind: ErrorKind,
    column: &str,
    key_id: impl Into<Option<u32>>,
) -> (ErrorKind, Option<String>, Option<u32>) {
    (kind, Some(column.to_owned()), key_id.into())
}
