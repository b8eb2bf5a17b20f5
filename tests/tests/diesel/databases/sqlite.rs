//! SQLite, in memory.

use crate::keys;
use crate::schema::{self, SqlTypes};

pub type Connection = diesel::SqliteConnection;
pub type Backend = diesel::sqlite::Sqlite;

pub const SQL_TYPES: SqlTypes = SqlTypes { text: "TEXT", binary: "BLOB" };

/// SQLite takes a `VARCHAR(20)` for a name without a meaning.
pub const ENFORCES_WIDTH: bool = false;

/// A placeholder in SQL written by hand.
pub fn parameter(_: usize) -> String {
    "?".to_owned()
}

/// Runs a test in a database of its own, under [`keys::first`].
pub fn run(test: impl FnOnce(&mut Connection)) {
    use diesel::Connection as _;

    let mut connection = Connection::establish(":memory:").expect("open a database in memory");
    schema::create(&mut connection, &SQL_TYPES);
    let _held = keys::first().hold();
    test(&mut connection);
}

/// There is no such limit.
pub fn takes_packets_of(_: &mut Connection, _len: usize) -> bool {
    true
}
