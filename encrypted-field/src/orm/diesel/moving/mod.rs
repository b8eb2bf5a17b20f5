//! Moving stale values through Diesel.

#[cfg(feature = "diesel-async")]
mod asynchronous;
mod backend;
mod row;
mod statement;

pub use backend::MovingBackend;
pub use row::{DieselColumn, DieselKey, DieselModel};

use diesel::RunQueryDsl as _;
use diesel::connection::LoadConnection;
use diesel::query_builder::QueryFragment;
use diesel::result::{Error, OptionalExtension as _, QueryResult};
use statement::{Read, Replace, StoredRow};

use crate::field::{Failed, MoveStale};
use crate::orm::moving::{Stale, moved, replacements, stale};

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Reading(error) => Self::DeserializationError(error.into()),
            Failed::Writing(error) => Self::SerializationError(error.into()),
        }
    }
}

/// The stale values of the fields that are columns of the row's own table.
fn stale_columns<M: DieselModel>(row: &M) -> Vec<Stale> {
    stale(row, |at| M::COLUMNS.get(at).copied().flatten().map(DieselColumn::named))
}

impl<'a, M, C> MoveStale<'a, C> for M
where
    C: LoadConnection,
    C::Backend: MovingBackend,
    M: DieselModel + DieselKey<'a>,
    M::From: QueryFragment<C::Backend>,
    M::Key: QueryFragment<C::Backend>,
{
    fn move_stale(&'a self, connection: &mut C) -> QueryResult<bool> {
        let stale = stale_columns(self);
        if stale.is_empty() {
            return Ok(false);
        }
        let read = Read::new(self, &stale).get_result::<StoredRow>(connection).optional()?;
        let Some(StoredRow(stored)) = read else { return Ok(false) };
        let replacements = replacements(self, stale, stored)?;
        if replacements.is_empty() {
            return Ok(false);
        }
        let rows = Replace::new(self, &replacements).execute(connection)?;
        Ok(moved(&replacements, rows as u64))
    }
}
