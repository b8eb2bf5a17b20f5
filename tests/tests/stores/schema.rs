//! A table that is not there, or another than the migration makes.

use encrypted_field::envelope::sql::Dialect;
use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Query};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, swap};

each! { up_and_down, other_columns, the_migration_refuses_what_is_no_record }

fn up_and_down<P: Place>() {
    let Some(table) = Table::<P>::without_table() else { return };
    run(async {
        let store = table.store();
        let missing = async || {
            let head = [record("head", 1, "head")];
            for error in [
                refused(store.load(&Query::all()).await, BackendErrorKind::Misconfigured),
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
        let records = [record("head", 1, "head"), record("process/1", 1, "one")];
        swap(&store, 0, &records).await;
        // Again, as a deployment does that does not remember.
        table.execute(P::DIALECT.up());
        assert_eq!(all(&store).await, records);
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
        let read =
            |file: &str| std::fs::read_to_string(format!("{folder}/{name}/{file}.sql")).unwrap();
        assert_eq!((dialect.up(), dialect.down()), (&*read("up"), &*read("down")));
    }
}

fn other_columns<P: Place>() {
    for columns in [
        "name VARCHAR(100), revision BIGINT, body TEXT",
        "name VARCHAR(100), record TEXT",
        "id BIGINT, revision BIGINT, record TEXT",
        "revision BIGINT",
    ] {
        let Some(table) = Table::<P>::without_table() else { return };
        table.execute(&format!("CREATE TABLE encrypted_field_keys ({columns})"));
        run(async {
            let store = table.store();
            refused(store.load(&Query::all()).await, BackendErrorKind::Misconfigured);
            let head = [record("head", 1, "head")];
            refused(store.compare_and_swap(0, &head).await, BackendErrorKind::Misconfigured);
            refused(store.compare_and_swap(1, &head).await, BackendErrorKind::Misconfigured);
        });
    }
}

fn the_migration_refuses_what_is_no_record<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    let try_insert = |name: &str, revision: &str, record: &str| {
        table.try_execute(&format!(
            "INSERT INTO encrypted_field_keys (name, revision, record) VALUES ({name}, {revision}, {record})"
        ))
    };
    let quoted = |text: &str| format!("'{text}'");
    let mut names: Vec<String> = [
        "", "A", "Head", "a-b", "a b", " a", "a ", "a\n", "\na", "a.b", "a_b", "a%", "ä", "{", "`",
        ":",
    ]
    .map(quoted)
    .into();
    names.push(quoted(&"a".repeat(101)));
    names.push("NULL".to_owned());
    if P::DIALECT == Dialect::Sqlite {
        names.extend(["'a' || char(0)", "char(0) || 'a'", "x'61'"].map(str::to_owned));
    }
    for name in names {
        assert!(try_insert(&name, "1", "'{}'").is_err(), "{name}");
    }
    for revision in ["0", "-1", "NULL", "9223372036854775808"] {
        assert!(try_insert("'a'", revision, "'{}'").is_err(), "{revision}");
    }
    // Bytes, not characters.
    let (fits, too_long, too_long_in_bytes) = match P::DIALECT {
        Dialect::Sqlite => (
            "hex(zeroblob(524288))",
            "hex(zeroblob(524288)) || 'x'",
            "replace(hex(zeroblob(262144)), '0', 'ä') || 'x'",
        ),
        _ => ("repeat('x', 1048576)", "repeat('x', 1048577)", "concat(repeat('ä', 524288), 'x')"),
    };
    for record in ["NULL", too_long, too_long_in_bytes] {
        assert!(try_insert("'a'", "1", record).is_err(), "{record}");
    }
    run(async { assert_eq!(all(&table.store()).await, []) });
    for name in [quoted("a"), quoted("/0az9"), quoted(&"a".repeat(100))] {
        try_insert(&name, "9223372036854775807", fits).unwrap();
    }
    run(async { assert_eq!(all(&table.store()).await.len(), 3) });
}
