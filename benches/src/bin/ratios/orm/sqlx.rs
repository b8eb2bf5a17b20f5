//! SQLx, on a runtime of one thread.

use std::hint::black_box;

use benches::{Bytes, Text};
use measure::{Goal, Many};
use sqlx::{
    AssertSqlSafe, Connection as _, FromRow, PgConnection, Postgres, QueryBuilder, Sqlite,
    SqliteConnection,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

use super::{BATCH, Place, ROWS, as_long, as_long_as_sealed, org_id, token};

#[derive(FromRow)]
#[allow(dead_code)]
struct Row<S> {
    id: i32,
    org_id: String,
    secret: S,
}

/// Runs every operation on a table in the clear and on one that is encrypted.
macro_rules! goals {
    ($place:expr, $runtime:expr, $database:ty, $connect:expr, $table:literal, $column_type:literal, $plain:ty, $sealed:ty, $secret:expr, $long:expr) => {{
        let (place, runtime) = ($place, $runtime);
        // One connection for both: a second one would have a server process of its own, on a
        // processor of its own.
        let db = Mutex::new(runtime.block_on($connect));
        let plain_row = |id| Row::<$plain> { id, org_id: org_id(), secret: $secret };
        let long_row = |id| Row::<$plain> { id, org_id: org_id(), secret: $long };
        let sealed_row = |id| Row::<$sealed> { id, org_id: org_id(), secret: <$sealed>::from($secret) };
        let to_stored_value = |secret: &$sealed| secret.to_stored_value().unwrap();
        goals!(@fill runtime, $database, db, concat!($table, "_plain"), $column_type, plain_row, clone);
        goals!(@fill runtime, $database, db, concat!($table, "_sealed"), $column_type, sealed_row, to_stored_value);
        let mut goals = vec![
            place.load(
                &mut goals!(@load runtime, db, concat!("SELECT * FROM ", $table, "_sealed"), $sealed),
                &mut goals!(@load runtime, db, concat!("SELECT * FROM ", $table, "_plain"), $plain),
            ),
            place.one_row(
                "select by primary key",
                &mut goals!(@select runtime, db, concat!("SELECT * FROM ", $table, "_sealed WHERE id = $1"), $sealed),
                &mut goals!(@select runtime, db, concat!("SELECT * FROM ", $table, "_plain WHERE id = $1"), $plain),
            ),
            place.one_row(
                "update a row",
                &mut goals!(@write runtime, db,
                    concat!("UPDATE ", $table, "_sealed SET org_id = $2, secret = $3 WHERE id = $1"), sealed_row(7), 0),
                &mut goals!(@write runtime, db,
                    concat!("UPDATE ", $table, "_plain SET org_id = $2, secret = $3 WHERE id = $1"), plain_row(7), 0),
            ),
            place.one_row_as_long(
                "update a row",
                &mut goals!(@write runtime, db,
                    concat!("UPDATE ", $table, "_sealed SET org_id = $2, secret = $3 WHERE id = $1"), sealed_row(7), 0),
                &mut goals!(@write runtime, db,
                    concat!("UPDATE ", $table, "_plain SET org_id = $2, secret = $3 WHERE id = $1"), long_row(7), 0),
            ),
            place.batch(
                &mut goals!(@batch runtime, $database, db,
                    concat!("INSERT INTO ", $table, "_sealed (id, org_id, secret) "), sealed_row, to_stored_value),
                &mut goals!(@batch runtime, $database, db,
                    concat!("INSERT INTO ", $table, "_plain (id, org_id, secret) "), plain_row, by_ref),
            ),
            place.batch_as_long(
                &mut goals!(@batch runtime, $database, db,
                    concat!("INSERT INTO ", $table, "_sealed (id, org_id, secret) "), sealed_row, to_stored_value),
                &mut goals!(@batch runtime, $database, db,
                    concat!("INSERT INTO ", $table, "_plain (id, org_id, secret) "), long_row, by_ref),
            ),
            place.one_row(
                "insert a row",
                &mut goals!(@write runtime, db,
                    concat!("INSERT INTO ", $table, "_sealed (id, org_id, secret) VALUES ($1, $2, $3)"),
                    sealed_row(ROWS + BATCH), 1),
                &mut goals!(@write runtime, db,
                    concat!("INSERT INTO ", $table, "_plain (id, org_id, secret) VALUES ($1, $2, $3)"),
                    plain_row(ROWS + BATCH), 1),
            ),
            place.one_row_as_long(
                "insert a row",
                &mut goals!(@write runtime, db,
                    concat!("INSERT INTO ", $table, "_sealed (id, org_id, secret) VALUES ($1, $2, $3)"),
                    sealed_row(ROWS * 100), 1),
                &mut goals!(@write runtime, db,
                    concat!("INSERT INTO ", $table, "_plain (id, org_id, secret) VALUES ($1, $2, $3)"),
                    long_row(ROWS * 100), 1),
            ),
        ];
        for statement in as_long(place, concat!($table, "_plain"), concat!($table, "_sealed")) {
            runtime.block_on(async {
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *db.lock().await).await.unwrap();
            });
        }
        let as_long = place.load_as_long(
            &mut goals!(@load runtime, db, concat!("SELECT * FROM ", $table, "_sealed"), $sealed),
            &mut goals!(@load runtime, db, concat!("SELECT * FROM ", $table, "_plain"), $plain),
        );
        goals.insert(1, as_long);
        let as_long = place.one_row_as_long(
            "select by primary key",
            &mut goals!(@select runtime, db, concat!("SELECT * FROM ", $table, "_sealed WHERE id = $1"), $sealed),
            &mut goals!(@select runtime, db, concat!("SELECT * FROM ", $table, "_plain WHERE id = $1"), $plain),
        );
        goals.insert(3, as_long);
        goals
    }};
    (@fill $runtime:ident, $database:ty, $db:ident, $table:expr, $column_type:literal, $row:ident, $bind:ident) => {
        $runtime.block_on(async {
            let db = &mut *$db.lock().await;
            sqlx::raw_sql(concat!("DROP TABLE IF EXISTS ", $table)).execute(&mut *db).await.unwrap();
            let create = concat!(
                "CREATE TABLE ", $table, " (id INTEGER PRIMARY KEY, org_id TEXT NOT NULL, secret ", $column_type, " NOT NULL)"
            );
            sqlx::raw_sql(create).execute(&mut *db).await.unwrap();
            for start in (0..ROWS).step_by(1_000) {
                let rows = (start..start + 1_000).map($row);
                let mut query = QueryBuilder::<$database>::new(concat!("INSERT INTO ", $table, " (id, org_id, secret) "));
                query.push_values(rows, |mut values, row| {
                    values.push_bind(row.id).push_bind(row.org_id.clone()).push_bind($bind(&row.secret));
                });
                query.build().execute(&mut *db).await.unwrap();
            }
        });
    };
    (@load $runtime:ident, $db:ident, $sql:expr, $secret:ty) => {
        Many(|calls| {
            $runtime.block_on(async {
                let db = &mut *$db.lock().await;
                for _ in 0..calls {
                    let rows: Vec<Row<$secret>> = sqlx::query_as($sql).fetch_all(&mut *db).await.unwrap();
                    assert_eq!(black_box(rows).len(), usize::try_from(ROWS).unwrap());
                }
            });
        })
    };
    (@select $runtime:ident, $db:ident, $sql:expr, $secret:ty) => {{
        let mut id = 0;
        let (runtime, db) = (&$runtime, &$db);
        Many(move |calls| {
            runtime.block_on(async {
                let db = &mut *db.lock().await;
                for _ in 0..calls {
                    id = (id + 1) % ROWS;
                    let row: Row<$secret> = sqlx::query_as($sql).bind(id).fetch_one(&mut *db).await.unwrap();
                    black_box(row);
                }
            });
        })
    }};
    (@write $runtime:ident, $db:ident, $sql:expr, $row:expr, $step:literal) => {{
        let mut row = $row;
        let (runtime, db) = (&$runtime, &$db);
        Many(move |calls| {
            runtime.block_on(async {
                let db = &mut *db.lock().await;
                for _ in 0..calls {
                    row.id += $step;
                    // A database may skip a write that changes nothing.
                    row.org_id = if row.org_id.ends_with('4') { "org_7QbZs1".into() } else { org_id() };
                    let query = sqlx::query($sql).bind(row.id).bind(&row.org_id).bind(&row.secret);
                    query.execute(&mut *db).await.unwrap();
                }
            });
        })
    }};
    // Taken back, so that each batch meets the same table.
    (@batch $runtime:ident, $database:ty, $db:ident, $sql:expr, $row:ident, $bind:ident) => {{
        let rows: Vec<_> = (ROWS..ROWS + BATCH).map($row).collect();
        let (runtime, db) = (&$runtime, &$db);
        Many(move |calls| {
            runtime.block_on(async {
                let db = &mut *db.lock().await;
                for _ in 0..calls {
                    let mut transaction = db.begin().await.unwrap();
                    let mut query = QueryBuilder::<$database>::new($sql);
                    query.push_values(&rows, |mut values, row| {
                        values.push_bind(row.id).push_bind(&row.org_id).push_bind($bind(&row.secret));
                    });
                    query.build().execute(&mut *transaction).await.unwrap();
                    transaction.rollback().await.unwrap();
                }
            });
        })
    }};
}

