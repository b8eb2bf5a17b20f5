//! SQLx.

use encrypted_field::{Encrypted, EncryptedModel as _};
use sqlx::{AssertSqlSafe, Connection as _, Pool};
use tokio::runtime::{Builder, Runtime};

use super::database::{Database, QUOTE, Sqlx};
use super::scenarios::{self as run, World};
use super::{Application, Result};
use crate::{keys, meanwhile};

type Connection = <Sqlx as sqlx::Database>::Connection;

#[derive(sqlx::FromRow, Encrypted)]
#[encrypted(table = "rows", primary_key(org, place))]
pub struct Row {
    org: String,
    #[sqlx(rename = "order")]
    place: i64,
    #[encrypted(String, legacy = meanwhile::read, previous_context = "rows.former_token")]
    token: Option<Token>,
    #[encrypted(String, context = "rows.secret", previous_scope = "before")]
    #[sqlx(rename = "secret")]
    renamed: Option<TheSecret>,
    #[encrypted(Vec<u8>, storage = "binary")]
    scan: Scan,
    #[encrypted(Vec<u8>, storage = "binary")]
    photo: Option<Photo>,
}

pub struct App {
    runtime: Runtime,
    connection: Connection,
}

async fn load(db: &mut Connection, order: i64) -> sqlx::Result<Row> {
    let select = format!(
        "SELECT org, {QUOTE}order{QUOTE}, token, secret, scan, photo FROM {QUOTE}rows{QUOTE} \
         WHERE org = 'org' AND {QUOTE}order{QUOTE} = {order}"
    );
    sqlx::query_as(AssertSqlSafe(select)).fetch_one(db).await
}

impl Application for App {
    type Row = Row;

    fn connect(database: &Database) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(Connection::connect(&database.url())).unwrap();
        Self { runtime, connection }
    }

    fn load(&mut self, order: i64) -> Result<Row> {
        Ok(self.runtime.block_on(load(&mut self.connection, order))?)
    }

    fn move_stale(&mut self, row: &Row) -> Result<bool> {
        Ok(self.runtime.block_on(row.move_stale_sqlx(&mut self.connection))?)
    }

    fn is_any_stale(row: &Row) -> bool {
        row.is_any_stale()
    }

    fn set_all(row: &mut Row) {
        row.token = Some("".into());
        row.renamed = Some("".into());
        row.scan = Vec::new().into();
        row.photo = None;
    }
}

/// Through a pool, in a task of its own, and in a transaction. Where nothing is stale, a pool that
/// gives no connection is not asked for one.
#[test]
fn pools_and_transactions() {
    let Some(mut world) = World::<App>::open() else { return };
    {
        let _ring = keys::old().hold();
        world.insert(1);
        world.insert(2);
    }
    let _ring = keys::rotated().hold();
    let (first, second) = (world.app.load(1).unwrap(), world.app.load(2).unwrap());
    let url = world.database.url();
    world.app.runtime.block_on(async {
        let pool = Pool::<Sqlx>::connect(&url).await.unwrap();
        let task = tokio::spawn({
            let pool = pool.clone();
            async move { first.move_stale_sqlx(&pool).await }
        });
        assert!(task.await.unwrap().unwrap());

        let mut transaction = pool.begin().await.unwrap();
        assert!(second.move_stale_sqlx(&mut *transaction).await.unwrap());
        transaction.rollback().await.unwrap();

        let mut connection = pool.acquire().await.unwrap();
        let first = load(&mut connection, 1).await.unwrap();
        let second = load(&mut connection, 2).await.unwrap();
        drop(connection);
        pool.close().await;
        assert!(!first.is_any_stale() && !first.move_stale_sqlx(&pool).await.unwrap());
        assert!(second.is_any_stale(), "it was rolled back");
        let closed = second.move_stale_sqlx(&pool).await.unwrap_err();
        assert!(matches!(closed, sqlx::Error::PoolClosed));
    });
}

run::tests!(App);
