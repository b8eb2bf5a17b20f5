//! Statements on any of SQLx's drivers.

use sqlx::database::HasStatementCache;
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, ColumnIndex, Decode, Encode, Executor, IntoArguments, Result, Row as _, Type,
};

use super::backend::SqlxBackend;
use crate::envelope::sql::statement::{Bind, Row, Statement};

fn query<DB: SqlxBackend + HasStatementCache>(
    statement: Statement,
) -> Query<'static, DB, DB::Arguments>
where
    i64: Encode<'static, DB> + Type<DB>,
    String: Encode<'static, DB> + Type<DB>,
{
    // Safe: the only part from the caller is the name of the table, which has letters, digits and
    // `_` only.
    let keep = statement.binds.len() <= DB::MOST_PARAMETERS_KEPT;
    let query = sqlx::query(AssertSqlSafe(statement.sql)).persistent(keep);
    statement.binds.into_iter().fold(query, |query, bind| match bind {
        Bind::Integer(value) => query.bind(value),
        Bind::Text(value) => query.bind(value),
    })
}

pub(super) async fn execute<DB: SqlxBackend + HasStatementCache>(
    connection: &mut DB::Connection,
    statement: Statement,
) -> Result<DB::QueryResult>
where
    i64: Encode<'static, DB> + Type<DB>,
    String: Encode<'static, DB> + Type<DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    query::<DB>(statement).execute(connection).await
}

pub(super) async fn load<DB: SqlxBackend + HasStatementCache>(
    connection: &mut DB::Connection,
    statement: Statement,
) -> Result<Vec<Row>>
where
    i64: Encode<'static, DB> + for<'r> Decode<'r, DB> + Type<DB>,
    String: Encode<'static, DB> + for<'r> Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let rows = query::<DB>(statement).fetch_all(connection).await?;
    let row = |row: DB::Row| {
        Ok(Row {
            name: row.try_get(0)?,
            revision: row.try_get(1)?,
            record: row.try_get(2)?,
            server_time: row.try_get(3)?,
        })
    };
    rows.into_iter().map(row).collect()
}
