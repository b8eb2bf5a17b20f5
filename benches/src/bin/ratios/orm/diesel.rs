//! Diesel.

use std::cell::RefCell;
use std::hint::black_box;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use measure::Goal;

use super::{BATCH, Place, ROWS, as_long, as_long_as_sealed, org_id, token};

/// A table in the clear, one that is encrypted, and a model of each.
macro_rules! tables {
    ($module:ident, $sql:ident, $plain_type:ty, $plain:ident, $sealed:ident) => {
        mod $module {
            use diesel::prelude::*;
            use encrypted_field::Encrypted;

            diesel::table! { $plain (id) { id -> Integer, org_id -> Text, secret -> $sql, } }
            diesel::table! { $sealed (id) { id -> Integer, org_id -> Text, secret -> $sql, } }

            #[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
            #[diesel(table_name = $plain)]
            pub struct Plain {
                pub id: i32,
                pub org_id: String,
                pub secret: $plain_type,
            }

            #[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted)]
            #[diesel(table_name = $sealed)]
            pub struct Sealed {
                pub id: i32,
                pub org_id: String,
                #[encrypted($plain_type)]
                pub secret: Token,
            }
        }
    };
}

tables!(text, Text, String, diesel_text_plain, diesel_text_sealed);
tables!(binary, Binary, Vec<u8>, diesel_binary_plain, diesel_binary_sealed);

/// Runs every operation on both tables of a module.
macro_rules! goals {
    ($connect:expr, $place:expr, $module:ident, $plain:ident, $sealed:ident, $column_type:literal, $secret:expr, $long:expr) => {{
        // One connection for both: a second one would have a server process of its own, on a
        // processor of its own.
        let (place, db) = ($place, RefCell::new($connect));
        for table in [stringify!($plain), stringify!($sealed)] {
            let columns = concat!("(id INTEGER PRIMARY KEY, org_id TEXT NOT NULL, secret ", $column_type, " NOT NULL)");
            db.borrow_mut().batch_execute(&format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table} {columns}")).unwrap();
        }
        let plain_row = |id| $module::Plain { id, org_id: org_id(), secret: ($secret)() };
        let long_row = |id| $module::Plain { id, org_id: org_id(), secret: $long };
        let sealed_row = |id| $module::Sealed { id, org_id: org_id(), secret: ($secret)().into() };
        goals!(@fill db, $module::$plain::table, plain_row);
        goals!(@fill db, $module::$sealed::table, sealed_row);
        let mut goals = vec![
            place.load(
                &mut || goals!(@load db, $module::$sealed::table, $module::Sealed),
                &mut || goals!(@load db, $module::$plain::table, $module::Plain),
            ),
            place.one_row(
                "select by primary key",
                &mut goals!(@select db, $module::$sealed::table, $module::Sealed),
                &mut goals!(@select db, $module::$plain::table, $module::Plain),
            ),
            place.one_row(
                "update a row",
                &mut goals!(@update db, $module::$sealed::table, sealed_row),
                &mut goals!(@update db, $module::$plain::table, plain_row),
            ),
            place.one_row_as_long(
                "update a row",
                &mut goals!(@update db, $module::$sealed::table, sealed_row),
                &mut goals!(@update db, $module::$plain::table, long_row),
            ),
            place.batch(
                &mut goals!(@batch db, $module::$sealed::table, sealed_row),
                &mut goals!(@batch db, $module::$plain::table, plain_row),
            ),
            place.batch_as_long(
                &mut goals!(@batch db, $module::$sealed::table, sealed_row),
                &mut goals!(@batch db, $module::$plain::table, long_row),
            ),
            place.one_row(
                "insert a row",
                &mut goals!(@insert db, $module::$sealed::table, sealed_row, ROWS + BATCH),
                &mut goals!(@insert db, $module::$plain::table, plain_row, ROWS + BATCH),
            ),
            place.one_row_as_long(
                "insert a row",
                &mut goals!(@insert db, $module::$sealed::table, sealed_row, ROWS * 100),
                &mut goals!(@insert db, $module::$plain::table, long_row, ROWS * 100),
            ),
        ];
        for statement in as_long(place, stringify!($plain), stringify!($sealed)) {
            db.borrow_mut().batch_execute(&statement).unwrap();
        }
        let as_long = place.load_as_long(
            &mut || goals!(@load db, $module::$sealed::table, $module::Sealed),
            &mut || goals!(@load db, $module::$plain::table, $module::Plain),
        );
        goals.insert(1, as_long);
        let as_long = place.one_row_as_long(
            "select by primary key",
            &mut goals!(@select db, $module::$sealed::table, $module::Sealed),
            &mut goals!(@select db, $module::$plain::table, $module::Plain),
        );
        goals.insert(3, as_long);
        goals
    }};
    (@fill $db:ident, $table:expr, $row:ident) => {
        for start in (0..ROWS).step_by(1_000) {
            let rows: Vec<_> = (start..start + 1_000).map($row).collect();
            diesel::insert_into($table).values(&rows).execute(&mut *$db.borrow_mut()).unwrap();
        }
    };
    (@load $db:ident, $table:expr, $model:ty) => {{
        let rows = $table.select(<$model>::as_select()).load(&mut *$db.borrow_mut()).unwrap();
        assert_eq!(black_box(rows).len(), usize::try_from(ROWS).unwrap());
    }};
    (@select $db:ident, $table:expr, $model:ty) => {{
        let mut id = 0;
        let db = &$db;
        move || {
            id = (id + 1) % ROWS;
            black_box($table.find(id).select(<$model>::as_select()).first(&mut *db.borrow_mut()).unwrap());
        }
    }};
    (@update $db:ident, $table:expr, $row:ident) => {{
        // In turn, since a database may skip a write that changes nothing.
        let mut rows = [$row(7), $row(7)];
        rows[1].org_id = "org_7QbZs1".into();
        let db = &$db;
        move || {
            rows.swap(0, 1);
            diesel::update($table.find(7)).set(&rows[0]).execute(&mut *db.borrow_mut()).unwrap();
        }
    }};
    // Taken back, so that each batch meets the same table.
    (@batch $db:ident, $table:expr, $row:ident) => {{
        let rows: Vec<_> = (ROWS..ROWS + BATCH).map($row).collect();
        let db = &$db;
        move || {
            let rolled_back = db.borrow_mut().transaction::<(), _, _>(|db| {
                diesel::insert_into($table).values(&rows).execute(db).unwrap();
                Err(diesel::result::Error::RollbackTransaction)
            });
            assert!(rolled_back.is_err());
        }
    }};
    (@insert $db:ident, $table:expr, $row:ident, $first:expr) => {{
        let mut row = $row($first);
        let db = &$db;
        move || {
            row.id += 1;
            diesel::insert_into($table).values(&row).execute(&mut *db.borrow_mut()).unwrap();
        }
    }};
}

