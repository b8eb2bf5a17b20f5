//! The databases, through each ORM, with what differs between them and nothing else.

use std::any::Any;
use std::marker::PhantomData;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection, MysqlConnection, PgConnection, QueryResult, SqliteConnection};
use encrypted_field::envelope::KeyStore;
use encrypted_field::envelope::sql::{Dialect, DieselStore, SqlxStore};
use sqlx::pool::PoolOptions;
use sqlx::{AssertSqlSafe, MySql, Postgres, Sqlite};
use tests::Database;

/// A test for each place, from a function that takes it: `each! { conforms }`.
#[macro_export]
macro_rules! each {
    ($($scenario:ident),*) => {$(
        mod $scenario {
            $crate::each! { of $scenario: diesel_postgres DieselPostgres, diesel_mariadb DieselMariaDb,
                diesel_sqlite DieselSqlite, sqlx_postgres SqlxPostgres, sqlx_mariadb SqlxMariaDb, sqlx_sqlite SqlxSqlite }
        }
    )*};
    (of $scenario:ident: $($test:ident $place:ident),*) => {$(
        #[test]
        fn $test() {
            super::$scenario::<$crate::places::$place>();
        }
    )*};
}

pub trait Place: Send + Sync + 'static {
    const DIALECT: Dialect;
    type Store: KeyStore;

    /// A store with connections of its own, each of which executes `first` before anything else.
    fn connect(url: &str, first: &str) -> Self::Store;

    fn table(store: Self::Store, name: &str) -> encrypted_field::Result<Self::Store>;
}

/// A writer may wait for many others, on a slow disk.
fn first_of(dialect: Dialect, first: &str) -> String {
    let patience = if dialect == Dialect::Sqlite { "PRAGMA busy_timeout = 60000;" } else { "" };
    format!("{patience}{first}")
}

macro_rules! diesel_places {
    ($($place:ident $dialect:ident $connection:ident,)*) => {$(
        pub struct $place;

        impl Place for $place {
            const DIALECT: Dialect = Dialect::$dialect;
            type Store = DieselStore<$connection>;

            fn connect(url: &str, first: &str) -> Self::Store {
                let (url, first) = (url.to_owned(), first_of(Self::DIALECT, first));
                DieselStore::new(move || {
                    let mut connection = $connection::establish(&url).map_err(drop)?;
                    if !first.is_empty() {
                        connection.batch_execute(&first).unwrap();
                    }
                    Ok::<_, ()>(connection)
                })
            }

            fn table(store: Self::Store, name: &str) -> encrypted_field::Result<Self::Store> {
                store.table(name)
            }
        }
    )*};
}

diesel_places! {
    DieselPostgres Postgres PgConnection,
    DieselMariaDb MySql MysqlConnection,
    DieselSqlite Sqlite SqliteConnection,
}

macro_rules! sqlx_places {
    ($($place:ident $dialect:ident $driver:ident $scheme:literal,)*) => {$(
        pub struct $place;

        impl Place for $place {
            const DIALECT: Dialect = Dialect::$dialect;
            type Store = SqlxStore<$driver>;

            fn connect(url: &str, first: &str) -> Self::Store {
                let first = first_of(Self::DIALECT, first);
                let options = PoolOptions::<$driver>::new().max_connections(8).after_connect(move |connection, _| {
                    let first = first.clone();
                    Box::pin(async move {
                        if !first.is_empty() {
                            sqlx::raw_sql(AssertSqlSafe(first)).execute(connection).await?;
                        }
                        Ok(())
                    })
                });
                SqlxStore::new(options.connect_lazy(&format!("{}{url}", $scheme)).unwrap())
            }

            fn table(store: Self::Store, name: &str) -> encrypted_field::Result<Self::Store> {
                store.table(name)
            }
        }
    )*};
}

sqlx_places! {
    SqlxPostgres Postgres Postgres "",
    SqlxMariaDb MySql MySql "",
    SqlxSqlite Sqlite Sqlite "sqlite:",
}

/// A database of one test. It goes when this is dropped.
pub struct Table<P> {
    pub url: String,
    _keep: Box<dyn Any + Send + Sync>,
    place: PhantomData<P>,
}

impl<P: Place> Table<P> {
    /// With the table, as the migration makes it; `None` without a server.
    pub fn open() -> Option<Self> {
        let table = Self::without_table()?;
        table.execute(P::DIALECT.up());
        Some(table)
    }

    pub fn without_table() -> Option<Self> {
        let (url, keep): (String, Box<dyn Any + Send + Sync>) = match P::DIALECT {
            Dialect::Postgres => {
                let database = Database::postgres()?;
                (database.url(), Box::new(database))
            }
            Dialect::MySql => {
                let database = Database::mariadb()?;
                (database.url(), Box::new(database))
            }
            _ => {
                tests::logging::to_test_output();
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("app.db");
                std::fs::write(&path, "").unwrap();
                (path.to_str().unwrap().to_owned(), Box::new(folder))
            }
        };
        Some(Self { url, _keep: keep, place: PhantomData })
    }

    pub fn store(&self) -> P::Store {
        self.store_with("")
    }

    pub fn store_with(&self, first: &str) -> P::Store {
        P::connect(&self.url, first)
    }

    /// Executes SQL on a connection of its own.
    pub fn execute(&self, sql: &str) {
        self.try_execute(sql).unwrap();
    }

    pub fn try_execute(&self, sql: &str) -> QueryResult<()> {
        match P::DIALECT {
            Dialect::Postgres => PgConnection::establish(&self.url).unwrap().batch_execute(sql),
            Dialect::MySql => MysqlConnection::establish(&self.url).unwrap().batch_execute(sql),
            _ => SqliteConnection::establish(&self.url).unwrap().batch_execute(sql),
        }
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap()
    }
}
