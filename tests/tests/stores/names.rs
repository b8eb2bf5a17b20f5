//! Tables of other names.

use encrypted_field::envelope::conformance;
use encrypted_field::envelope::sql::Dialect;
use encrypted_field::{Error, ErrorKind};
use tests::refused;

use crate::each;
use crate::places::{Place, Table};
use crate::support::run;

each! { another_table, a_hostile_name }

/// In another schema, and by a name that is a keyword of SQL, in other letters.
fn another_table<P: Place>() {
    let Some(table) = Table::<P>::without_table() else { return };
    let quote = if P::DIALECT == Dialect::MySql { '`' } else { '"' };
    let schema = match P::DIALECT {
        Dialect::Postgres => {
            table.execute("CREATE SCHEMA \"Select\"");
            "Select"
        }
        Dialect::MySql => table.name(),
        _ => "main",
    };
    let make = |name: &str, index: &str| {
        table.execute(
            &P::DIALECT
                .up()
                .replace("encrypted_field_keys_revision", index)
                .replace("encrypted_field_keys", name),
        );
    };
    make(&format!("{quote}Order{quote}"), "first");
    let mut names = vec!["Order".to_owned(), format!("{schema}.Order")];
    if P::DIALECT == Dialect::Postgres {
        make("\"Select\".\"Order\"", "second");
    } else {
        // The same one.
        names.remove(0);
    }
    for name in names {
        run(async { conformance::key_store(&P::table(table.store(), &name).unwrap()).await });
    }
}

fn a_hostile_name<P: Place>() {
    let long = "a".repeat(64);
    let nowhere = match P::DIALECT {
        Dialect::Postgres => "postgres://localhost/a",
        Dialect::MySql => "mysql://localhost/a",
        _ => "a.db",
    };
    run(async {
        for name in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "a b",
            "a;b",
            "a-b",
            "1a",
            "a\"b",
            "a`b",
            "a'b",
            "a\\b",
            "a\nb",
            "a\0b",
            "a--",
            "a/*",
            "ä",
            "ａ",
            "a.1",
            "keys\"; DROP TABLE encrypted_field_keys; --",
            &long,
            &format!("a.{long}"),
        ] {
            let store = P::connect(nowhere, "");
            let error: Error =
                refused(P::table(store, name).map(drop), ErrorKind::KeyStoreUnusable);
            assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        }
        for name in ["a", "_", "a1.B_2", &long[1..]] {
            let store = P::table(P::connect(nowhere, ""), name);
            assert!(store.is_ok(), "{name}");
        }
    });
}
