//! The table through Diesel.

mod backend;
mod failure;
#[cfg(feature = "diesel-mysql")]
mod mysql;
#[cfg(feature = "diesel-postgres")]
mod postgres;
#[cfg(any(feature = "diesel-mysql", feature = "diesel-postgres", feature = "diesel-sqlite"))]
mod query;
#[cfg(feature = "diesel-sqlite")]
mod sqlite;

use std::fmt;
use std::sync::Arc;

pub use backend::DieselBackend;
use backend::transaction;
use diesel::Connection;
use diesel::result::{DatabaseErrorKind, Error, QueryResult};

use super::Dialect;
use super::load::load;
use super::statement::loaded;
use super::swap::Swap;
use super::table::Table;
use crate::envelope::runtime::Lanes;
use crate::envelope::{BackendError, BackendErrorKind, KeyStore, Loaded, Query, Record};
use crate::error::Result;

type Connect<C> = Arc<dyn Fn() -> Option<C> + Send + Sync>;

/// A key store in a table, over Diesel connections to PostgreSQL, MySQL, MariaDB or SQLite.
///
/// Needs the feature `diesel-postgres`, `diesel-mysql` or `diesel-sqlite`. [The module](super) says
/// how to make the table.
///
/// ```
/// # #[cfg(feature = "diesel-sqlite")]
/// # {
/// use diesel::{Connection, SqliteConnection};
/// use encrypted_field::envelope::sql::DieselStore;
///
/// let store = DieselStore::new(|| SqliteConnection::establish("app.db"));
/// // Or from a pool: `DieselStore::new(move || pool.get())`.
/// # }
/// ```
///
/// Diesel's calls block. With the feature `tokio` and a runtime they run on its threads for
/// blocking calls, at most 16 at once. A call that hangs is given up after
/// [`call_timeout`](crate::envelope::CachePolicy::call_timeout). It holds its thread and its
/// connection until it ends. Without that feature they run on the thread that asks, and take as
/// long as the database lets them. In both cases set timeouts in the URL, the pool, or in the
/// connection (`statement_timeout`, `max_statement_time`, `PRAGMA busy_timeout`).
pub struct DieselStore<C> {
    connect: Connect<C>,
    table: Table,
    lanes: Lanes,
}

/// Calls at once. A database that hangs must not take all threads.
const MOST_CALLS: usize = 16;

impl<C: Connection + 'static> DieselStore<C> {
    /// Over connections that `connect` makes or takes from a pool, one for each call, dropped after
    /// it. They must not be in a transaction.
    ///
    /// The error of `connect` is not passed on, because it may name the URL with its password. The
    /// error of the store says only that there is no connection. Log the error in `connect` if that
    /// is safe.
    pub fn new<E>(connect: impl Fn() -> Result<C, E> + Send + Sync + 'static) -> Self {
        let connect = Arc::new(move || connect().ok());
        Self { connect, table: Table::default(), lanes: Lanes::new(MOST_CALLS) }
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
}

impl<C: Connection + 'static> DieselStore<C>
where
    C::Backend: DieselBackend<C>,
{
    const DIALECT: Dialect = <C::Backend as DieselBackend<C>>::DIALECT;

    /// Runs `call` in a transaction of a connection, after the statement `first`, on a thread that
    /// may block. `None` if it asked for a rollback, by [`Error::RollbackTransaction`].
    async fn in_transaction<T: Send + 'static>(
        &self,
        first: &'static str,
        call: impl FnOnce(&mut C) -> Result<T, diesel::result::Error> + Send + 'static,
    ) -> Result<Option<T>, BackendError> {
        let (connect, table) = (Arc::clone(&self.connect), self.table.clone());
        let run = move || {
            let mut connection = connect().ok_or_else(|| {
                let detail = "`connect` of the store gave no connection; what it failed with is left out, for it may name a password";
                BackendError::new(BackendErrorKind::Unavailable, detail)
            })?;
            match transaction(&mut connection, first, call) {
                Ok(result) => Ok(Some(result)),
                Err(Error::RollbackTransaction) => Ok(None),
                Err(e) => Err(failure::refuse(&mut connection, &table, &e)),
            }
        };
        self.lanes.on_runtime(run).await
    }
}

impl<C: Connection + 'static> KeyStore for DieselStore<C>
where
    C::Backend: DieselBackend<C>,
{
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        let statements = load(Self::DIALECT, &self.table, query);
        let rows = self.in_transaction(C::Backend::FIRST_OF_LOAD, move |connection| {
            let rows =
                statements.into_iter().map(|statement| C::Backend::load(connection, statement));
            rows.collect::<QueryResult<Vec<_>>>()
        });
        loaded(rows.await?.into_iter().flatten().flatten())
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        let swap = Swap::new(Self::DIALECT, &self.table, expected, changed)?;
        let swapped = self.in_transaction(C::Backend::FIRST_OF_CHANGE, move |connection| {
            match C::Backend::execute(connection, swap.head) {
                Ok(1) => {}
                Ok(_) | Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
                    return Err(Error::RollbackTransaction);
                }
                Err(e) => return Err(e),
            }
            for statement in swap.rest {
                C::Backend::execute(connection, statement)?;
            }
            Ok(())
        });
        Ok(swapped.await?.is_some())
    }

    fn describe(&self) -> String {
        format!("table {} ({})", self.table.name(), Self::DIALECT.name())
    }
}

impl<C> fmt::Debug for DieselStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselStore").field("table", &self.table.name()).finish_non_exhaustive()
    }
}
