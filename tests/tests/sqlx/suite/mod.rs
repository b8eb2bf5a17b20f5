//! What all databases share.

mod bind;
mod columns;
mod from_row;
mod keys;
mod large;
mod legacy;
mod pool;
mod queries;
mod query_builder;
mod refused;
mod rotation;
mod shown;
mod storage;
mod stored_value;
mod transactions;
mod values;

use super::database;
use crate::models::SlackConnection;
use database::{BYTES, Db, TEXT, sql};

type Connection = <Db as sqlx::Database>::Connection;
type Row = <Db as sqlx::Database>::Row;

async fn execute(db: &mut Connection, statement: &str) {
    sqlx::query(sql(statement)).execute(db).await.unwrap();
}

/// A connection to the database, with the table of [`SlackConnection`].
async fn connect(database: &database::TestDatabase) -> Connection {
    let mut db = database.connect().await;
    let columns = format!(
        "id BIGINT PRIMARY KEY, org_id VARCHAR(100) NOT NULL, bot_token {TEXT} NOT NULL, signing_secret {TEXT}, \
         webhook_key {BYTES} NOT NULL, note {BYTES}"
    );
    execute(&mut db, &format!("CREATE TABLE slack_connections ({columns})")).await;
    db
}

const INSERT: &str = "INSERT INTO slack_connections (id, org_id, bot_token, signing_secret, webhook_key, note) \
                      VALUES ($1, $2, $3, $4, $5, $6)";

async fn insert(db: &mut Connection, row: &SlackConnection) -> sqlx::Result<()> {
    sqlx::query(sql(INSERT))
        .bind(row.id)
        .bind(&row.org_id)
        .bind(&row.bot_token)
        .bind(&row.signing_secret)
        .bind(&row.webhook_key)
        .bind(&row.note)
        .execute(db)
        .await
        .map(|_| ())
}

async fn read(db: &mut Connection, id: i64) -> sqlx::Result<SlackConnection> {
    sqlx::query_as(sql("SELECT * FROM slack_connections WHERE id = $1"))
        .bind(id)
        .fetch_one(db)
        .await
}

async fn count(db: &mut Connection) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM slack_connections").fetch_one(db).await.unwrap()
}

/// What the database holds in a text column.
async fn stored_text(db: &mut Connection, column: &str, id: i64) -> String {
    let statement = format!("SELECT {column} FROM slack_connections WHERE id = $1");
    sqlx::query_scalar(sql(&statement)).bind(id).fetch_one(db).await.unwrap()
}

/// What the database holds in a binary column.
async fn stored_bytes(db: &mut Connection, column: &str, id: i64) -> Vec<u8> {
    let statement = format!("SELECT {column} FROM slack_connections WHERE id = $1");
    sqlx::query_scalar(sql(&statement)).bind(id).fetch_one(db).await.unwrap()
}

/// Writes past the library, as whoever has the database can.
async fn plant<'q, T>(db: &mut Connection, column: &str, id: i64, stored: T)
where
    T: sqlx::Encode<'q, Db> + sqlx::Type<Db>,
{
    let statement = format!("UPDATE slack_connections SET {column} = $1 WHERE id = $2");
    sqlx::query(sql(&statement)).bind(stored).bind(id).execute(db).await.unwrap();
}
