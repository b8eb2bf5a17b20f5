//! The two statements. Which columns they have is known at run time only, so they can't be made of
//! Diesel's own.

use diesel::RunQueryDsl;
use diesel::deserialize::{self, QueryableByName};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::row::{Field as _, NamedRow, Row};
use diesel::sql_types::Untyped;

use super::{DieselKey, MovingBackend};
use crate::field::Storage;
use crate::orm::moving::{Replacement, Stale};

/// Reads the stored bytes of some columns of a row.
pub(super) struct Read<F, K> {
    from: F,
    key: K,
    columns: Vec<(&'static str, Storage)>,
}

/// Replaces some values of a row if none of them has changed.
pub(super) struct Replace<'r, F, K> {
    from: F,
    key: K,
    values: &'r [Replacement],
}

impl<F, K> Read<F, K> {
    pub(super) fn new<'a, M: DieselKey<'a, From = F, Key = K>>(
        row: &'a M,
        stale: &[Stale],
    ) -> Self {
        let columns = stale.iter().map(|stale| (stale.column, stale.storage)).collect();
        Self { from: M::from(), key: row.key(), columns }
    }
}

impl<'r, F, K> Replace<'r, F, K> {
    pub(super) fn new<'a, M: DieselKey<'a, From = F, Key = K>>(
        row: &'a M,
        values: &'r [Replacement],
    ) -> Self {
        Self { from: M::from(), key: row.key(), values }
    }
}

fn stored_bytes<DB: MovingBackend>(
    pass: &mut AstPass<'_, '_, DB>,
    column: &str,
    storage: Storage,
) -> QueryResult<()> {
    let [before, after] = DB::STORED_BYTES.around(storage);
    pass.push_sql(before);
    pass.push_identifier(column)?;
    pass.push_sql(after);
    Ok(())
}

impl<F, K, DB> QueryFragment<DB> for Read<F, K>
where
    DB: MovingBackend,
    F: QueryFragment<DB>,
    K: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (at, (column, storage)) in self.columns.iter().enumerate() {
            pass.push_sql(if at == 0 { "SELECT " } else { ", " });
            stored_bytes(&mut pass, column, *storage)?;
        }
        pass.push_sql(" FROM ");
        self.from.walk_ast(pass.reborrow())?;
        pass.push_sql(" WHERE ");
        self.key.walk_ast(pass)
    }
}

impl<F, K, DB> QueryFragment<DB> for Replace<'_, F, K>
where
    DB: MovingBackend,
    F: QueryFragment<DB>,
    K: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.from.walk_ast(pass.reborrow())?;
        for (at, value) in self.values.iter().enumerate() {
            pass.push_sql(if at == 0 { " SET " } else { ", " });
            pass.push_identifier(value.column)?;
            pass.push_sql(" = ");
            DB::bind_stored(&mut pass, &value.new)?;
        }
        pass.push_sql(" WHERE (");
        self.key.walk_ast(pass.reborrow())?;
        pass.push_sql(")");
        for value in self.values {
            pass.push_sql(" AND ");
            if let Some(digest) = value.digest.as_ref().filter(|_| DB::COMPARES_DIGESTS) {
                pass.push_sql("sha256(");
                DB::bind(&mut pass, &digest.salt)?;
                pass.push_sql(" || ");
                stored_bytes(&mut pass, value.column, value.storage)?;
                pass.push_sql(") = ");
                DB::bind(&mut pass, &digest.hash)?;
            } else {
                stored_bytes(&mut pass, value.column, value.storage)?;
                pass.push_sql(" = ");
                DB::bind(&mut pass, &value.old)?;
            }
        }
        Ok(())
    }
}

impl<F, K> Query for Read<F, K> {
    type SqlType = Untyped;
}

impl<F, K, C> RunQueryDsl<C> for Read<F, K> {}

impl<F, K, C> RunQueryDsl<C> for Replace<'_, F, K> {}

/// Another text for each choice of columns.
impl<F, K> QueryId for Read<F, K> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<F, K> QueryId for Replace<'_, F, K> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

/// What [`Read`] reads: `None` is NULL.
pub(super) struct StoredRow(pub(super) Vec<Option<Vec<u8>>>);

impl<DB: MovingBackend> QueryableByName<DB> for StoredRow {
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> deserialize::Result<Self> {
        let value = |at| {
            let field = Row::get(row, at);
            field.and_then(|field| field.value().map(DB::read)).transpose()
        };
        (0..row.field_count()).map(value).collect::<Result<_, _>>().map(Self)
    }
}
