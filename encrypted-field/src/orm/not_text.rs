//! The errors of ORMs that can't read a text column.

use std::error::Error as StdError;
use std::str::Utf8Error;

use crate::error::{Error, ErrorKind};
use crate::event::{self, Event};
use crate::field::EncryptedField;

/// Drivers have an error for bytes in a text column. This makes an error of ours of it, because
/// such bytes are the binary form. They occur if the column is binary in the database and text in
/// the program, and anywhere in SQLite. Every other error stays as it is.
pub fn not_text<T: EncryptedField>(
    error: Box<dyn StdError + Send + Sync>,
) -> Box<dyn StdError + Send + Sync> {
    if !error.is::<Utf8Error>() {
        return error;
    }
    let kind = ErrorKind::WrongStorage;
    let error = Error::new(kind)
        .detail("bytes in a column that the program calls text; is it `Binary` in Diesel, `storage = \"binary\"` for SQLx?")
        .at(T::CONTEXT);
    event::emit(&Event::OpenFailed { column: T::CONTEXT, key_id: None, kind, error: &error });
    error.into()
}