fn clone<T: Clone>(secret: &T) -> T {
    secret.clone()
}

fn by_ref<T>(secret: &T) -> &T {
    secret
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn bytes() -> Vec<u8> {
    token().into_bytes()
}

async fn sqlite_connection(file: &str) -> SqliteConnection {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    SqliteConnection::connect_with(&options).await.unwrap()
}

pub fn sqlite(file: &str) -> Vec<Goal> {
    let place = |column| Place { orm: "SQLx", database: "SQLite", column };
    let mut goals = goals!(
        place("TEXT"),
        runtime(),
        Sqlite,
        sqlite_connection(file),
        "sqlx_text",
        "TEXT",
        String,
        Text,
        token(),
        as_long_as_sealed().0
    );
    goals.extend(goals!(
        place("BLOB"),
        runtime(),
        Sqlite,
        sqlite_connection(file),
        "sqlx_binary",
        "BLOB",
        Vec<u8>,
        Bytes,
        bytes(),
        as_long_as_sealed().1
    ));
    goals
}

async fn postgres_connection(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub fn postgres(url: &str) -> Vec<Goal> {
    let place = |column| Place { orm: "SQLx", database: "PostgreSQL", column };
    let mut goals = goals!(
        place("TEXT"),
        runtime(),
        Postgres,
        postgres_connection(url),
        "sqlx_text",
        "TEXT",
        String,
        Text,
        token(),
        as_long_as_sealed().0
    );
    goals.extend(goals!(
        place("BYTEA"),
        runtime(),
        Postgres,
        postgres_connection(url),
        "sqlx_binary",
        "BYTEA",
        Vec<u8>,
        Bytes,
        bytes(),
        as_long_as_sealed().1
    ));
    goals
}
