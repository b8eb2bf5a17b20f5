//! What Diesel itself can't read of a column.

use std::str::Utf8Error;

use crate::error::{Error, ErrorKind};
use crate::event::{self, Event};
use crate::field::EncryptedField;

/// Makes an error of ours of the one that Diesel has for bytes in a `Text` column: that is the binary form, where the
/// column is binary in the database and text in the schema, or anywhere in SQLite. Every other error stays as it is.
pub fn not_text<T: EncryptedField>(
    error: Box<dyn std::error::Error + Send + Sync>,
) -> Box<dyn std::error::Error + Send + Sync> {
    if !error.is::<Utf8Error>() {
        return error;
    }
    let kind = ErrorKind::WrongStorage;
    event::emit(&Event::OpenFailed { column: T::CONTEXT, key_id: None, kind });
    Error::new(kind)
        .detail("bytes in a column that the schema calls `Text`; is it `Binary`?")
        .at(T::CONTEXT)
        .into()
}
