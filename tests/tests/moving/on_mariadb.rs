//! MariaDB.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::MysqlConnection;
    pub type Sqlx = sqlx::MySql;
    /// Not in the character set of the connection.
    pub const TEXT: &str = "TEXT CHARACTER SET latin1";
    pub const BINARY: &str = "BLOB";
    /// A column under a collation that takes unlike texts for equal, and the statement before it.
    pub const LOOSE_TEXT: (&str, &str) =
        ("SELECT 1", "TEXT CHARACTER SET latin1 COLLATE latin1_swedish_ci");
    pub const QUOTE: char = '`';

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
    }
}

#[path = "suite/mod.rs"]
mod suite;
