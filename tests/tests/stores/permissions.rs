//! Users who may not do everything.

use encrypted_field::envelope::{BackendErrorKind, KeyStore as _};

use crate::places::{
    DieselMariaDb, DieselPostgres, DieselSqlite, Place, SqlxMariaDb, SqlxPostgres, SqlxSqlite, Table,
};
use crate::support::{all, record, refused, run, swap};

#[test]
fn postgres() {
    // Roles that each server has: one that reads all tables, and one that has nothing to do with tables.
    for (may_read, first) in [
        (true, "SET ROLE pg_read_all_data"),
        (false, "SET ROLE pg_signal_backend"),
        (true, "SET default_transaction_read_only = on"),
    ] {
        reads_only::<DieselPostgres>(may_read, |table| table.store_with(first));
        reads_only::<SqlxPostgres>(may_read, |table| table.store_with(first));
    }
}

#[test]
fn mariadb() {
    let first = "SET SESSION TRANSACTION READ ONLY";
    reads_only::<DieselMariaDb>(true, |table| table.store_with(first));
    reads_only::<SqlxMariaDb>(true, |table| table.store_with(first));
}

#[test]
fn a_mariadb_user() {
    a_user::<DieselMariaDb>();
    a_user::<SqlxMariaDb>();
}

fn a_user<P: Place>() {
    for (may_read, privilege) in [(true, "SELECT"), (false, "INSERT")] {
        reads_only::<P>(may_read, |table| {
            let name = table.name();
            let user = format!("u_{}_{may_read}", &name[name.len().saturating_sub(20)..]);
            table.execute(&format!("CREATE USER {user}"));
            table.execute(&format!("GRANT {privilege} ON {name}.encrypted_field_keys TO {user}"));
            let (scheme, server) = table.url.split_once("://").unwrap();
            let (_, server) = server.split_once('@').unwrap();
            P::connect(&format!("{scheme}://{user}@{server}"), "")
        });
    }
}

#[test]
fn sqlite() {
    reads_only::<DieselSqlite>(true, |table| {
        DieselSqlite::connect(&format!("file:{}?mode=ro", table.url), "")
    });
    reads_only::<SqlxSqlite>(true, |table| SqlxSqlite::connect(&format!("{}?mode=ro", table.url), ""));
    reads_only::<DieselSqlite>(true, |table| table.store_with("PRAGMA query_only = 1"));
    reads_only::<SqlxSqlite>(true, |table| table.store_with("PRAGMA query_only = 1"));
}

/// `limited` may read, or not even that.
fn reads_only<P: Place>(may_read: bool, limited: impl FnOnce(&Table<P>) -> P::Store) {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let records = [record(0, 1, "head"), record(1, 1, "one")];
        swap(&table.store(), 0, &records).await;
        let limited = limited(&table);
        if may_read {
            assert_eq!(all(&limited).await, records);
        } else {
            refused(limited.load(0).await, BackendErrorKind::Denied);
        }
        let changed = [record(0, 2, "head"), record(1, 2, "one")];
        refused(limited.compare_and_swap(1, &changed).await, BackendErrorKind::Denied);
        assert_eq!(all(&table.store()).await, records);
    });
}
