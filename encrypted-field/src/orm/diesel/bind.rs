//! The bind of an encrypted field. Diesel's own bind may stand anywhere. This one may stand only
//! where a value is written.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping,
    is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, SqlType};

/// A value on its way into a column. `.set(column.eq(value))` takes it, and
/// `.filter(column.eq(value))` does not.
///
/// Both build the same expression. A filter also asks for `ValidGrouping`, which holds for
/// [`Searchable`] values only, and no value is.
#[derive(Debug, Clone, Copy)]
pub struct WriteOnly<ST, T> {
    value: T,
    sql_type: PhantomData<ST>,
}

impl<ST, T> WriteOnly<ST, T> {
    /// Wraps a field or a reference to one.
    pub fn new(value: T) -> Self {
        Self { value, sql_type: PhantomData }
    }
}

impl<ST: SqlType + TypedExpressionType, T> Expression for WriteOnly<ST, T> {
    type SqlType = ST;
}

impl<ST, T, DB> QueryFragment<DB> for WriteOnly<ST, T>
where
    DB: Backend + HasSqlType<ST>,
    T: ToSql<ST, DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> diesel::QueryResult<()> {
        pass.push_bind_param(&self.value)
    }
}

impl<ST: QueryId, T> QueryId for WriteOnly<ST, T> {
    type QueryId = WriteOnly<ST::QueryId, ()>;

    const HAS_STATIC_QUERY_ID: bool = ST::HAS_STATIC_QUERY_ID;
}

impl<ST, T, QS> SelectableExpression<QS> for WriteOnly<ST, T> where Self: AppearsOnTable<QS> {}

impl<ST, T, QS> AppearsOnTable<QS> for WriteOnly<ST, T> where Self: Expression {}

impl<ST, T, GB> ValidGrouping<GB> for WriteOnly<ST, T>
where
    T: Searchable,
{
    type IsAggregate = is_aggregate::Never;
}

/// Holds for no type. An encrypted value is stored differently each time, so the database can't
/// find it.
#[diagnostic::on_unimplemented(
    message = "an encrypted value can't be searched for: it is stored differently each time",
    label = "can be written with `insert_into` and `set`, not compared",
    note = "find the row by another column; to look rows up by a secret, store a keyed hash of it in a column of its own"
)]
pub trait Searchable {}
