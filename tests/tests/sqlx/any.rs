//! SQLx's `Any` driver: the database is known at run time only.

use encrypted_field::EncryptedField as _;
use encrypted_field::ErrorKind;
use sqlx::{AnyConnection, Connection, QueryBuilder};
use tests::secrets::{BOT_TOKEN, plaintext};

use crate::databases::{mariadb, postgres, sqlite};
use crate::errors::{foreign, found};
use crate::keys;
use crate::models::{BotToken, Note, SigningSecret, SlackConnection};

/// What even this driver leaves to its user.
struct Dialect {
    text: &'static str,
    bytes: &'static str,
    sql: fn(&str) -> sqlx::AssertSqlSafe<String>,
}

macro_rules! on {
    ($database:ident, $behaviour:path) => {
        #[tokio::test]
        async fn $database() {
            let Some(database) = $database::open() else { return };
            let _ring = keys::first().hold();
            sqlx::any::install_default_drivers();
            let dialect =
                Dialect { text: $database::TEXT, bytes: $database::BYTES, sql: $database::sql };
            let mut db = AnyConnection::connect(&database.url).await.unwrap();
            create(&mut db, &dialect).await;
            $behaviour(&mut db, &dialect).await;
        }
    };
}

macro_rules! each {
    ($($behaviour:ident)*) => {$(
        mod $behaviour {
            use super::*;

            on!(sqlite, super::$behaviour);
            on!(postgres, super::$behaviour);
            on!(mariadb, super::$behaviour);
        }
    )*};
}

each! {
    reads_what_it_wrote
    takes_transactions
    refuses_what_is_not_encrypted
    inserts_nothing_without_a_key
}

// `QueryBuilder` writes `?` for this driver, which PostgreSQL does not take.
mod builds_queries {
    use super::*;

    on!(sqlite, super::builds_queries);
    on!(mariadb, super::builds_queries);
}

async fn create(db: &mut AnyConnection, Dialect { text, bytes, sql }: &Dialect) {
    let table = format!(
        "CREATE TABLE slack_connections (id BIGINT PRIMARY KEY, org_id VARCHAR(100) NOT NULL, \
         bot_token {text} NOT NULL, signing_secret {text}, webhook_key {bytes} NOT NULL, note {bytes})"
    );
    sqlx::query(sql(&table)).execute(db).await.unwrap();
}

async fn insert(db: &mut AnyConnection, sql: &Dialect, row: &SlackConnection) -> sqlx::Result<()> {
    let insert = (sql.sql)("INSERT INTO slack_connections VALUES ($1, $2, $3, $4, $5, $6)");
    let query = sqlx::query(insert).bind(row.id).bind(row.org_id.as_str()).bind(&row.bot_token);
    let query = query
        .bind(row.signing_secret.clone())
        .bind(row.webhook_key.clone())
        .bind(row.note.as_ref());
    query.execute(db).await.map(|_| ())
}

async fn read(db: &mut AnyConnection, sql: &Dialect, id: i64) -> sqlx::Result<SlackConnection> {
    let select = (sql.sql)("SELECT * FROM slack_connections WHERE id = $1");
    sqlx::query_as(select).bind(id).fetch_one(db).await
}

async fn reads_what_it_wrote(db: &mut AnyConnection, sql: &Dialect) {
    for row in [SlackConnection::full(1), SlackConnection::sparse(2)] {
        insert(db, sql, &row).await.unwrap();
        assert_eq!(read(db, sql, row.id).await.unwrap(), row);
    }
    let select = "SELECT bot_token, signing_secret, note FROM slack_connections ORDER BY id";
    let rows: Vec<(BotToken, Option<SigningSecret>, Option<Note>)> =
        sqlx::query_as(select).fetch_all(&mut *db).await.unwrap();
    assert_eq!((rows[0].0.key_id(), &rows[1].1, &rows[1].2), (keys::id(1), &None, &None));
    let stored: String =
        sqlx::query_scalar("SELECT bot_token FROM slack_connections").fetch_one(db).await.unwrap();
    assert!(stored.starts_with("ef1:1:"));
}

async fn builds_queries(db: &mut AnyConnection, sql: &Dialect) {
    let rows = [SlackConnection::full(1), SlackConnection::full(2)];
    let columns = "(id, org_id, bot_token, signing_secret, webhook_key, note) ";
    let mut insert =
        QueryBuilder::<sqlx::Any>::new(format!("INSERT INTO slack_connections {columns}"));
    insert.push_values(&rows, |mut values, row| {
        values
            .push_bind(row.id)
            .push_bind("org")
            .push_bind(row.bot_token.to_stored_value().unwrap());
        values
            .push_bind(row.signing_secret.as_ref().map(|secret| secret.to_stored_value().unwrap()));
        values.push_bind(row.webhook_key.to_stored_value().unwrap()).push_bind(row.note.as_ref());
    });
    insert.build().execute(&mut *db).await.unwrap();
    for row in rows {
        assert_eq!(read(db, sql, row.id).await.unwrap(), row);
    }
}

async fn takes_transactions(db: &mut AnyConnection, sql: &Dialect) {
    let mut transaction = db.begin().await.unwrap();
    insert(&mut transaction, sql, &SlackConnection::full(1)).await.unwrap();
    assert_eq!(read(&mut transaction, sql, 1).await.unwrap(), SlackConnection::full(1));
    transaction.rollback().await.unwrap();
    assert!(matches!(read(db, sql, 1).await, Err(sqlx::Error::RowNotFound)));
}

async fn refuses_what_is_not_encrypted(db: &mut AnyConnection, sql: &Dialect) {
    insert(db, sql, &SlackConnection::full(1)).await.unwrap();
    let planted = (sql.sql)("UPDATE slack_connections SET bot_token = $1");
    sqlx::query(planted).bind(BOT_TOKEN).execute(&mut *db).await.unwrap();
    let error = read(db, sql, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::NotEncrypted, BotToken::CONTEXT));

    // The driver's own error for a wrong type tells no value either.
    let select = sqlx::query_scalar::<_, Note>("SELECT bot_token FROM slack_connections");
    foreign(&select.fetch_one(&mut *db).await.unwrap_err());
    let select = sqlx::query_scalar::<_, BotToken>("SELECT webhook_key FROM slack_connections");
    foreign(&select.fetch_one(db).await.unwrap_err());
}

async fn inserts_nothing_without_a_key(db: &mut AnyConnection, sql: &Dialect) {
    let _ring = keys::read_only().hold();
    let row = SlackConnection { bot_token: plaintext("a").into(), ..SlackConnection::sparse(1) };
    foreign(&insert(db, sql, &row).await.unwrap_err());
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM slack_connections").fetch_one(db).await.unwrap();
    assert_eq!(rows, 0);
}
