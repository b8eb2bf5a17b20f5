//! The helpers for databases: one of its own for every test, gone afterwards.

use diesel::connection::SimpleConnection;
use diesel::{Connection, MysqlConnection, PgConnection};
use tests::Database;

const TABLE: &str = "CREATE TABLE one (id int)";

#[test]
fn postgres_gives_each_test_a_database_of_its_own() {
    let Some(first) = Database::postgres() else { return };
    let second = Database::postgres().unwrap();
    for database in [&first, &second] {
        PgConnection::establish(&database.url()).unwrap().batch_execute(TABLE).unwrap();
    }
    let url = first.url();
    drop(first);
    assert!(PgConnection::establish(&url).is_err());
}

#[test]
fn mariadb_gives_each_test_a_database_of_its_own() {
    let Some(first) = Database::mariadb() else { return };
    let second = Database::mariadb().unwrap();
    for database in [&first, &second] {
        MysqlConnection::establish(&database.url()).unwrap().batch_execute(TABLE).unwrap();
    }
    let url = first.url();
    drop(first);
    assert!(MysqlConnection::establish(&url).is_err());
}
