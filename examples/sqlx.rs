//! The shortest honest SQLx application: `ENCRYPTED_FIELD_KEYS=1:$(openssl rand -base64 32) cargo
//! run --example sqlx`

use encrypted_field::Encrypted;
use sqlx::{FromRow, SqlitePool};

#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "slack_connections")]
struct SlackConnection {
    id: i32,
    org_id: String,
    #[encrypted(String)]
    bot_token: BotToken,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Fails here if the keys are missing or wrong, not at the first query.
    encrypted_field::install(encrypted_field::Keyring::from_env()?)?;

    // One connection: each connection to `:memory:` is a database of its own.
    let db = sqlx::pool::PoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    create(&db).await?;

    let connection =
        SlackConnection { id: 1, org_id: "acme".into(), bot_token: "xoxb-1234".into() };
    sqlx::query("INSERT INTO slack_connections (id, org_id, bot_token) VALUES (?, ?, ?)")
        .bind(connection.id)
        .bind(&connection.org_id)
        .bind(connection.bot_token.to_stored_value()?)
        .execute(&db)
        .await?;

    let read: SlackConnection =
        sqlx::query_as("SELECT * FROM slack_connections").fetch_one(&db).await?;
    println!("{read:?}"); // BotToken([encrypted])
    println!("the token has {} characters", read.bot_token.len()); // it derefs to &str
    Ok(())
}

async fn create(db: &SqlitePool) -> sqlx::Result<()> {
    sqlx::query("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY NOT NULL, org_id TEXT NOT NULL, bot_token TEXT NOT NULL)")
        .execute(db)
        .await
        .map(|_| ())
}
