//! Settings that are refused before anything is sent.

use std::path::Path;
use std::{fmt, fs, io};

use encrypted_field::envelope::{BackendError, BackendErrorKind};

/// A path or a name as this library gives it to Vault. Vault takes more, but not the same in every
/// place.
pub(crate) fn check_path(what: &str, path: &str) -> Result<(), BackendError> {
    let segment = |segment: &str| {
        let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let (first, last) = (segment.as_bytes().first(), segment.as_bytes().last());
        first.is_some_and(word)
            && last.is_some_and(word)
            && segment.bytes().all(|b| word(&b) || b == b'-' || b == b'.')
    };
    if path.len() <= 256 && path.split('/').all(segment) {
        return Ok(());
    }
    Err(misconfigured(format_args!(
        "{what} has at most 256 bytes: words of ASCII letters, digits, `_`, and inside of them `-` and `.`"
    )))
}

/// The library names the backend in the errors of a call; nobody does that for these.
pub(crate) fn misconfigured(detail: impl fmt::Display) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, format!("Vault: {detail}"))
}

/// What is in a file of the configuration, or what is wrong with the file and what to do.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| {
        let fix = match e.kind() {
            io::ErrorKind::NotFound => "; correct the path, or mount the file's volume",
            io::ErrorKind::PermissionDenied => "; this process needs the permission to read it",
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => "; correct the path",
            _ => "",
        };
        format!("{}: {e}{fix}", path.display())
    })
}
