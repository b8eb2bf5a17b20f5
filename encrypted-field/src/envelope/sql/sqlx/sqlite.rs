//! SQLite.

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::{Result, Sqlite};

use super::backend::{Sealed, SqlxBackend};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

impl Sealed for Sqlite {}

impl SqlxBackend for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;
    const BEGIN_LOAD: &'static str = "BEGIN";
    const BEGIN_CHANGE: &'static str = "BEGIN IMMEDIATE";

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

    /// By the primary result code, the low byte of the extended one:
    /// <https://www.sqlite.org/rescode.html>.
    fn kind(error: &dyn DatabaseError) -> BackendErrorKind {
        let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default();
        match code & 0xff {
            // PERM, READONLY, AUTH.
            3 | 8 | 23 => BackendErrorKind::Denied,
            // ERROR (no such table or column), CANTOPEN, CONSTRAINT, NOTADB.
            1 | 14 | 19 | 26 => BackendErrorKind::Misconfigured,
            // CORRUPT.
            11 => BackendErrorKind::Garbled,
            // Among them BUSY (5) and LOCKED (6).
            _ => BackendErrorKind::Unavailable,
        }
    }
}
