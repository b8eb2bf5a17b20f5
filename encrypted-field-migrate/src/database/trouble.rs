//! What an error of the database means for the job.

/// What an error of the database means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is gone, or the server is about to go: connect anew.
    Lost,
    /// Somebody else is in the way: try again.
    Busy,
    /// No room is left.
    Full,
    /// This user may not, or the database only reads.
    Denied,
    /// It took too long.
    Timeout,
    /// The database does not take these rows.
    Refused,
    /// The statement makes no sense there, as when a column is gone.
    Wrong,
}

impl Trouble {
    /// What every driver reports alike.
    pub(crate) fn of_driver(error: &sqlx::Error) -> Option<Self> {
        Some(match error {
            sqlx::Error::Database(_) => return None,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Self::Lost,
            _ => Self::Wrong,
        })
    }
}

/// What an error of the driver says. Errors of decoding and the like may quote what they read.
pub(super) fn say(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Io(error) => error.to_string(),
        sqlx::Error::Tls(error) => format!("TLS: {error}"),
        // Of this crate.
        sqlx::Error::InvalidArgument(text) => text.clone(),
        sqlx::Error::RowNotFound => "it gave no row".to_owned(),
        sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed | sqlx::Error::WorkerCrashed => {
            "the connection broke".to_owned()
        }
        _ => "the driver could not read the answer".to_owned(),
    }
}
