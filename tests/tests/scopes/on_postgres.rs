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

use diesel::QueryDsl as _;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _};
use encrypted_field::ErrorKind;

use crate::keys::{acme, globex, key_of, refused};
use crate::models::{Customer, IBAN, customers};

async fn raw(db: &mut AsyncPgConnection, id: i32) -> String {
    customers::table.find(id).select(customers::iban).first(db).await.expect("the raw column")
}

/// diesel-async seals in `execute` and not when that is awaited: inside of the closure.
#[tokio::test]
async fn diesel_async_seals_where_execute_is_called() {
    let Some(database) = database::open() else { return };
    drop(suite::connect(&database));
    let mut db = AsyncPgConnection::establish(&database.url()).await.unwrap();
    let row = Customer::new(1, "acme");
    let insert = || diesel::insert_into(customers::table).values(&row);
    let outside = insert().execute(&mut db);
    assert_eq!(refused(acme().enter(|| outside).await, IBAN), ErrorKind::NoScope);
    globex().enter(async || acme().enter(|| insert().execute(&mut db)).await).await.unwrap();
    assert_eq!(key_of(&raw(&mut db, 1).await), "3");
    acme()
        .enter(async || {
            diesel::update(customers::table).set(&row).execute(&mut db).await?;
            customers::table.first::<Customer>(&mut db).await
        })
        .await
        .unwrap();

    let read = acme().enter(|| customers::table.first::<Customer>(&mut db)).await;
    assert_eq!(read.unwrap(), row);
    let outside = customers::table.first::<Customer>(&mut db).await;
    assert_eq!(refused(outside, IBAN), ErrorKind::NoScope);
}
