//! PostgreSQL.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::PgConnection;
    pub type AsyncDiesel = diesel_async::AsyncPgConnection;
    pub type Sqlx = sqlx::Postgres;
    pub const TEXT: &str = "TEXT";
    pub const BINARY: &str = "BYTEA";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) = (
        "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
        "TEXT COLLATE loose",
    );
    pub const QUOTE: char = '"';

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

        pub fn diesel_url(&self) -> String {
            self.0.url()
        }
    }
}

#[path = "suite/mod.rs"]
mod suite;

#[path = "suite/asynchronous.rs"]
mod asynchronous;
