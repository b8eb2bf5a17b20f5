//! What an application sees when something fails, and that it shows no secret.

use std::fmt::Debug;

use encrypted_field::{Error, ErrorKind};
use tests::leaks::Scanner;

/// The library's error inside of SQLx's, as kind and column.
pub fn found(error: &sqlx::Error) -> (ErrorKind, &str) {
    let error = inside(error);
    (error.kind(), error.column().expect("an error of a field names its column"))
}

/// The library's error inside of SQLx's.
pub fn inside(error: &sqlx::Error) -> &Error {
    shows_no_secret(error);
    shows_no_secret(&error.to_string());
    Error::find(error).unwrap_or_else(|| panic!("SQLx's own error: {error}"))
}

/// That this is an error of SQLx or the database, not one of the library.
pub fn foreign(error: &sqlx::Error) -> String {
    shows_no_secret(error);
    shows_no_secret(&error.to_string());
    assert!(Error::find(error).is_none(), "{error}");
    error.to_string()
}

pub fn shows_no_secret(shown: &impl Debug) {
    let leaks = Scanner::new().scan(format!("{shown:?} {shown:#?}").as_bytes());
    assert!(leaks.is_empty(), "{leaks:?}");
}
