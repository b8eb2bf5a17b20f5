//! SQLite, in a file, so that a test can open several connections.

use sqlx::{AssertSqlSafe, Sqlite};

pub type Db = Sqlite;

/// A column for stored values in text form.
pub const TEXT: &str = "TEXT";
/// A column for stored values in binary form.
pub const BYTES: &str = "BLOB";
/// What users declare for stored values in text form.
pub const TEXT_COLUMNS: &[&str] =
    &["TEXT", "VARCHAR(200)", "CLOB", "TEXT CHECK (value LIKE 'ef1:%')", ""];
/// What users declare for stored values in binary form.
pub const BYTES_COLUMNS: &[&str] = &["BLOB", "VARBINARY(200)", ""];

/// Whether SQLx reads a text column into a Rust type of bytes.
pub const READS_TEXT_AS_BYTES: bool = true;
/// A function of a text that gives its bytes.
pub const TEXT_TO_BYTES: &str = "CAST($1 AS BLOB)";
/// What FORMAT.md calls it before a query.
pub const NAME_IN_DOCUMENTS: &str = "SQLite";
/// A query for a number in a text type, as a field in text storage reads it.
pub const NUMBER_AS_TEXT: &str = "SELECT pin FROM pins";
/// Whether `UPDATE … RETURNING` exists.
pub const UPDATE_RETURNING: bool = true;
/// A query for the bytes that a statement and its arguments may have, where the server sets a
/// limit.
pub const LARGEST_STATEMENT: Option<&str> = None;

pub type TestDatabase = super::TestDatabase<Db>;

/// A new database.
#[expect(clippy::unnecessary_wraps, reason = "the other databases may be missing")]
pub fn open() -> Option<TestDatabase> {
    tests::logging::to_test_output();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
    Some(TestDatabase::new(url, folder))
}

/// A statement, written with `$1` and `"name"`.
pub fn sql(statement: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(statement.to_owned())
}
