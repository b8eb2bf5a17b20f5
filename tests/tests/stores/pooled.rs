//! Connections of Diesel's pool.

use diesel::r2d2::{ConnectionManager, Pool};
use diesel::{MysqlConnection, PgConnection, SqliteConnection};
use encrypted_field::envelope::conformance;
use encrypted_field::envelope::sql::DieselStore;

use crate::places::{DieselMariaDb, DieselPostgres, DieselSqlite, Table};
use crate::support::run;

macro_rules! pooled {
    ($($name:ident $place:ident $connection:ident,)*) => {$(
        #[test]
        fn $name() {
            let Some(table) = Table::<$place>::open() else { return };
            let pool = Pool::builder().max_size(2).build(ConnectionManager::<$connection>::new(&table.url)).unwrap();
            let store = DieselStore::new(move || pool.get());
            run(conformance::key_store(&store));
        }
    )*};
}

pooled! {
    postgres DieselPostgres PgConnection,
    mariadb DieselMariaDb MysqlConnection,
    sqlite DieselSqlite SqliteConnection,
}
