//! Why the engine did not do what it was asked. None of this holds a value of a column.

use std::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with a job as a whole. What went wrong with single rows is in its
/// [report](crate::Report).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<encrypted_field::Error>>,
}

/// Who has to act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The description of the job is wrong or contradicts the database.
    Job,
    /// The preflight has found what forbids the job. Nothing was written.
    Refused,
    /// Another job of this name, or one over this column, is not finished.
    Conflict,
    /// The database is out of reach, and stayed so.
    Unreachable,
    /// The database has no room left. Nothing is half done: make room and run the job again.
    Full,
    /// The database refuses this user or this statement.
    Denied,
    /// The database answered with another error.
    Database,
    /// The keys are missing or can't be used.
    Keys,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Job, message)
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

impl From<encrypted_field::Error> for Error {
    fn from(error: encrypted_field::Error) -> Self {
        Self { kind: ErrorKind::Keys, message: error.to_string(), source: Some(Box::new(error)) }
    }
}
