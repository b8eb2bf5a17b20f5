//! SQLite, in a file, so that several connections see it.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::SqliteConnection;
    pub type AsyncDiesel = diesel_async::sync_connection_wrapper::SyncConnectionWrapper<Diesel>;
    pub type Sqlx = sqlx::Sqlite;
    pub const TEXT: &str = "TEXT";
    pub const BINARY: &str = "BLOB";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) = ("SELECT 1", "TEXT COLLATE NOCASE");
    pub const QUOTE: char = '"';

    pub struct Database(tempfile::TempDir);

    #[expect(clippy::unnecessary_wraps, reason = "a server may be missing")]
    pub fn open() -> Option<Database> {
        tests::logging::to_test_output();
        Some(Database(tempfile::tempdir().expect("a temporary folder")))
    }

    impl Database {
        pub fn connect(&self) -> Diesel {
            Diesel::establish(&self.diesel_url()).expect("connect")
        }

        pub fn url(&self) -> String {
            format!("sqlite://{}?mode=rwc", self.0.path().join("test.db").display())
        }

        pub fn diesel_url(&self) -> String {
            self.0.path().join("test.db").to_str().expect("a path").to_owned()
        }
    }
}

#[path = "suite/mod.rs"]
mod suite;

#[path = "suite/asynchronous.rs"]
mod asynchronous;
