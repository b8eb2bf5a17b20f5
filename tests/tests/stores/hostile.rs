//! Rows that this library did not write, and connections that fail.

use diesel::Connection as _;
use encrypted_field::envelope::sql::{Dialect, DieselStore, SqlxStore};
use encrypted_field::envelope::{BackendErrorKind, KeyStore};
use sqlx::pool::PoolOptions;

use crate::each;
use crate::places::{Place, Table};
use crate::support::{record, refused, run};

each! { rows_out_of_range, rows_of_other_types }

fn rows_out_of_range<P: Place>() {
    let text = if P::DIALECT == Dialect::MySql { "MEDIUMTEXT" } else { "TEXT" };
    for values in ["-1, 1, '{}'", "4294967296, 1, '{}'", "1, -1, '{}'", "0, -9223372036854775808, '{}'"] {
        let Some(table) = Table::<P>::without_table() else { return };
        table.execute(&format!(
            "CREATE TABLE encrypted_field_keys (id BIGINT PRIMARY KEY, revision BIGINT, record {text})"
        ));
        table.execute(&format!("INSERT INTO encrypted_field_keys VALUES ({values})"));
        table.execute("INSERT INTO encrypted_field_keys VALUES (7, 1, '{}')");
        run(async {
            let store = table.store();
            let loaded = store.load(0).await;
            // What is no revision is above none, and is not loaded but in the head.
            if values.starts_with("1, -1") {
                assert_eq!(loaded.unwrap().len(), 1);
            } else {
                refused(loaded, BackendErrorKind::Garbled);
            }
        });
    }
}

fn rows_of_other_types<P: Place>() {
    // A database with types has this of the whole column, SQLite of one value.
    let (columns, values, kind) = match P::DIALECT {
        Dialect::Postgres => ("record BYTEA", r"'\xff'", BackendErrorKind::Misconfigured),
        Dialect::MySql => ("record MEDIUMTEXT", "NULL", BackendErrorKind::Misconfigured),
        _ => ("record", "x'ff00fe'", BackendErrorKind::Garbled),
    };
    let Some(table) = Table::<P>::without_table() else { return };
    table.execute(&format!(
        "CREATE TABLE encrypted_field_keys (id BIGINT PRIMARY KEY, revision BIGINT, {columns})"
    ));
    table.execute(&format!("INSERT INTO encrypted_field_keys VALUES (0, 1, {values})"));
    run(async {
        refused(table.store().load(0).await, kind);
    });
}

/// What a change must be, and isn't.
#[test]
fn a_change_that_is_none() {
    let Some(table) = Table::<crate::places::SqlxSqlite>::open() else { return };
    run(async {
        let store = table.store();
        let beyond = u64::MAX;
        for changed in [
            vec![],
            vec![record(1, 1, "no head")],
            vec![record(0, 1, "head"), record(0, 1, "head")],
            vec![record(0, beyond, "head")],
            vec![record(0, 1, "head"), record(1, beyond, "one")],
        ] {
            refused(store.compare_and_swap(0, &changed).await, BackendErrorKind::Misconfigured);
        }
        assert_eq!(store.load(beyond).await.unwrap(), []);
    });
}

/// The password of the URL is in no error.
#[test]
fn no_server() {
    // A port that was just free.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let password = tests::secrets::SIGNING_SECRET;
    let url = |scheme: &str| format!("{scheme}://app:{password}@127.0.0.1:{port}/app");
    run(async {
        let postgres = url("postgres");
        unavailable(&DieselStore::new(move || diesel::pg::PgConnection::establish(&postgres))).await;
        let mysql = url("mysql");
        unavailable(&DieselStore::new(move || diesel::MysqlConnection::establish(&mysql))).await;
        let patience = std::time::Duration::from_millis(50);
        let options = PoolOptions::<sqlx::Postgres>::new().acquire_timeout(patience);
        unavailable(&SqlxStore::new(options.connect_lazy(&url("postgres")).unwrap())).await;
        let options = PoolOptions::<sqlx::MySql>::new().acquire_timeout(patience);
        unavailable(&SqlxStore::new(options.connect_lazy(&url("mysql")).unwrap())).await;
    });
}

async fn unavailable(store: &(impl KeyStore + std::fmt::Debug)) {
    refused(store.load(0).await, BackendErrorKind::Unavailable);
    refused(store.compare_and_swap(0, &[record(0, 1, "head")]).await, BackendErrorKind::Unavailable);
    tests::assert_redacted(&format!("{store:?} {}", store.describe()));
}
