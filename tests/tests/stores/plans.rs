//! A table with many records: what is asked for is found by an index.

use encrypted_field::envelope::Query;
use encrypted_field::envelope::sql::Dialect;
use sha2::{Digest as _, Sha256};

use crate::explain::{Access, Explain, Index};
use crate::places::{DieselMariaDb, DieselPostgres, DieselSqlite, Table};

macro_rules! each {
    ($($name:ident $place:ident,)*) => {$(
        mod $name {
            #[test]
            fn with_20_000_records() {
                super::uses_indexes::<super::$place>(20_000, 300);
            }

            #[test]
            #[ignore = "takes half a minute"]
            fn with_200_000_records() {
                super::uses_indexes::<super::$place>(200_000, 2_000);
            }
        }
    )*};
}

each! {
    postgres DieselPostgres,
    mariadb DieselMariaDb,
    sqlite DieselSqlite,
}

/// The record of this number has this revision, from 1.
fn name(number: u64) -> String {
    format!("demand/{}", hex::encode(Sha256::digest(number.to_string())))
}

fn names(count: u64) -> Query {
    Query::head().names((1..=count).map(name))
}

/// With bodies of some `bytes`.
fn filled<P: Explain>(records: u64, bytes: usize) -> Option<Table<P>> {
    let table = Table::<P>::open()?;
    let table_of_numbers = match P::DIALECT {
        // A body that PostgreSQL can't compress.
        Dialect::Postgres => format!(
            "SELECT 'demand/' || encode(sha256(number::text::bytea), 'hex'), number,
                (SELECT string_agg(encode(sha256((number * 1000 + part)::text::bytea), 'hex'), '')
                 FROM generate_series(0, {}) AS part)
             FROM generate_series(1, {records}) AS number",
            bytes / 64
        ),
        Dialect::MySql => format!(
            "SELECT concat('demand/', sha2(seq, 256)), seq, repeat('x', {bytes}) FROM seq_1_to_{records}"
        ),
        // It has no hash function.
        _ => {
            table.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, name TEXT)");
            let numbers: Vec<_> =
                (1..=records).map(|number| format!("({number}, '{}')", name(number))).collect();
            for numbers in numbers.chunks(10_000) {
                table.execute(&format!("INSERT INTO numbers VALUES {}", numbers.join(", ")));
            }
            format!("SELECT name, number, hex(zeroblob({})) FROM numbers", bytes / 2)
        }
    };
    table.execute(&format!(
        "INSERT INTO encrypted_field_keys (name, revision, record) {table_of_numbers}"
    ));
    table.execute(&format!(
        "INSERT INTO encrypted_field_keys (name, revision, record) VALUES ('head', {records}, '{{}}')"
    ));
    Some(table)
}

fn uses_indexes<P: Explain>(records: u64, bytes: usize) {
    let Some(table) = filled::<P>(records, bytes) else { return };
    let analyze = match P::DIALECT {
        Dialect::MySql => "ANALYZE TABLE encrypted_field_keys",
        _ => "ANALYZE encrypted_field_keys",
    };
    // Databases that know nothing about the table yet, and those that do.
    looks_up::<P>(&table, records, false);
    table.execute(analyze);
    looks_up::<P>(&table, records, true);
}

fn looks_up<P: Explain>(table: &Table<P>, records: u64, analyzed: bool) {
    // MySQL's planner looks into both indexes, and takes the shorter one.
    let either = P::DIALECT == Dialect::MySql;
    let by_names = |query: &Query, most: u64| {
        for access in accesses(table, query) {
            assert!(
                access.index == Index::Names || either && access.index == Index::Revisions,
                "{access:?}"
            );
            if analyzed && let Some(rows) = access.rows {
                assert!(rows <= most as f64, "{rows} rows of {most}");
            }
        }
    };
    let (share, last) = (records / 256, records - 5);
    by_names(&Query::head(), 1);
    for count in [6, records / 60] {
        by_names(&names(count), count);
        by_names(&names(count).after(1), count);
        by_names(&names(count).after(last), count);
    }
    by_names(&Query::head().prefix("demand/3f"), 2 * share);
    by_names(&names(6).prefix("demand/3f").prefix("demand/a0").prefix("tree"), 2 * share);

    // What is new beneath a prefix, by whichever index the database takes for the shorter way.
    for after in [1, last] {
        for prefix in ["demand/3f", "demand/"] {
            for access in accesses(table, &Query::head().prefix(prefix).after(after)) {
                assert!(
                    access.index != Index::None || after == 1 && prefix == "demand/",
                    "{access:?}"
                );
            }
        }
    }
    let news = accesses(table, &Query::all().after(last));
    assert!(news.iter().all(|access| access.index != Index::None), "{news:?}");
    assert!(news.iter().any(|access| access.index == Index::Revisions), "{news:?}");
}

/// Of the one statement.
fn accesses<P: Explain>(table: &Table<P>, query: &Query) -> Vec<Access> {
    let mut plans = P::explain(&table.url, query);
    assert_eq!(plans.len(), 1);
    plans.remove(0)
}
