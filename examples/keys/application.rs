//! An application with one table, as in the example `sqlx`. Nothing here knows where keys come
//! from.

use std::error::Error;

use encrypted_field::Encrypted;
use sqlx::{FromRow, SqlitePool};

#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "slack_connections")]
pub struct SlackConnection {
    pub id: i32,
    pub org_id: String,
    #[encrypted(String)]
    pub bot_token: BotToken,
}

/// An empty database with the table.
pub async fn connect() -> sqlx::Result<SqlitePool> {
    // One connection: each connection to `:memory:` is a database of its own.
    let db = sqlx::pool::PoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    sqlx::query("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY NOT NULL, org_id TEXT NOT NULL, bot_token TEXT NOT NULL)")
        .execute(&db)
        .await?;
    Ok(db)
}

pub async fn insert(
    db: &SqlitePool,
    id: i32,
    org_id: &str,
    bot_token: &str,
) -> Result<(), Box<dyn Error>> {
    let row = SlackConnection { id, org_id: org_id.into(), bot_token: bot_token.into() };
    sqlx::query("INSERT INTO slack_connections (id, org_id, bot_token) VALUES (?, ?, ?)")
        .bind(row.id)
        .bind(&row.org_id)
        .bind(row.bot_token.to_stored_value()?)
        .execute(db)
        .await?;
    Ok(())
}

/// All rows, decrypted.
pub async fn load(db: &SqlitePool) -> sqlx::Result<Vec<SlackConnection>> {
    sqlx::query_as("SELECT * FROM slack_connections ORDER BY id").fetch_all(db).await
}

/// The encrypted column as the database has it.
pub async fn stored(db: &SqlitePool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT bot_token FROM slack_connections ORDER BY id").fetch_all(db).await
}
