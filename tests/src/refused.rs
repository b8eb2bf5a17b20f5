//! What every error must be, whoever provokes it: of the right kind, located, and without a secret.

use std::error::Error as _;
use std::sync::LazyLock;

use encrypted_field::{Error, ErrorKind};

use crate::leaks::Scanner;

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// The error of `result`, which must be of this kind. Its texts must name the column and the key
/// where it knows them, and hold no secret of the tests.
///
/// # Panics
///
/// If any of that is not so.
#[track_caller]
pub fn refused<T>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let Err(error) = result else { panic!("no error, and not {kind:?}") };
    assert_eq!(error.kind(), kind, "{error}");
    let message = error.to_string();
    if let Some(column) = error.column() {
        assert!(message.starts_with(&format!("{column}: ")), "{message}");
    }
    if let Some(id) = error.key_id() {
        assert!(message.contains(&format!("key {id}: ")), "{message}");
    }
    assert_no_secret(&error);
    error
}

/// Neither the texts of the error nor those of its causes hold a secret of the tests.
///
/// # Panics
///
/// If they do.
#[track_caller]
pub fn assert_no_secret(error: &Error) {
    let mut texts = vec![error.to_string(), format!("{error:?}"), format!("{error:#?}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.extend([error.to_string(), format!("{error:?}")]);
        cause = error.source();
    }
    for text in texts {
        // Not printed where one is found: this output is scanned too.
        assert_eq!(
            SCANNER.scan(text.as_bytes()),
            [],
            "a secret in an error of kind {:?}",
            error.kind()
        );
    }
}

/// The text holds no secret of the tests.
///
/// # Panics
///
/// If it does.
#[track_caller]
pub fn assert_redacted(text: &str) {
    assert_eq!(
        SCANNER.scan(text.as_bytes()),
        [],
        "a secret in a text of {} characters",
        text.len()
    );
}
