//! PostgreSQL.

#[path = "suite/array.rs"]
mod array;
#[path = "suite/copy.rs"]
mod copy;
#[path = "suite/returning.rs"]
mod returning;
#[path = "suite/mod.rs"]
mod suite;
#[path = "suite/upsert.rs"]
mod upsert;

use tests::Database;

use crate::keys;
use crate::schema::{self, SqlTypes};

pub(crate) type Connection = diesel::PgConnection;
pub(crate) type Backend = diesel::pg::Pg;

pub(crate) const SQL_TYPES: SqlTypes = SqlTypes { text: "TEXT", binary: "BYTEA" };

const ENFORCES_WIDTH: bool = true;

/// A placeholder in SQL written by hand.
fn parameter(number: usize) -> String {
    format!("${number}")
}

/// Runs a test in a database of its own, under [`keys::first`].
fn run(test: impl FnOnce(&mut Connection)) {
    let Some(database) = Database::postgres() else { return };
    let mut connection = schema::open::<Connection>(&database, &SQL_TYPES);
    let _held = keys::first().hold();
    test(&mut connection);
}

/// There is no such limit.
fn takes_packets_of(_: &mut Connection, _len: usize) -> bool {
    true
}
