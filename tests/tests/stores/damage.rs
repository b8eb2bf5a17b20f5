//! Rows that somebody has removed or changed: the error names the record, and says what to do.

use encrypted_field::ErrorKind;
use encrypted_field::envelope::{KeyManager, KeyStore as _, LocalKek, Query, Record};
use tests::secrets;

use crate::each;
use crate::places::{Place, Table};
use crate::support::run;

each! { rows_that_are_damaged }

fn rows_that_are_damaged<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let manager = || {
            let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
            KeyManager::builder("test", table.store()).kek("local", kek).build().unwrap()
        };
        let keys = manager();
        keys.initialize().await.unwrap();
        keys.provision("acme").await.unwrap();
        let rows = table.store().load(&Query::all()).await.unwrap().records;
        assert_eq!(rows.len(), 5, "the head, two nodes and two scopes");
        // Everything, with what the table may hold beside it.
        let error = async || {
            let keys = manager();
            let read = async {
                keys.load().await?;
                keys.check_consistency().await
            };
            let error = read.await.unwrap_err();
            tests::assert_redacted(&format!("{error} {error:?}"));
            error
        };
        for row in &rows {
            let name = &row.name;
            table.execute(&format!("DELETE FROM encrypted_field_keys WHERE name = '{name}'"));
            let removed = error().await;
            assert_eq!(removed.kind(), ErrorKind::KeyStoreTampered, "{removed}");
            assert!(removed.to_string().contains(&format!("\"{name}\"")), "{removed}");
            assert!(removed.to_string().contains("restore it from a backup"), "{removed}");
            insert(&table, row);
            for change in [
                "record = '{}'".to_owned(),
                "record = ''".to_owned(),
                "record = 'garbage'".to_owned(),
                format!("revision = {}", row.revision + 7),
            ] {
                table.execute(&format!(
                    "UPDATE encrypted_field_keys SET {change} WHERE name = '{name}'"
                ));
                let changed = error().await;
                assert_eq!(
                    changed.kind(),
                    ErrorKind::KeyStoreTampered,
                    "{name}, {change}: {changed}"
                );
                let text = changed.to_string();
                assert!(
                    text.contains(&format!("the record \"{name}\"")),
                    "{name}, {change}: {text}"
                );
                assert!(text.contains("restore it from a backup"), "{name}, {change}: {text}");
                assert!(
                    text.contains("key store (table encrypted_field_keys ("),
                    "{name}, {change}: {text}"
                );
                table.execute(&format!("DELETE FROM encrypted_field_keys WHERE name = '{name}'"));
                insert(&table, row);
            }
        }
        manager().load().await.unwrap();
        table.execute("DELETE FROM encrypted_field_keys");
        let empty = error().await;
        assert_eq!(empty.kind(), ErrorKind::KeyStoreUnusable, "{empty}");
        assert!(
            empty.to_string().contains("if it ever had keys, restore it from a backup"),
            "{empty}"
        );
    });
}

fn insert<P: Place>(table: &Table<P>, row: &Record) {
    assert!(!row.body.contains(['\'', '\\']), "it is quoted as it is");
    table.execute(&format!(
        "INSERT INTO encrypted_field_keys (name, revision, record) VALUES ('{}', {}, '{}')",
        row.name, row.revision, row.body
    ));
}
