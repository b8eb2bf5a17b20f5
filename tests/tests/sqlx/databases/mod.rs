//! The three databases, with what differs between them and nothing else: type names, the spelling
//! of parameters, and what their SQLx drivers do not share.

pub mod mariadb;
pub mod postgres;
pub mod sqlite;

use std::any::Any;
use std::marker::PhantomData;

use sqlx::pool::PoolOptions;
use sqlx::{Connection, Pool};

/// An empty database of one test. It goes when this is dropped.
pub struct TestDatabase<Db> {
    pub url: String,
    /// What ends the database when dropped.
    _keep: Box<dyn Any>,
    db: PhantomData<Db>,
}

impl<Db: sqlx::Database> TestDatabase<Db> {
    fn new(url: String, keep: impl Any) -> Self {
        Self { url, _keep: Box::new(keep), db: PhantomData }
    }

    pub async fn connect(&self) -> Db::Connection {
        Db::Connection::connect(&self.url).await.expect("the database was just made")
    }

    pub async fn pool(&self, connections: u32) -> Pool<Db> {
        let options = PoolOptions::new().max_connections(connections);
        options.connect(&self.url).await.expect("the database was just made")
    }
}
