//! SQLite, in a file, so that several connections see it.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::SqliteConnection;
    pub type Sqlx = sqlx::SqliteConnection;
    pub const NAME: &str = "SQLite";
    pub const READ: &str = "SELECT id, plan, api_key FROM accounts WHERE id = ?";
    pub const UPDATE: &str = "UPDATE accounts SET plan = ?, api_key = ? WHERE id = ?";
    pub const TEXT: &str = "VARCHAR(40)";
    pub const BINARY: &str = "VARBINARY(40)";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) = ("SELECT 1", "TEXT COLLATE NOCASE");
    /// What a column can be that is added and computed from another one.
    pub const GENERATED: &str = "VIRTUAL";
    pub const TRIGGER: &str =
        "CREATE TRIGGER on_change AFTER UPDATE ON accounts BEGIN SELECT 1; END";

    pub struct Database(tempfile::TempDir);

    #[expect(clippy::unnecessary_wraps, reason = "a server may be missing")]
    pub fn open() -> Option<Database> {
        tests::logging::to_test_output();
        let database = Database(tempfile::tempdir().expect("a temporary folder"));
        diesel::connection::SimpleConnection::batch_execute(
            &mut database.connect(),
            "PRAGMA journal_mode = WAL",
        )
        .expect("a log");
        Some(database)
    }

    impl Database {
        pub fn connect(&self) -> Diesel {
            let path = self.0.path().join("test.db");
            Diesel::establish(path.to_str().expect("a path")).expect("connect")
        }

        pub fn url(&self) -> String {
            format!("sqlite://{}?mode=rwc", self.0.path().join("test.db").display())
        }

        /// The database and its log.
        pub fn files(&self) -> Vec<Vec<u8>> {
            let files = std::fs::read_dir(self.0.path()).expect("the folder");
            files.map(|file| std::fs::read(file.expect("a file").path()).expect("read")).collect()
        }
    }
}

#[path = "suite/mod.rs"]
mod suite;
