//! Users who may not do everything.

use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Query};

use crate::places::{
    DieselMariaDb, DieselPostgres, DieselSqlite, Place, SqlxMariaDb, SqlxPostgres, SqlxSqlite,
    Table,
};
use crate::support::{all, record, refused, run, swap};

#[test]
fn postgres() {
    // Roles that each server has: one that reads all tables, and one that has nothing to do with
    // tables.
    for (may_read, first) in [
        (true, "SET ROLE pg_read_all_data"),
        (false, "SET ROLE pg_signal_backend"),
        (true, "SET default_transaction_read_only = on"),
    ] {
        on_connect::<DieselPostgres>(may_read, first);
        on_connect::<SqlxPostgres>(may_read, first);
    }
}

#[test]
fn mariadb() {
    let first = "SET SESSION TRANSACTION READ ONLY";
    on_connect::<DieselMariaDb>(true, first);
    on_connect::<SqlxMariaDb>(true, first);
}

#[test]
fn a_mariadb_user() {
    for (may_read, privilege) in [(true, "SELECT"), (false, "INSERT")] {
        a_user_with::<DieselMariaDb>(may_read, privilege);
        a_user_with::<SqlxMariaDb>(may_read, privilege);
    }
}

fn a_user_with<P: Place>(may_read: bool, privilege: &str) {
    let Some(table) = Table::<P>::open() else { return };
    let name = table.name();
    // At most 80 characters; of the server, not of the database, and so to be dropped.
    let user = format!("u_{name}");
    table.execute(&format!("CREATE USER {user}"));
    table.execute(&format!("GRANT {privilege} ON {name}.encrypted_field_keys TO {user}"));
    let (scheme, server) = table.url.split_once("://").unwrap();
    let (_, server) = server.split_once('@').unwrap();
    reads_only(&table, may_read, || P::connect(&format!("{scheme}://{user}@{server}"), ""));
    table.execute(&format!("DROP USER {user}"));
}

#[test]
fn sqlite() {
    let table = Table::<DieselSqlite>::open().unwrap();
    reads_only(&table, true, || DieselSqlite::connect(&format!("file:{}?mode=ro", table.url), ""));
    let table = Table::<SqlxSqlite>::open().unwrap();
    reads_only(&table, true, || SqlxSqlite::connect(&format!("{}?mode=ro", table.url), ""));
    on_connect::<DieselSqlite>(true, "PRAGMA query_only = 1");
    on_connect::<SqlxSqlite>(true, "PRAGMA query_only = 1");
}

/// Connections that `first` limits.
fn on_connect<P: Place>(may_read: bool, first: &str) {
    let Some(table) = Table::<P>::open() else { return };
    reads_only(&table, may_read, || table.store_with(first));
}

/// `limited` may read, or not even that.
fn reads_only<P: Place>(table: &Table<P>, may_read: bool, limited: impl FnOnce() -> P::Store) {
    run(async {
        let records = [record("head", 1, "head"), record("process/1", 1, "one")];
        swap(&table.store(), 0, &records).await;
        let limited = limited();
        if may_read {
            assert_eq!(all(&limited).await, records);
        } else {
            refused(limited.load(&Query::all()).await, BackendErrorKind::Denied);
        }
        let changed = [record("head", 2, "head"), record("process/1", 2, "one")];
        refused(limited.compare_and_swap(1, &changed).await, BackendErrorKind::Denied);
        assert_eq!(all(&table.store()).await, records);
    });
}
