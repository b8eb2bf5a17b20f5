//! What the store asks of a SQLx driver.

use futures_util::future::BoxFuture;
use sqlx::error::DatabaseError;

use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

/// A SQLx database that a [`SqlxStore`](super::SqlxStore) can use: `Postgres`, `MySql` and
/// `Sqlite`, each with its feature. It can't be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "a `SqlxStore` can't use a pool of `{Self}`",
    note = "enable the feature `sqlx-postgres`, `sqlx-mysql` or `sqlx-sqlite` of encrypted-field; a pool of `sqlx::Any` can't be used"
)]
pub trait SqlxBackend: Sealed + sqlx::Database {
    #[doc(hidden)]
    const DIALECT: Dialect;
    /// Statements with at most so many parameters stay prepared in the connection's cache.
    ///
    /// None do by default: poolers of connections often can't have that.
    #[doc(hidden)]
    const MOST_PARAMETERS_KEPT: usize = 0;
    /// A statement ahead of each transaction.
    #[doc(hidden)]
    const BEFORE: Option<&'static str> = None;
    /// Begins a load. From then on it sees one moment.
    #[doc(hidden)]
    const BEGIN_LOAD: &'static str;
    /// Begins a change.
    #[doc(hidden)]
    const BEGIN_CHANGE: &'static str;

    /// How many rows it changed.
    #[doc(hidden)]
    fn execute(
        connection: &mut Self::Connection,
        statement: Statement,
    ) -> BoxFuture<'_, sqlx::Result<u64>>;

    #[doc(hidden)]
    fn load(
        connection: &mut Self::Connection,
        statement: Statement,
    ) -> BoxFuture<'_, sqlx::Result<Vec<Row>>>;

    #[doc(hidden)]
    fn kind(error: &dyn DatabaseError) -> BackendErrorKind;
}

pub trait Sealed {}
