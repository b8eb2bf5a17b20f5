//! A table that is not there, or another than the migration makes.

use encrypted_field::envelope::sql::Dialect;
use encrypted_field::envelope::{BackendErrorKind, KeyStore as _};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, swap};

each! { up_and_down, other_columns, the_migration_refuses_what_is_no_record }

fn up_and_down<P: Place>() {
    let Some(table) = Table::<P>::without_table() else { return };
    run(async {
        let store = table.store();
        let missing = async || {
            let head = [record(0, 1, "head")];
            for error in [
                refused(store.load(0).await, BackendErrorKind::Misconfigured),
                refused(store.compare_and_swap(0, &head).await, BackendErrorKind::Misconfigured),
                refused(store.compare_and_swap(1, &head).await, BackendErrorKind::Misconfigured),
            ] {
                let message = error.to_string();
                assert!(
                    message.contains("migrations/key_store/") && message.contains("/up.sql"),
                    "{message}"
                );
            }
        };
        missing().await;
        table.execute(P::DIALECT.up());
        swap(&store, 0, &[record(0, 1, "head"), record(1, 1, "one")]).await;
        table.execute(P::DIALECT.down());
        missing().await;
        table.execute(P::DIALECT.up());
        assert_eq!(all(&store).await, []);
    });
}

/// The folder of the migration is what errors and docs say it is.
#[test]
fn the_files_of_the_migrations() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../encrypted-field/migrations/key_store");
    for (dialect, name) in
        [(Dialect::Postgres, "postgres"), (Dialect::MySql, "mysql"), (Dialect::Sqlite, "sqlite")]
    {
        let read = |file: &str| std::fs::read_to_string(format!("{folder}/{name}/{file}.sql")).unwrap();
        assert_eq!((dialect.up(), dialect.down()), (&*read("up"), &*read("down")));
    }
}

fn other_columns<P: Place>() {
    for columns in ["id BIGINT, revision BIGINT, body TEXT", "id BIGINT, record TEXT", "revision BIGINT"] {
        let Some(table) = Table::<P>::without_table() else { return };
        table.execute(&format!("CREATE TABLE encrypted_field_keys ({columns})"));
        run(async {
            let store = table.store();
            refused(store.load(0).await, BackendErrorKind::Misconfigured);
            let head = [record(0, 1, "head")];
            refused(store.compare_and_swap(0, &head).await, BackendErrorKind::Misconfigured);
            refused(store.compare_and_swap(1, &head).await, BackendErrorKind::Misconfigured);
        });
    }
}

fn the_migration_refuses_what_is_no_record<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    for values in ["-1, 1, '{}'", "4294967296, 1, '{}'", "1, 0, '{}'", "1, NULL, '{}'", "1, 1, NULL"] {
        let insert = format!("INSERT INTO encrypted_field_keys (id, revision, record) VALUES ({values})");
        assert!(table.try_execute(&insert).is_err(), "{values}");
    }
    run(async { assert_eq!(all(&table.store()).await, []) });
}
