//! An application's own code, generic over databases: the bounds it needs are those of the plain
//! types.

use sqlx::{ColumnIndex, Database, Decode, Encode, Executor, FromRow, IntoArguments, Pool, Type};

use crate::databases::{mariadb, postgres, sqlite};
use crate::keys;
use crate::models::{BotToken, SigningSecret};

#[derive(Debug, PartialEq, FromRow)]
struct Tokens {
    bot_token: BotToken,
    signing_secret: Option<SigningSecret>,
}

struct Repository<DB: Database> {
    pool: Pool<DB>,
    sql: fn(&str) -> sqlx::AssertSqlSafe<String>,
}

impl<DB> Repository<DB>
where
    DB: Database<Arguments: IntoArguments<DB>>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'q> String: Encode<'q, DB> + Decode<'q, DB>,
    for<'q> &'q str: Decode<'q, DB>,
    for<'q> Option<&'q SigningSecret>: Encode<'q, DB>,
    str: Type<DB>,
    for<'r> &'r str: ColumnIndex<DB::Row>,
{
    async fn insert(&self, row: &Tokens) -> sqlx::Result<()> {
        let query = sqlx::query((self.sql)("INSERT INTO tokens VALUES ($1, $2)"));
        let query = query.bind(&row.bot_token).bind(row.signing_secret.as_ref());
        query.execute(&self.pool).await.map(|_| ())
    }

    async fn all(&self) -> sqlx::Result<Vec<Tokens>> {
        sqlx::query_as("SELECT * FROM tokens").fetch_all(&self.pool).await
    }
}

macro_rules! on {
    ($($database:ident)*) => {$(
        #[tokio::test]
        async fn $database() {
            let Some(database) = $database::open() else { return };
            let _ring = keys::first().hold();
            let repository = Repository { pool: database.pool(1).await, sql: $database::sql };
            let table = format!("CREATE TABLE tokens (bot_token {0}, signing_secret {0})", $database::TEXT);
            sqlx::query($database::sql(&table)).execute(&repository.pool).await.unwrap();
            let row = Tokens { bot_token: tests::secrets::BOT_TOKEN.into(), signing_secret: None };
            repository.insert(&row).await.unwrap();
            assert_eq!(repository.all().await.unwrap(), [row]);
            repository.pool.close().await;
        }
    )*};
}

on! { sqlite postgres mariadb }
