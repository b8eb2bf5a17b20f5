//! Isolation levels, and other settings, that the application has made its default.

use crate::places::{DieselMariaDb, DieselPostgres, Place, SqlxMariaDb, SqlxPostgres, Table};
use crate::race::race;

macro_rules! under {
    ($($name:ident: $($place:ident)* $first:literal,)*) => {$(
        #[test]
        fn $name() {
            $(under::<$place>($first);)*
        }
    )*};
}

under! {
    postgres_serializable: DieselPostgres SqlxPostgres "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    postgres_repeatable_read: DieselPostgres SqlxPostgres "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    mariadb_serializable: DieselMariaDb SqlxMariaDb "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    mariadb_read_committed: DieselMariaDb SqlxMariaDb "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    mariadb_read_uncommitted: DieselMariaDb SqlxMariaDb "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    mariadb_snapshot_isolation: DieselMariaDb SqlxMariaDb "SET @older = 1 /*M!101108 , SESSION innodb_snapshot_isolation = 1 */",
    mariadb_without_autocommit: DieselMariaDb SqlxMariaDb "SET SESSION autocommit = 0",
}

fn under<P: Place>(first: &str) {
    let Some(table) = Table::<P>::open() else { return };
    race(2, || table.store_with(first));
}

/// The level in which the whole server is, and so every transaction that does not ask for another.
#[test]
fn by_the_url() {
    for level in ["serializable", "repeatable%20read"] {
        let Some(table) = Table::<DieselPostgres>::open() else { return };
        let level = level.replace("%20", "%5C%20");
        let url = format!("{}?options=-c%20default_transaction_isolation%3D{level}", table.url);
        race(2, || DieselPostgres::connect(&url, ""));
        table.execute("TRUNCATE encrypted_field_keys");
        race(2, || SqlxPostgres::connect(&url, ""));
    }
}
