//! PostgreSQL.

use sqlx::{AssertSqlSafe, Postgres};

pub type Db = Postgres;

/// A column for stored values in text form.
pub const TEXT: &str = "TEXT";
/// A column for stored values in binary form.
pub const BYTES: &str = "BYTEA";
/// What users declare for stored values in text form.
pub const TEXT_COLUMNS: &[&str] =
    &["TEXT", "VARCHAR(200)", "VARCHAR", "TEXT COLLATE \"C\"", "TEXT CHECK (value LIKE 'ef1:%')"];
/// What users declare for stored values in binary form.
pub const BYTES_COLUMNS: &[&str] = &["BYTEA", "BYTEA CHECK (substr(value, 1, 3) = '\\xEF6631')"];

/// Whether SQLx reads a text column into a Rust type of bytes.
pub const READS_TEXT_AS_BYTES: bool = false;
/// A function of a text that gives its bytes.
pub const TEXT_TO_BYTES: &str = "convert_to($1, 'UTF8')";
/// What FORMAT.md calls it before a query.
pub const NAME_IN_DOCUMENTS: &str = "PostgreSQL";
/// A query for a number in a text type, as a field in text storage reads it.
pub const NUMBER_AS_TEXT: &str = "SELECT CAST(pin AS TEXT) FROM pins";
/// Whether `UPDATE … RETURNING` exists.
pub const UPDATE_RETURNING: bool = true;
/// A query for the bytes that a statement and its arguments may have, where the server sets a
/// limit.
pub const LARGEST_STATEMENT: Option<&str> = None;

pub type TestDatabase = super::TestDatabase<Db>;

/// A new database, or `None` without a server.
pub fn open() -> Option<TestDatabase> {
    let database = tests::Database::postgres()?;
    Some(TestDatabase::new(database.url(), database))
}

/// A statement, written with `$1` and `"name"`.
pub fn sql(statement: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(statement.to_owned())
}
