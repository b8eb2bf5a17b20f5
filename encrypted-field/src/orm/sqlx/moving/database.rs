//! What is asked of a driver.

use std::pin::Pin;

use sqlx::Database;
use sqlx::error::BoxDynError;

use super::statement::Statement;
use crate::field::Stored;
use crate::orm::moving::{Old, StoredBytes};

type Run<'c, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>;

/// A SQLx database in which stale values can be moved: `Postgres`, `MySql` and `Sqlite`.
#[diagnostic::on_unimplemented(
    message = "stale values can't be moved through the SQLx database `{Self}`",
    note = "enable the feature `sqlx-postgres`, `sqlx-mysql` or `sqlx-sqlite` of encrypted-field; `sqlx::Any` can't be used"
)]
pub trait MovingDatabase: Database + Sealed {
    /// How it gives stored bytes.
    #[doc(hidden)]
    const STORED_BYTES: StoredBytes;
    /// What stands around names.
    #[doc(hidden)]
    const QUOTE: &'static str;

    /// Adds bytes to compare with.
    #[doc(hidden)]
    fn bind(arguments: &mut Self::Arguments, old: &Old) -> Result<(), BoxDynError>;

    /// Adds what is to be stored.
    #[doc(hidden)]
    fn bind_stored(arguments: &mut Self::Arguments, new: &Stored) -> Result<(), BoxDynError>;

    /// The first row, as bytes. `None` within it is NULL.
    #[doc(hidden)]
    fn read(
        connection: &mut Self::Connection,
        statement: Statement<Self>,
    ) -> Run<'_, Option<Vec<Option<Vec<u8>>>>>;

    /// How many rows it changed.
    #[doc(hidden)]
    fn execute(connection: &mut Self::Connection, statement: Statement<Self>) -> Run<'_, u64>;
}

pub trait Sealed {}

// Each driver by itself: over all of them, the bounds of SQLx's executors don't give futures that
// are `Send`.
#[cfg_attr(
    not(any(feature = "sqlx-postgres", feature = "sqlx-mysql", feature = "sqlx-sqlite")),
    allow(unused_macros)
)]
macro_rules! database {
    ($database:ty, $stored_bytes:ident, $quote:literal) => {
        impl Sealed for $database {}

        impl MovingDatabase for $database {
            const STORED_BYTES: StoredBytes = StoredBytes::$stored_bytes;
            const QUOTE: &'static str = $quote;

            fn bind(arguments: &mut Self::Arguments, old: &Old) -> Result<(), BoxDynError> {
                sqlx::Arguments::add(arguments, old.bytes())
            }

            fn bind_stored(
                arguments: &mut Self::Arguments,
                new: &Stored,
            ) -> Result<(), BoxDynError> {
                match new {
                    Stored::Text(text) => sqlx::Arguments::add(arguments, text),
                    Stored::Binary(bytes) => sqlx::Arguments::add(arguments, bytes),
                }
            }

            fn read(
                connection: &mut Self::Connection,
                Statement { sql, arguments }: Statement<Self>,
            ) -> Run<'_, Option<Vec<Option<Vec<u8>>>>> {
                Box::pin(async move {
                    // Safe: only names of the declaration are in it, in quotation marks.
                    let query = sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments);
                    let Some(row) = query.fetch_optional(connection).await? else {
                        return Ok(None);
                    };
                    let values = (0..sqlx::Row::len(&row)).map(|at| sqlx::Row::try_get(&row, at));
                    values.collect::<sqlx::Result<_>>().map(Some)
                })
            }

            fn execute(
                connection: &mut Self::Connection,
                Statement { sql, arguments }: Statement<Self>,
            ) -> Run<'_, u64> {
                Box::pin(async move {
                    let query = sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments);
                    Ok(query.execute(connection).await?.rows_affected())
                })
            }
        }
    };
}

#[cfg(feature = "sqlx-postgres")]
database!(sqlx::Postgres, POSTGRES, "\"");
#[cfg(feature = "sqlx-mysql")]
database!(sqlx::MySql, MYSQL, "`");
#[cfg(feature = "sqlx-sqlite")]
database!(sqlx::Sqlite, SQLITE, "\"");
