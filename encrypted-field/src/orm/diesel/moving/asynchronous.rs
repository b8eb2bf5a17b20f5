//! The same through diesel-async.

use diesel::query_builder::QueryFragment;
use diesel::result::{OptionalExtension as _, QueryResult};
use diesel_async::{AsyncConnectionCore, RunQueryDsl as _};

use super::statement::{Read, Replace, StoredRow};
use super::{DieselKey, DieselModel, MovingBackend, stale_columns};
use crate::field::MoveStaleAsync;
use crate::orm::moving::{moved, replacements};

impl<'a, M, C> MoveStaleAsync<'a, C> for M
where
    C: AsyncConnectionCore + 'a,
    C::Backend: MovingBackend,
    M: DieselModel + DieselKey<'a> + Sync,
    M::From: QueryFragment<C::Backend> + Send + 'a,
    M::Key: QueryFragment<C::Backend> + Send + 'a,
{
    async fn move_stale_async(&'a self, connection: &'a mut C) -> QueryResult<bool> {
        let stale = stale_columns(self);
        if stale.is_empty() {
            return Ok(false);
        }
        let read = Read::new(self, &stale).get_result::<StoredRow>(connection).await;
        let Some(StoredRow(stored)) = read.optional()? else { return Ok(false) };
        let replacements = replacements(self, stale, stored)?;
        if replacements.is_empty() {
            return Ok(false);
        }
        let rows = Replace::new(self, &replacements).execute(connection).await?;
        Ok(moved(&replacements, rows as u64))
    }
}
