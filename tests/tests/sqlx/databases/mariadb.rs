//! MariaDB.

use sqlx::{AssertSqlSafe, MySql};

pub type Db = MySql;

/// A column for stored values in text form. `TEXT` ends at 64 KiB.
pub const TEXT: &str = "LONGTEXT";
/// A column for stored values in binary form.
pub const BYTES: &str = "LONGBLOB";
/// What users declare for stored values in text form.
pub const TEXT_COLUMNS: &[&str] = &[
    "TEXT",
    "MEDIUMTEXT",
    "LONGTEXT",
    "VARCHAR(200)",
    "VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin",
    "TEXT CHARACTER SET ascii COLLATE ascii_bin",
    "TEXT COLLATE utf8mb4_bin",
    "TEXT CHARACTER SET latin1",
    "TEXT CHECK (value LIKE 'ef1:%')",
];
/// What users declare for stored values in binary form.
pub const BYTES_COLUMNS: &[&str] = &["BLOB", "MEDIUMBLOB", "LONGBLOB", "VARBINARY(200)"];

/// Whether SQLx reads a text column into a Rust type of bytes.
pub const READS_TEXT_AS_BYTES: bool = true;
/// A function of a text that gives its bytes.
pub const TEXT_TO_BYTES: &str = "CAST($1 AS BINARY)";
/// What FORMAT.md calls it before a query.
pub const NAME_IN_DOCUMENTS: &str = "MySQL, MariaDB";
/// A query for a number in a text type, as a field in text storage reads it.
pub const NUMBER_AS_TEXT: &str = "SELECT CAST(pin AS CHAR) FROM pins";
/// Whether `UPDATE … RETURNING` exists.
pub const UPDATE_RETURNING: bool = false;
/// A query for the bytes that a statement and its arguments may have, where the server sets a
/// limit.
pub const LARGEST_STATEMENT: Option<&str> = Some("SELECT CAST(@@max_allowed_packet AS SIGNED)");

pub type TestDatabase = super::TestDatabase<Db>;

/// A new database, or `None` without a server.
pub fn open() -> Option<TestDatabase> {
    let database = tests::Database::mariadb()?;
    Some(TestDatabase::new(database.url(), database))
}

/// A statement, written with `$1` and `"name"`. Parameters must stand in their order.
pub fn sql(statement: &str) -> AssertSqlSafe<String> {
    let mut pieces = statement.split('$');
    let mut translated = pieces.next().unwrap_or_default().replace('"', "`");
    for piece in pieces {
        translated.push('?');
        translated
            .push_str(&piece.trim_start_matches(|c: char| c.is_ascii_digit()).replace('"', "`"));
    }
    AssertSqlSafe(translated)
}
