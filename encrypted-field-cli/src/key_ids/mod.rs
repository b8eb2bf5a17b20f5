//! Which key ids values in a database name: in every column of every table, also inside of arrays
//! and JSON documents. Each column is read in full, and nothing is written.

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeMap;

use encrypted_field_migrate::key_id_of;
use serde::{Deserialize, Serialize};

#[cfg(feature = "mysql")]
pub(crate) use mysql::in_mysql;
#[cfg(feature = "postgres")]
pub(crate) use postgres::in_postgres;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::in_sqlite;

use crate::failure::{Failure, Result};

/// Values under one key in one column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Found {
    /// With its schema, where that is not the usual one.
    pub(crate) table: String,
    pub(crate) column: String,
    /// As it is in the stored form; 0 for a row whose value is yet to be written.
    pub(crate) id: u32,
    pub(crate) values: u64,
}

/// Values by table, column and id.
#[derive(Debug, Default)]
pub(crate) struct Census(BTreeMap<(String, String, u32), u64>);

impl Census {
    /// Values with a label, as [`key_id_of`] reads it. What only looks like a value has none.
    fn add(&mut self, table: &str, column: &str, label: &str, values: u64) {
        if let Some(id) = key_id_of(label) {
            *self.0.entry((table.to_owned(), column.to_owned(), id)).or_default() += values;
        }
    }

    pub(crate) fn found(self) -> Vec<Found> {
        let found = self.0.into_iter();
        found.map(|((table, column, id), values)| Found { table, column, id, values }).collect()
    }
}

/// A column that can't be read: whoever looks for ids must not miss one.
fn unread(table: &str, column: &str, error: &sqlx::Error) -> Failure {
    Failure::new(format!("column {column} of table {table} can't be read: {error}"))
}

fn failed(what: &str, error: &sqlx::Error) -> Failure {
    Failure::new(format!("{what}: {error}"))
}

/// In a transaction that only reads, which ends in any case.
async fn reading<C, T>(
    connection: &mut C,
    begin: &'static str,
    work: impl AsyncFnOnce(&mut C) -> Result<T>,
) -> Result<T>
where
    C: sqlx::Connection,
    for<'c> &'c mut C: sqlx::Executor<'c, Database = C::Database>,
{
    use sqlx::Executor as _;

    let done = connection.execute(sqlx::raw_sql(begin)).await;
    done.map_err(|error| failed("no transaction can be begun", &error))?;
    let done = work(connection).await;
    let _ = connection.execute(sqlx::raw_sql("ROLLBACK")).await;
    done
}
