//! `query_as` into tuples, `query_scalar`, and the column as the plain type that it has in the
//! database.

use sqlx::FromRow;
use tests::secrets::{BOT_TOKEN, CANARY};

use super::database::{open, sql};
use super::{connect, insert};
use crate::keys;
use crate::models::{BotToken, Note, SigningSecret, SlackConnection, WebhookKey};

#[tokio::test]
async fn tuples() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
    for row in &rows {
        insert(&mut db, row).await.unwrap();
    }
    type Columns = (i64, BotToken, Option<SigningSecret>, WebhookKey, Option<Note>);
    let select = "SELECT id, bot_token, signing_secret, webhook_key, note FROM slack_connections ORDER BY id";
    let read: Vec<Columns> = sqlx::query_as(select).fetch_all(&mut db).await.unwrap();
    let written =
        rows.map(|row| (row.id, row.bot_token, row.signing_secret, row.webhook_key, row.note));
    assert_eq!(read, written);
}

#[tokio::test]
async fn scalars() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
    for row in &rows {
        insert(&mut db, row).await.unwrap();
    }
    let token: BotToken = sqlx::query_scalar("SELECT bot_token FROM slack_connections")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(token, rows[0].bot_token);

    let select = "SELECT signing_secret FROM slack_connections ORDER BY id";
    let secrets: Vec<Option<SigningSecret>> =
        sqlx::query_scalar(select).fetch_all(&mut db).await.unwrap();
    assert_eq!(secrets, [rows[0].signing_secret.clone(), None]);

    let select = "SELECT note FROM slack_connections WHERE id = $1";
    for (id, expected) in [(1, Some(rows[0].note.clone())), (2, Some(None)), (3, None)] {
        let note: Option<Option<Note>> =
            sqlx::query_scalar(sql(select)).bind(id).fetch_optional(&mut db).await.unwrap();
        assert_eq!(note, expected, "row {id}");
    }
}

/// Unprepared, where values come as text, and PostgreSQL's bytes in hexadecimal. Some poolers ask
/// for this.
#[tokio::test]
async fn raw_sql_is_read() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let rows = [SlackConnection::full(1), SlackConnection::sparse(2)];
    for row in &rows {
        insert(&mut db, row).await.unwrap();
    }
    let select = sqlx::raw_sql("SELECT * FROM slack_connections ORDER BY id");
    let read = select.fetch_all(&mut db).await.unwrap();
    let read: Vec<_> = read.iter().map(|row| SlackConnection::from_row(row).unwrap()).collect();
    assert_eq!(read, rows);
}

#[tokio::test]
async fn the_database_holds_ciphertext() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let select = "SELECT bot_token, webhook_key FROM slack_connections";
    let (text, bytes): (String, Vec<u8>) = sqlx::query_as(select).fetch_one(&mut db).await.unwrap();
    assert!(text.starts_with("ef1:1:") && !text.contains(BOT_TOKEN));
    assert!(bytes.starts_with(b"\xEFf1\0\0\0\x01"));
    assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));

    // And that opens by hand as well.
    assert_eq!(*BotToken::from_stored_text(text).unwrap(), *BOT_TOKEN);
}
