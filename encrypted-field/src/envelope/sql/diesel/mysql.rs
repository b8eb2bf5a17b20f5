//! MySQL and MariaDB.

use diesel::connection::LoadConnection;
use diesel::mysql::Mysql;
use diesel::result::QueryResult;

use super::backend::{DieselBackend, Sealed};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

impl Sealed for Mysql {}

impl<C: LoadConnection<Backend = Self>> DieselBackend<C> for Mysql {
    const DIALECT: Dialect = Dialect::MySql;
    const BEFORE: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";

    fn execute(connection: &mut C, statement: Statement) -> QueryResult<usize> {
        query::execute(connection, statement)
    }

    fn load(connection: &mut C, statement: Statement) -> QueryResult<Vec<Row>> {
        query::load(connection, statement)
    }

    /// Diesel does not give the number of the error. Messages are in English, unless the server is
    /// set to another language (`lc_messages`): then what is not recognized is tried again, and the
    /// message shown.
    fn kind(_: &mut C, _: &str, message: &str) -> BackendErrorKind {
        let is = |texts: &[&str]| texts.iter().any(|text| message.contains(text));
        let denied = [
            "command denied",
            "ccess denied",
            "--read-only",
            "READ ONLY transaction",
            "read only mode",
        ];
        let missing = ["doesn't exist", "Unknown column", "Unknown database"];
        // Check constraints first of MariaDB, then of MySQL.
        let refused = [
            "CONSTRAINT `",
            "Check constraint",
            "cannot be null",
            "Data too long",
            "Out of range",
            "Incorrect ",
        ];
        if is(&denied) {
            BackendErrorKind::Denied
        } else if is(&missing) || is(&refused) {
            BackendErrorKind::Misconfigured
        } else {
            BackendErrorKind::Unavailable
        }
    }
}
