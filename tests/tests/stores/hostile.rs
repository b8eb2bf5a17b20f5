//! Rows that this library did not write, and connections that fail.

use diesel::Connection as _;
use encrypted_field::envelope::sql::{Dialect, DieselStore, SqlxStore};
use encrypted_field::envelope::{BackendErrorKind, KeyStore, Loaded, Query, Record};
use sqlx::pool::PoolOptions;

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, swap};

each! { rows_that_are_no_records, rows_of_other_types, names_that_are_sql }

/// Of a table without the checks of the migration.
fn rows_that_are_no_records<P: Place>() {
    let text = if P::DIALECT == Dialect::MySql { "MEDIUMTEXT" } else { "TEXT" };
    let too_long = match P::DIALECT {
        Dialect::Sqlite => "'process', 1, hex(zeroblob(524289))",
        _ => "'process', 1, repeat('x', 1048577)",
    };
    let name_too_long = format!("'{}', 1, '{{}}'", "a".repeat(101));
    for values in [
        "'', 1, '{}'",
        "'Process', 1, '{}'",
        "'process ', 1, '{}'",
        "'process/ä', 1, '{}'",
        "'process', -1, '{}'",
        &name_too_long,
        too_long,
    ] {
        let Some(table) = Table::<P>::without_table() else { return };
        table.execute(&format!(
            "CREATE TABLE encrypted_field_keys (name VARCHAR(150) PRIMARY KEY, revision BIGINT, record {text})"
        ));
        table.execute(&format!("INSERT INTO encrypted_field_keys VALUES ({values})"));
        table.execute("INSERT INTO encrypted_field_keys VALUES ('head', 7, '{}')");
        run(async {
            let store = table.store();
            let error = refused(store.load(&Query::all()).await, BackendErrorKind::Garbled);
            assert!(error.to_string().contains("restore it from a backup"), "{error}");
            // Whoever wants other records is not troubled.
            let tree = Query::head().names(["tree".to_owned()]).prefix("tree/").after(1);
            assert_eq!(store.load(&tree).await.unwrap().records.len(), 1);
            table.execute(
                "UPDATE encrypted_field_keys SET revision = -9223372036854775808 WHERE name = 'head'",
            );
            refused(store.load(&tree).await, BackendErrorKind::Garbled);
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
        "CREATE TABLE encrypted_field_keys (name VARCHAR(100) PRIMARY KEY, revision BIGINT, {columns})"
    ));
    table.execute(&format!("INSERT INTO encrypted_field_keys VALUES ('head', 1, {values})"));
    run(async {
        refused(table.store().load(&Query::all()).await, kind);
    });
}

fn names_that_are_sql<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    let hostile = [
        "' OR 1=1 -- ",
        "process') OR ('1'='1",
        "'; DROP TABLE encrypted_field_keys; --",
        "\\",
        "%",
        "proces_",
        "Process",
        "process\0",
        "process ",
        "ä",
    ];
    run(async {
        let store = table.store();
        let stored = [record("head", 1, "head"), record("process", 1, "the node")];
        swap(&store, 0, &stored).await;
        for text in hostile {
            for query in [
                Query::head().names([text.to_owned()]),
                Query::head().prefix(text),
                Query::head().prefix(text).after(1),
            ] {
                assert_eq!(store.load(&query).await.unwrap().records, stored[..1], "{query:?}");
            }
            let changed = [record("head", 2, "head"), record(text, 2, "hostile")];
            refused(store.compare_and_swap(1, &changed).await, BackendErrorKind::Misconfigured);
        }
        assert_eq!(all(&store).await, stored);
    });
}

/// What a change must be, and isn't.
#[test]
fn a_change_that_is_none() {
    let Some(table) = Table::<crate::places::SqlxSqlite>::open() else { return };
    run(async {
        let store = table.store();
        let beyond = u64::MAX;
        let head = || record("head", 1, "head");
        let long = "a".repeat(101);
        for changed in [
            vec![],
            vec![record("process/1", 1, "no head")],
            vec![head(), head()],
            vec![record("head", beyond, "head")],
            vec![head(), record("process/1", beyond, "one")],
            vec![head(), record("", 1, "no name")],
            vec![head(), record("Process", 1, "another letter")],
            vec![head(), record(&long, 1, "a long name")],
            vec![head(), record("process", 1, &"x".repeat(Record::MAX_BODY))],
        ] {
            refused(store.compare_and_swap(0, &changed).await, BackendErrorKind::Misconfigured);
        }
        assert_eq!(store.load(&Query::all().after(beyond)).await.unwrap(), Loaded::default());
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
        unavailable(&DieselStore::new(move || diesel::pg::PgConnection::establish(&postgres)))
            .await;
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
    refused(store.load(&Query::all()).await, BackendErrorKind::Unavailable);
    refused(
        store.compare_and_swap(0, &[record("head", 1, "head")]).await,
        BackendErrorKind::Unavailable,
    );
    tests::assert_redacted(&format!("{store:?} {}", store.describe()));
}
