//! MariaDB.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::MysqlConnection;
    pub type Sqlx = sqlx::MySqlConnection;
    pub const NAME: &str = "MySQL, MariaDB";
    pub const READ: &str = "SELECT id, plan, api_key FROM accounts WHERE id = ?";
    pub const UPDATE: &str = "UPDATE accounts SET plan = ?, api_key = ? WHERE id = ?";
    /// Not in the character set of the connection, either.
    pub const TEXT: &str = "VARCHAR(40) CHARACTER SET latin1";
    pub const BINARY: &str = "VARBINARY(40)";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) =
        ("SELECT 1", "TEXT CHARACTER SET latin1 COLLATE latin1_swedish_ci");
    /// What a column can be that is added and computed from another one.
    pub const GENERATED: &str = "VIRTUAL";
    pub const TRIGGER: &str =
        "CREATE TRIGGER on_change BEFORE UPDATE ON accounts FOR EACH ROW SET NEW.plan = NEW.plan";

    pub struct Database(tests::Database);

    pub fn open() -> Option<Database> {
        tests::Database::mariadb().map(Database)
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
