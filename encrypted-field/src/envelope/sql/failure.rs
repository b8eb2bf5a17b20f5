//! What databases and drivers answer instead, in the words of this library.

use super::Dialect;
use crate::envelope::{BackendError, BackendErrorKind};

/// The database refused a statement, with this message. A message of the database holds no
/// password, because the database never had the URL.
pub(super) fn database(dialect: Dialect, kind: BackendErrorKind, message: &str) -> BackendError {
    let name = dialect.name();
    let detail = match kind {
        BackendErrorKind::Misconfigured => format!(
            "the table is not there, or not as `{}/up.sql` of encrypted-field makes it; {name} says: {message}",
            dialect.migration()
        ),
        BackendErrorKind::Denied => {
            format!(
                "this needs to connect, and SELECT, INSERT and UPDATE on the table; {name} says: {message}"
            )
        }
        BackendErrorKind::Garbled => {
            format!("the database is damaged; restore it from a backup; {name} says: {message}")
        }
        _ => format!("{name} says: {message}"),
    };
    BackendError::new(kind, detail)
}

/// A row does not have the types it must have. So it is another table or, in a database in which
/// each value has its own type, a bad row.
pub(super) fn undecodable(dialect: Dialect) -> BackendError {
    if dialect.is_typed() {
        database(dialect, BackendErrorKind::Misconfigured, "columns of other types")
    } else {
        BackendError::new(
            BackendErrorKind::Garbled,
            "the table holds a row with values of other types; restore it from a backup",
        )
    }
}

/// The caller of the store did what its contract forbids.
pub(super) fn misuse(what: &'static str) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, what)
}
