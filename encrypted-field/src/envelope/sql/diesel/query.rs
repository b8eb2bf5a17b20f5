//! Statements on any of Diesel's backends.

use diesel::backend::Backend;
use diesel::connection::LoadConnection;
use diesel::deserialize::{self, FromSql, QueryableByName};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{BoxedSqlQuery, QueryFragment, SqlQuery};
use diesel::result::QueryResult;
use diesel::row::NamedRow;
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text, Untyped};
use diesel::{Connection, RunQueryDsl as _, sql_query};

use crate::envelope::sql::statement::{Bind, Row, Statement};

type Query<DB> = BoxedSqlQuery<'static, DB, SqlQuery>;

fn query<DB>(statement: Statement) -> Query<DB>
where
    DB: Backend + HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, DB>,
    String: ToSql<Text, DB>,
{
    let query = sql_query(statement.sql).into_boxed();
    statement.binds.into_iter().fold(query, |query, bind| match bind {
        Bind::Integer(value) => query.bind::<BigInt, _>(value),
        Bind::Text(value) => query.bind::<Text, _>(value),
    })
}

pub(super) fn execute<C>(connection: &mut C, statement: Statement) -> QueryResult<usize>
where
    C: Connection,
    C::Backend: HasSqlType<BigInt> + HasSqlType<Text>,
    i64: ToSql<BigInt, C::Backend>,
    String: ToSql<Text, C::Backend>,
    Query<C::Backend>: QueryFragment<C::Backend>,
{
    query(statement).execute(connection)
}

pub(super) fn load<C>(connection: &mut C, statement: Statement) -> QueryResult<Vec<Row>>
where
    C: LoadConnection,
    C::Backend: HasSqlType<BigInt> + HasSqlType<Text> + QueryMetadata<Untyped> + 'static,
    i64: ToSql<BigInt, C::Backend> + FromSql<BigInt, C::Backend>,
    String: ToSql<Text, C::Backend> + FromSql<Text, C::Backend>,
    Query<C::Backend>: QueryFragment<C::Backend>,
{
    query(statement).load(connection)
}

impl<DB: Backend> QueryableByName<DB> for Row
where
    i64: FromSql<BigInt, DB>,
    String: FromSql<Text, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        Ok(Self {
            name: NamedRow::get::<Text, _>(row, "name")?,
            revision: NamedRow::get::<BigInt, _>(row, "revision")?,
            record: NamedRow::get::<Text, _>(row, "record")?,
            server_time: NamedRow::get::<Nullable<BigInt>, _>(row, "server_time")?,
        })
    }
}
