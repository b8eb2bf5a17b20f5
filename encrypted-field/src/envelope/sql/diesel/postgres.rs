//! PostgreSQL.

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::result::QueryResult;

use super::backend::{DieselBackend, Sealed};
use super::query;
use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Bind, Row, Statement};

/// In the column of the revision. 1: the table is not there, or has other columns. 2: permissions
/// are missing. 0: neither.
const DIAGNOSIS: &str = "
    SELECT '' AS name, '' AS record, CAST(NULL AS bigint) AS server_time,
        CAST(CASE
            WHEN place IS NULL OR (SELECT count(*) FROM pg_attribute
                WHERE attrelid = place AND NOT attisdropped
                AND (attname = 'revision' AND atttypid = 'int8'::regtype
                    OR attname IN ('name', 'record')
                        AND atttypid IN ('text'::regtype, 'varchar'::regtype))) <> 3 THEN 1
            WHEN NOT (has_table_privilege(place, 'SELECT') AND has_table_privilege(place, 'INSERT')
                AND has_table_privilege(place, 'UPDATE')) THEN 2
            ELSE 0 END AS bigint) AS revision
    FROM (SELECT CAST(to_regclass($1) AS oid) AS place) AS found";

impl Sealed for Pg {}

impl<C: LoadConnection<Backend = Self>> DieselBackend<C> for Pg {
    const DIALECT: Dialect = Dialect::Postgres;
    const FIRST_OF_LOAD: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ";
    const FIRST_OF_CHANGE: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

    fn execute(connection: &mut C, statement: Statement) -> QueryResult<usize> {
        query::execute(connection, statement)
    }

    fn load(connection: &mut C, statement: Statement) -> QueryResult<Vec<Row>> {
        query::load(connection, statement)
    }

    /// Diesel does not give the SQLSTATE, and the message is in the language of the server. So the
    /// server is asked.
    fn kind(connection: &mut C, table: &str, _: &str) -> BackendErrorKind {
        let diagnosis =
            Statement { sql: DIAGNOSIS.to_owned(), binds: vec![Bind::Text(table.to_owned())] };
        let answer = query::load(connection, diagnosis);
        match answer.as_deref() {
            Ok([Row { revision: 1, .. }]) => BackendErrorKind::Misconfigured,
            Ok([Row { revision: 2, .. }]) => BackendErrorKind::Denied,
            _ => BackendErrorKind::Unavailable,
        }
    }
}
