//! Diesel's errors in the words of this library.

use diesel::Connection;
use diesel::result::{DatabaseErrorKind, Error};

use super::backend::DieselBackend;
use crate::envelope::sql::failure::{database, undecodable};
use crate::envelope::sql::table::Table;
use crate::envelope::{BackendError, BackendErrorKind};

/// `connection` is the one that the error came from.
pub(super) fn refuse<C: Connection>(
    connection: &mut C,
    table: &Table,
    error: &Error,
) -> BackendError
where
    C::Backend: DieselBackend<C>,
{
    let dialect = <C::Backend as DieselBackend<C>>::DIALECT;
    match error {
        Error::DatabaseError(kind, information) => {
            let message = information.message();
            let kind = match kind {
                DatabaseErrorKind::ReadOnlyTransaction => BackendErrorKind::Denied,
                DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::ExclusionViolation
                | DatabaseErrorKind::RestrictViolation => BackendErrorKind::Misconfigured,
                DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand => BackendErrorKind::Unavailable,
                _ => C::Backend::kind(connection, &table.quoted(dialect), message),
            };
            database(dialect, kind, message)
        }
        Error::DeserializationError(_) => undecodable(dialect),
        // The one that went wrong first.
        Error::RollbackErrorOnCommit { commit_error, .. } => {
            refuse(connection, table, commit_error)
        }
        // Their texts are not looked into, because it is not known what they hold.
        _ => {
            BackendError::new(BackendErrorKind::Unavailable, "Diesel could not run the transaction")
        }
    }
}
