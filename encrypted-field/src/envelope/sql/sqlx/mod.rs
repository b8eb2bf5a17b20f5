//! The table through SQLx.

mod backend;
mod failure;
#[cfg(feature = "sqlx-mysql")]
mod mysql;
#[cfg(feature = "sqlx-postgres")]
mod postgres;
#[cfg(any(feature = "sqlx-mysql", feature = "sqlx-postgres", feature = "sqlx-sqlite"))]
mod query;
#[cfg(feature = "sqlx-sqlite")]
mod sqlite;

use std::fmt;

pub use backend::SqlxBackend;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Pool};

use super::load::load;
use super::statement::{Row, Statement, loaded};
use super::swap::Swap;
use super::table::Table;
use crate::envelope::{BackendError, KeyStore, Loaded, Query, Record};
use crate::error::Result;

/// A key store in a table, over a SQLx pool for PostgreSQL, MySQL, MariaDB or SQLite.
///
/// Needs the feature `sqlx-postgres`, `sqlx-mysql` or `sqlx-sqlite`. [The module](super) says how
/// to make the table. Pools of `sqlx::Any` don't do: they tell too late which database they have.
///
/// ```
/// # #[cfg(feature = "sqlx-postgres")]
/// # fn store() -> Result<encrypted_field::envelope::sql::SqlxStore<sqlx::Postgres>, sqlx::Error> {
/// use encrypted_field::envelope::sql::SqlxStore;
/// use sqlx::postgres::PgPool;
///
/// let pool = PgPool::connect_lazy("postgres://localhost/app")?;
/// let store = SqlxStore::new(pool);
/// # Ok(store)
/// # }
/// ```
///
/// Each call takes one connection from the pool and gives it back.
pub struct SqlxStore<DB: sqlx::Database> {
    pool: Pool<DB>,
    table: Table,
}

impl<DB: SqlxBackend> SqlxStore<DB> {
    /// Over the connections of a pool.
    pub fn new(pool: Pool<DB>) -> Self {
        Self { pool, table: Table::default() }
    }

    /// In another table than `encrypted_field_keys`: `name` or `schema.name`, in the letters of the
    /// table's definition.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnusable`](crate::ErrorKind::KeyStoreUnusable): not a name, of ASCII
    /// letters, digits and `_`, at most 63 each.
    pub fn table(mut self, name: &str) -> Result<Self> {
        self.table = Table::new(name)?;
        Ok(self)
    }

    async fn connection(&self) -> Result<PoolConnection<DB>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if let Some(sql) = DB::BEFORE {
            DB::execute(&mut connection, Statement { sql: sql.to_owned(), binds: Vec::new() })
                .await?;
        }
        Ok(connection)
    }

    async fn rows(&self, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
        let mut connection = self.connection().await?;
        let mut transaction = (*connection).begin_with(DB::BEGIN_LOAD).await?;
        let mut rows = Vec::new();
        for statement in load(DB::DIALECT, &self.table, query) {
            rows.extend(DB::load(&mut transaction, statement).await?);
        }
        transaction.commit().await?;
        Ok(rows)
    }

    async fn swap(&self, swap: Swap) -> Result<bool, sqlx::Error> {
        let mut connection = self.connection().await?;
        let swapped = swap_on::<DB>(&mut connection, swap).await;
        if !matches!(swapped, Ok(true)) {
            // SQLx only queues the rollback of a transaction that is dropped. Once the ping is
            // answered, nothing that was done before it holds a lock. If the connection is broken,
            // the server rolls back.
            let _ = (*connection).ping().await;
        }
        swapped
    }
}

async fn swap_on<DB: SqlxBackend>(
    connection: &mut DB::Connection,
    swap: Swap,
) -> Result<bool, sqlx::Error> {
    let mut transaction = connection.begin_with(DB::BEGIN_CHANGE).await?;
    match DB::execute(&mut transaction, swap.head).await {
        Ok(1) => {}
        Ok(_) => return Ok(false),
        Err(e) if e.as_database_error().is_some_and(DatabaseError::is_unique_violation) => {
            return Ok(false);
        }
        Err(e) => return Err(e),
    }
    for statement in swap.rest {
        DB::execute(&mut transaction, statement).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

impl<DB: SqlxBackend> KeyStore for SqlxStore<DB> {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        loaded(self.rows(query).await.map_err(|e| failure::refuse::<DB>(&e))?)
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        let swap = Swap::new(DB::DIALECT, &self.table, expected, changed)?;
        self.swap(swap).await.map_err(|e| failure::refuse::<DB>(&e))
    }

    fn describe(&self) -> String {
        format!("table {} ({})", self.table.name(), DB::DIALECT.name())
    }
}

impl<DB: sqlx::Database> fmt::Debug for SqlxStore<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the pool, because its options may hold a password.
        f.debug_struct("SqlxStore").field("table", &self.table.name()).finish_non_exhaustive()
    }
}
