//! MariaDB, through Diesel's MySQL backend.

use tests::Database;

use crate::keys;
use crate::schema::{self, SqlTypes};

pub type Connection = diesel::MysqlConnection;
pub type Backend = diesel::mysql::Mysql;

/// `TEXT` and `BLOB` end at 64 KiB there.
pub const SQL_TYPES: SqlTypes = SqlTypes { text: "LONGTEXT", binary: "LONGBLOB" };

/// In strict mode, the default; see `truncation` for the other.
pub const ENFORCES_WIDTH: bool = true;

/// A placeholder in SQL written by hand.
pub fn parameter(_: usize) -> String {
    "?".to_owned()
}

/// Runs a test in a database of its own, under [`keys::first`].
pub fn run(test: impl FnOnce(&mut Connection)) {
    let Some(database) = Database::mariadb() else { return };
    let mut connection = schema::open::<Connection>(&database, &SQL_TYPES);
    let _held = keys::first().hold();
    test(&mut connection);
}

/// Whether a value of `len` bytes can be sent.
pub fn takes_packets_of(db: &mut Connection, len: usize) -> bool {
    use diesel::RunQueryDsl as _;

    let limit: i64 =
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>("@@max_allowed_packet"))
            .get_result(db)
            .expect("ask for the limit");
    usize::try_from(limit).is_ok_and(|limit| limit >= len)
}
