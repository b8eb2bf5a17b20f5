//! `SqlCheck` behind Diesel's instrumentation and SQLx's tracing: what an application runs is seen,
//! with the text that each database is sent.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel::prelude::*;
use encrypted_field::sql_check::{Dialect, Misuse, SqlCheck};
use encrypted_field::{Encrypted, Keyring, key::HeldKeyring};
use sqlx::Connection as _;
use tests::{Database, secrets};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

diesel::table! {
    people (id) {
        id -> Integer,
        email -> Nullable<Text>,
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted)]
#[diesel(table_name = people)]
struct Person {
    id: i32,
    #[encrypted(String)]
    email: Option<Email>,
}

const TABLE: &str = "CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT)";

fn check(dialect: Dialect) -> SqlCheck {
    SqlCheck::new(dialect).model::<Person>()
}

/// The message of the panic of what is wrong.
#[track_caller]
fn refused(run: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("it compares an encrypted column");
    panic.downcast_ref::<String>().expect("a message").clone()
}

fn at(database: Option<Database>) -> Option<(Database, String)> {
    database.map(|database| {
        let url = database.url();
        (database, url)
    })
}

fn ring() -> HeldKeyring {
    Keyring::builder().active(1, secrets::KEYS[0]).build().unwrap().hold()
}

fn person() -> Person {
    Person { id: 1, email: Some(secrets::BOT_TOKEN.into()) }
}

/// What an application does, and then what finds nothing.
macro_rules! diesel_statements {
    ($connection:ty, $database:expr, $dialect:expr) => {{
        let Some((_database, url)) = $database else { return };
        let _ring = ring();
        let mut db = <$connection>::establish(&url).unwrap();
        let check = check($dialect);
        let check = move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                check.assert(&query.to_string());
            }
        };
        db.set_instrumentation(Box::new(check) as Box<dyn Instrumentation>);
        diesel::sql_query(TABLE).execute(&mut db).unwrap();
        diesel::insert_into(people::table).values(person()).execute(&mut db).unwrap();
        let read = people::table.find(1).select(Person::as_select()).first(&mut db).unwrap();
        diesel::update(&read).set(&read).execute(&mut db).unwrap();
        let is_there = people::table.filter(people::email.is_not_null()).count();
        assert_eq!(is_there.get_result(&mut db), Ok(1_i64));

        // These compile: the plaintext is bound, or the column is sorted by.
        let by_plaintext = people::table.filter(people::email.eq("a@b.c")).count();
        let message = refused(|| drop(by_plaintext.get_result::<i64>(&mut db)));
        assert!(message.starts_with("people.email is encrypted, and `=` compares it"), "{message}");
        let sorted = people::table.order_by(people::email).select(people::id);
        let message = refused(|| drop(sorted.load::<i32>(&mut db)));
        assert!(message.starts_with("people.email is encrypted, and `ORDER BY`"), "{message}");
    }};
}

#[test]
fn diesel_postgres() {
    diesel_statements!(PgConnection, at(Database::postgres()), Dialect::PostgreSql);
}

#[test]
fn diesel_mariadb() {
    diesel_statements!(MysqlConnection, at(Database::mariadb()), Dialect::MySql);
}

#[test]
fn diesel_sqlite() {
    diesel_statements!(SqliteConnection, Some(((), ":memory:")), Dialect::Sqlite);
}

/// What was found, for the test to look at: a panic on a thread of a driver would be the driver's.
type Found = Arc<Mutex<Vec<Misuse>>>;

struct Statements(SqlCheck, Found);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut Statement(self));
        }
    }
}

struct Statement<'a>(&'a Statements);

impl Visit for Statement<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "db.statement" || !value.ends_with('…') {
            self.0.1.lock().unwrap().extend(self.0.0.find(value));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

macro_rules! sqlx_statements {
    ($connection:ty, $database:expr, $dialect:expr, $placeholder:literal) => {{
        let Some((_database, url)) = $database else { return };
        let _ring = ring();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let found = Found::default();
        let statements = Statements(check($dialect), Arc::clone(&found));
        let subscriber = tracing_subscriber::registry().with(statements);
        let _checked = tracing::subscriber::set_default(subscriber);
        let mut db = runtime.block_on(<$connection>::connect(&url)).unwrap();
        runtime.block_on(async {
            sqlx::query(TABLE).execute(&mut db).await.unwrap();
            let insert = sqlx::query(concat!(
                "INSERT INTO people (id, email) VALUES (1, ",
                $placeholder,
                ")"
            ));
            insert.bind(person().email).execute(&mut db).await.unwrap();
            sqlx::query("SELECT id, email FROM people WHERE id = 1")
                .execute(&mut db)
                .await
                .unwrap();
        });
        for (sql, by) in [
            (concat!("SELECT id FROM people WHERE email = ", $placeholder), "`=`"),
            // Longer than what SQLx puts into the summary.
            (
                concat!(
                    "SELECT id, id, id, id, id, id FROM people WHERE id > 0 AND email IN (",
                    $placeholder,
                    ")"
                ),
                "`IN`",
            ),
        ] {
            assert_eq!(*found.lock().unwrap(), []);
            let query = sqlx::query(sql).bind("a@b.c");
            runtime.block_on(query.execute(&mut db)).unwrap();
            let message = found.lock().unwrap().pop().unwrap().to_string();
            let expected = format!("people.email is encrypted, and {by} compares it");
            assert!(message.starts_with(&expected), "{message}");
        }
    }};
}

#[test]
fn sqlx_postgres() {
    sqlx_statements!(sqlx::PgConnection, at(Database::postgres()), Dialect::PostgreSql, "$1");
}

#[test]
fn sqlx_mariadb() {
    sqlx_statements!(sqlx::MySqlConnection, at(Database::mariadb()), Dialect::MySql, "?");
}

/// This driver runs statements on a thread of its own, where only the global subscriber sees them.
#[test]
fn sqlx_sqlite() {
    let _ring = ring();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = Found::default();
    let statements = Statements(check(Dialect::Sqlite), Arc::clone(&found));
    let subscriber = tracing_subscriber::registry().with(statements);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    runtime.block_on(async {
        let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query(TABLE).execute(&mut db).await.unwrap();
        let insert = sqlx::query("INSERT INTO people (id, email) VALUES (1, ?)");
        insert.bind(person().email).execute(&mut db).await.unwrap();
        assert_eq!(*found.lock().unwrap(), []);
        let wrong = sqlx::query("SELECT id FROM people WHERE email = ?").bind("a@b.c");
        wrong.execute(&mut db).await.unwrap();
        // The thread has told of it once it is through with the next statement.
        sqlx::query("SELECT 1").execute(&mut db).await.unwrap();
        let found = found.lock().unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("people.email is encrypted, and `=` compares it"));
    });
}
