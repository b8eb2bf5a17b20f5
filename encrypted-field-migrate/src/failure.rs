//! What an error of the database means for a job or for a row.

use crate::database::{Dialect, Trouble};
use crate::error::{Error, ErrorKind};
use crate::report::FailureKind;

/// For the job as a whole.
pub(crate) fn of_job(dialect: &dyn Dialect, error: &sqlx::Error) -> Error {
    let said = dialect.say(error);
    let (kind, text) = match dialect.trouble(error) {
        Trouble::Full => (
            ErrorKind::Full,
            "the database has no room left, and nothing is half done; make room, and run the job again",
        ),
        Trouble::Denied => (ErrorKind::Denied, "the database does not allow this"),
        Trouble::Lost => (ErrorKind::Unreachable, "the database can't be reached"),
        Trouble::Busy => (ErrorKind::Unreachable, "others kept what the job needs locked"),
        Trouble::Timeout => (ErrorKind::Database, "the database gave a statement too little time"),
        Trouble::Refused | Trouble::Wrong => {
            (ErrorKind::Database, "the database refuses a statement")
        }
    };
    Error::new(kind, format!("{text}: {said}"))
}

/// For one row.
pub(crate) fn of_row(dialect: &dyn Dialect, error: &sqlx::Error) -> (FailureKind, String) {
    let kind = match dialect.trouble(error) {
        Trouble::Timeout => FailureKind::Timeout,
        Trouble::Busy => FailureKind::Locked,
        _ => FailureKind::Refused,
    };
    (kind, dialect.say(error))
}
