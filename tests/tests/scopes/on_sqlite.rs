//! SQLite, in a file, so that a pool can open several connections.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::SqliteConnection;
    pub type Sqlx = sqlx::Sqlite;
    pub const BYTES: &str = "BLOB";

    pub struct Database(tempfile::TempDir);

    #[expect(clippy::unnecessary_wraps, reason = "a server may be missing")]
    pub fn open() -> Option<Database> {
        tests::logging::to_test_output();
        Some(Database(tempfile::tempdir().expect("a temporary folder")))
    }

    impl Database {
        pub fn connect(&self) -> Diesel {
            Diesel::establish(self.0.path().join("test.db").to_str().expect("a path"))
                .expect("connect")
        }

        pub fn url(&self) -> String {
            format!("sqlite://{}?mode=rwc", self.0.path().join("test.db").display())
        }
    }
}

#[path = "suite/mod.rs"]
mod suite;
