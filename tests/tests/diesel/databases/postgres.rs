//! PostgreSQL.

use tests::Database;

use crate::keys;
use crate::schema::{self, SqlTypes};

pub type Connection = diesel::PgConnection;
pub type Backend = diesel::pg::Pg;

pub const SQL_TYPES: SqlTypes = SqlTypes { text: "TEXT", binary: "BYTEA" };

pub const ENFORCES_WIDTH: bool = true;

/// A placeholder in SQL written by hand.
pub fn parameter(number: usize) -> String {
    format!("${number}")
}

/// Runs a test in a database of its own, under [`keys::first`].
pub fn run(test: impl FnOnce(&mut Connection)) {
    let Some(database) = Database::postgres() else { return };
    let mut connection = schema::open::<Connection>(&database, &SQL_TYPES);
    let _held = keys::first().hold();
    test(&mut connection);
}

/// There is no such limit.
pub fn takes_packets_of(_: &mut Connection, _len: usize) -> bool {
    true
}
