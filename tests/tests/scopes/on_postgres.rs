//! PostgreSQL.

mod database {
    use diesel::Connection as _;

    pub type Diesel = diesel::PgConnection;
    pub type Sqlx = sqlx::Postgres;
    pub const BYTES: &str = "BYTEA";

    pub struct Database(pub tests::Database);

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
    }
}

#[path = "suite/mod.rs"]
mod suite;

use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _};
use encrypted_field::ErrorKind;

use crate::keys::{acme, refused};
use crate::models::{Customer, IBAN, customers};

/// diesel-async seals in `execute` and not when that is awaited.
#[tokio::test]
async fn diesel_async_seals_where_execute_is_called() {
    let Some(database) = database::open() else { return };
    drop(suite::connect(&database));
    let mut db = AsyncPgConnection::establish(&database.url()).await.unwrap();
    let row = Customer::new(1, "acme");
    let insert = || diesel::insert_into(customers::table).values(&row);
    let outside = acme().enter(insert().execute(&mut db)).await;
    assert_eq!(refused(outside, IBAN), ErrorKind::NoScope);
    acme().enter(async { insert().execute(&mut db).await }).await.unwrap();

    let read = acme().enter(async { customers::table.first::<Customer>(&mut db).await }).await;
    assert_eq!(read.unwrap(), row);
    let outside = customers::table.first::<Customer>(&mut db).await;
    assert_eq!(refused(outside, IBAN), ErrorKind::NoScope);
}
