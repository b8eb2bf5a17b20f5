//! SQLite. The first statement of a change writes, so `BEGIN` is as good as `BEGIN IMMEDIATE` here:
//! nothing is read before the write lock is held, so nothing can be out of date.

use diesel::connection::LoadConnection;
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;

use super::backend::{DieselBackend, Sealed};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

impl Sealed for Sqlite {}

impl<C: LoadConnection<Backend = Self>> DieselBackend<C> for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn execute(connection: &mut C, statement: Statement) -> QueryResult<usize> {
        query::execute(connection, statement)
    }

    fn load(connection: &mut C, statement: Statement) -> QueryResult<Vec<Row>> {
        query::load(connection, statement)
    }

    /// Diesel does not give the result code. Messages are in English.
    fn kind(_: &mut C, _: &str, message: &str) -> BackendErrorKind {
        let has = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        if has(&["readonly database", "not authorized"]) {
            BackendErrorKind::Denied
        } else if has(&[
            "no such table",
            "no such column",
            "has no column",
            "unknown database",
            "not a database",
        ]) {
            BackendErrorKind::Misconfigured
        } else if has(&["malformed"]) {
            BackendErrorKind::Garbled
        } else {
            BackendErrorKind::Unavailable
        }
    }
}
