//! MySQL and MariaDB.

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::{MySql, Result};

use super::backend::{Sealed, SqlxBackend};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

impl Sealed for MySql {}

impl SqlxBackend for MySql {
    const DIALECT: Dialect = Dialect::MySql;
    /// A statement that does not stay is closed, which the server does not answer. SQLx 0.9.0
    /// leaves Nagle's algorithm on, so that the next statement waits until the server's system
    /// acknowledges the packet: 40 ms on Linux (<https://github.com/transact-rs/sqlx/issues/4335>).
    /// Larger statements are rare, and would take memory on both sides.
    const MOST_PARAMETERS_KEPT: usize = 100;
    const BEFORE: Option<&'static str> = Some("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    const BEGIN_LOAD: &'static str = "START TRANSACTION";
    const BEGIN_CHANGE: &'static str = "START TRANSACTION";

    fn execute(
        connection: &mut Self::Connection,
        statement: Statement,
    ) -> BoxFuture<'_, Result<u64>> {
        Box::pin(async { Ok(query::execute::<Self>(connection, statement).await?.rows_affected()) })
    }

    fn load(
        connection: &mut Self::Connection,
        statement: Statement,
    ) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(query::load::<Self>(connection, statement))
    }

    /// By the error's number: "Server Error Message Reference" of MySQL and of MariaDB.
    fn kind(error: &dyn DatabaseError) -> BackendErrorKind {
        match error.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number) {
            // ACCESS_DENIED to a database, at connect, without a password; TABLEACCESS_DENIED,
            // COLUMNACCESS_DENIED, SPECIFIC_ACCESS_DENIED; OPTION_PREVENTS_STATEMENT (--read-only),
            // transaction and server in read-only mode.
            1044 | 1045 | 1698 | 1142 | 1143 | 1227 | 1290 | 1792 | 1836 => {
                BackendErrorKind::Denied
            }
            // BAD_DB, NO_SUCH_TABLE, BAD_FIELD (column); BAD_NULL, NO_DEFAULT_FOR_FIELD,
            // WARN_DATA_OUT_OF_RANGE, DATA_TOO_LONG, TRUNCATED_WRONG_VALUE_FOR_FIELD;
            // CHECK_CONSTRAINT_VIOLATED, of MySQL and of MariaDB.
            1049 | 1146 | 1054 | 1048 | 1364 | 1264 | 1406 | 1366 | 3819 | 4025 => {
                BackendErrorKind::Misconfigured
            }
            // Among them LOCK_WAIT_TIMEOUT (1205) and LOCK_DEADLOCK (1213).
            _ => BackendErrorKind::Unavailable,
        }
    }
}
