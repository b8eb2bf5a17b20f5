//! PostgreSQL.

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::{Postgres, Result};

use super::backend::{Sealed, SqlxBackend};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

impl Sealed for Postgres {}

impl SqlxBackend for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;
    const BEGIN_LOAD: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ";
    const BEGIN_CHANGE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED";

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

    /// By SQLSTATE: PostgreSQL documentation, appendix A.
    fn kind(error: &dyn DatabaseError) -> BackendErrorKind {
        let code = error.code().unwrap_or(Cow::Borrowed(""));
        match (&*code, code.get(..2).unwrap_or_default()) {
            // No privilege, a wrong password or user, a replica or a database that is read-only.
            ("42501" | "25006", _) | (_, "28") => BackendErrorKind::Denied,
            // No such database or schema; no such table or column, or of another type; a value the
            // table refuses.
            (_, "3D" | "3F" | "42" | "22" | "23") => BackendErrorKind::Misconfigured,
            // Among them 40: serialization failures and deadlocks.
            _ => BackendErrorKind::Unavailable,
        }
    }
}