fn bytes() -> Vec<u8> {
    token().into_bytes()
}

pub fn sqlite(file: &str) -> Vec<Goal> {
    let connect = || {
        let mut db = SqliteConnection::establish(file).unwrap();
        db.batch_execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 10000",
        )
        .unwrap();
        db
    };
    let place = |column| Place { orm: "Diesel", database: "SQLite", column };
    let mut goals = goals!(
        connect(),
        place("TEXT"),
        text,
        diesel_text_plain,
        diesel_text_sealed,
        "TEXT",
        token,
        as_long_as_sealed().0
    );
    goals.extend(goals!(
        connect(),
        place("BLOB"),
        binary,
        diesel_binary_plain,
        diesel_binary_sealed,
        "BLOB",
        bytes,
        as_long_as_sealed().1
    ));
    goals
}

pub fn postgres(url: &str) -> Vec<Goal> {
    let connect = || PgConnection::establish(url).unwrap();
    let place = |column| Place { orm: "Diesel", database: "PostgreSQL", column };
    let mut goals = goals!(
        connect(),
        place("TEXT"),
        text,
        diesel_text_plain,
        diesel_text_sealed,
        "TEXT",
        token,
        as_long_as_sealed().0
    );
    goals.extend(goals!(
        connect(),
        place("BYTEA"),
        binary,
        diesel_binary_plain,
        diesel_binary_sealed,
        "BYTEA",
        bytes,
        as_long_as_sealed().1
    ));
    goals
}
