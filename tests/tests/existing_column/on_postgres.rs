//! PostgreSQL.

use crate::chapter;

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::PgConnection;
    pub type Sqlx = sqlx::PgConnection;
    pub const NAME: &str = "PostgreSQL";
    pub const TEXT: &str = "VARCHAR(40)";
    pub const BINARY: &str = "BYTEA";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) = (
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        "TEXT COLLATE loose",
    );
    /// What a column can be that is added and computed from another one.
    pub const GENERATED: &str = "STORED";
    pub const TRIGGER: &str =
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER on_change BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION f();
        CREATE POLICY own_keys ON accounts USING (api_key <> '')";

    /// MySQL has `?` for `$1` and so on.
    pub const READ: &str = "SELECT id, plan, api_key FROM accounts WHERE id = $1";
    pub const UPDATE: &str = "UPDATE accounts SET plan = $1, api_key = $2 WHERE id = $3";

    pub struct Database(tests::Database);

    pub fn open() -> Option<Database> {
        tests::Database::postgres().map(Database)
    }

    impl Database {
        pub fn connect(&self) -> Diesel {
            Diesel::establish(&self.0.url()).expect("connect")
        }

        pub fn url(&self) -> String {
            self.0.url()
        }

        /// What the server keeps is not for this test to see.
        pub fn files(&self) -> Vec<Vec<u8>> {
            Vec::new()
        }
    }
}

#[path = "suite/mod.rs"]
mod suite;

use diesel::connection::SimpleConnection as _;
use suite::{Application, Version};
use tests::secrets::plaintext;

/// What the guide says of connections that are open while the column's type changes.
fn a_plan_is_refused<A: Application>() {
    let Some(database) = database::open() else { return };
    let mut admin = database.connect();
    let table =
        "CREATE TABLE accounts (id BIGINT PRIMARY KEY, plan BIGINT NOT NULL, api_key VARCHAR(40));
        INSERT INTO accounts VALUES (1, 1, NULL)";
    admin.batch_execute(table).unwrap();
    let mut app = A::connect(&database);
    app.write(Version::Old, 1, plaintext("key").as_bytes()).unwrap();
    app.read(Version::Old, 1).unwrap();
    admin.batch_execute(&chapter::sql("widen", "text", "PostgreSQL")).unwrap();
    for _ in 0..2 {
        let error = app.read(Version::Old, 1).unwrap_err().to_string();
        assert!(error.contains("cached plan must not change result type"), "{error}");
    }
    app = A::connect(&database);
    app.read(Version::Old, 1).unwrap();
}

#[test]
fn a_plan_is_refused_through_diesel() {
    a_plan_is_refused::<suite::diesel_text::App>();
}

#[test]
fn a_plan_is_refused_through_sqlx() {
    a_plan_is_refused::<suite::sqlx_text::App>();
}
