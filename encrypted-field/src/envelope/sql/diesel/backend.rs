//! What the store asks of a Diesel backend.

use diesel::Connection;
use diesel::result::QueryResult;

use crate::envelope::BackendErrorKind;
use crate::envelope::sql::Dialect;
use crate::envelope::sql::statement::{Row, Statement};

/// A Diesel backend whose connections `C` a [`DieselStore`](super::DieselStore) can use: `Pg`,
/// `Mysql` and `Sqlite`, each with its feature. It can't be implemented elsewhere.
#[diagnostic::on_unimplemented(
    message = "a `DieselStore` can't use connections of `{Self}`",
    note = "enable the feature `diesel-postgres`, `diesel-mysql` or `diesel-sqlite` of encrypted-field"
)]
pub trait DieselBackend<C: Connection<Backend = Self>>: Sealed + diesel::backend::Backend {
    #[doc(hidden)]
    const DIALECT: Dialect;
    /// A statement ahead of each transaction.
    #[doc(hidden)]
    const BEFORE: &str = "";
    /// The first statement of each load: from then on it sees one moment.
    #[doc(hidden)]
    const FIRST_OF_LOAD: &str = "";
    /// The first statement of each change.
    #[doc(hidden)]
    const FIRST_OF_CHANGE: &str = "";

    #[doc(hidden)]
    fn execute(connection: &mut C, statement: Statement) -> QueryResult<usize>;

    #[doc(hidden)]
    fn load(connection: &mut C, statement: Statement) -> QueryResult<Vec<Row>>;

    /// The meaning of an error for which Diesel has no kind. `connection` is the one it came from,
    /// out of its transaction.
    #[doc(hidden)]
    fn kind(connection: &mut C, table: &str, message: &str) -> BackendErrorKind;
}

pub trait Sealed {}

/// Runs `call` in a transaction that begins with the statement `first`.
pub(super) fn transaction<C: Connection, T>(
    connection: &mut C,
    first: &str,
    call: impl FnOnce(&mut C) -> QueryResult<T>,
) -> QueryResult<T>
where
    C::Backend: DieselBackend<C>,
{
    execute_fixed(connection, C::Backend::BEFORE)?;
    connection.transaction(|connection| {
        execute_fixed(connection, first)?;
        call(connection)
    })
}

fn execute_fixed<C: Connection>(connection: &mut C, sql: &str) -> QueryResult<()> {
    if sql.is_empty() { Ok(()) } else { connection.batch_execute(sql) }
}
