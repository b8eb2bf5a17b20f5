//! `storage = "binary"`, and a value in the form of the other storage.

use encrypted_field::{EncryptedField, ErrorKind, Storage};
use tests::secrets::SIGNING_SECRET;

use super::database::{READS_TEXT_AS_BYTES, TEXT_TO_BYTES, open, sql};
use super::{connect, insert, plant, read, stored_bytes, stored_text};
use crate::errors::{foreign, found};
use crate::keys;
use crate::models::{BotToken, Note, SigningSecret, SlackConnection, WebhookKey};

#[tokio::test]
async fn binary_is_a_quarter_shorter_than_text() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let note = Some(Note::from(SIGNING_SECRET));
    insert(&mut db, &SlackConnection { note, ..SlackConnection::full(1) }).await.unwrap();

    let bytes = stored_bytes(&mut db, "note", 1).await;
    assert!(bytes.starts_with(b"\xEFf1\0\0\0\x01\x01"));
    assert_eq!(bytes.len(), 48 + SIGNING_SECRET.len());
    let text = stored_text(&mut db, "signing_secret", 1).await;
    assert_eq!(text.len(), "ef1:1:".len() + (4 * (41 + SIGNING_SECRET.len())).div_ceil(3));
    assert_eq!((Note::STORAGE, SigningSecret::STORAGE), (Storage::Binary, Storage::Text));
}

/// Somebody changed the column's type, and the database converted what it held.
#[tokio::test]
async fn the_text_form_in_a_binary_column_is_refused() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let text = Note::from(SIGNING_SECRET).to_stored_text().unwrap();
    let update = format!("UPDATE slack_connections SET note = {TEXT_TO_BYTES}");
    sqlx::query(sql(&update)).bind(text).execute(&mut db).await.unwrap();

    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::WrongStorage, Note::CONTEXT));
}

/// What SQLx lets through to the field, the field refuses; PostgreSQL's types SQLx refuses itself.
#[tokio::test]
async fn a_text_column_of_a_binary_field_is_refused() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    plant(&mut db, "signing_secret", 1, Note::from(SIGNING_SECRET).to_stored_text().unwrap()).await;
    let select = sqlx::query_scalar::<_, Note>("SELECT signing_secret FROM slack_connections");
    let error = select.fetch_one(&mut db).await.unwrap_err();
    if READS_TEXT_AS_BYTES {
        assert_eq!(found(&error), (ErrorKind::WrongStorage, Note::CONTEXT));
    } else {
        assert!(foreign(&error).contains("mismatched types"));
    }
}

/// SQLx reads no bytes into what it takes for a string, on any database.
#[tokio::test]
async fn a_binary_column_of_a_text_field_is_refused_by_sqlx() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    plant(&mut db, "note", 1, SigningSecret::from(SIGNING_SECRET).to_stored().unwrap()).await;
    let select = sqlx::query_scalar::<_, SigningSecret>("SELECT note FROM slack_connections");
    assert!(foreign(&select.fetch_one(&mut db).await.unwrap_err()).contains("mismatched types"));
}

/// A text is bound to a text column: the two forms are no way around the context.
#[tokio::test]
async fn the_right_form_of_another_column_is_refused() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let stored = stored_bytes(&mut db, "webhook_key", 1).await;
    plant(&mut db, "note", 1, stored).await;
    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, Note::CONTEXT));

    let stored = stored_text(&mut db, "signing_secret", 1).await;
    plant(&mut db, "bot_token", 1, stored).await;
    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, BotToken::CONTEXT));
    assert_eq!(WebhookKey::CONTEXT, "slack_connections.webhook_key");
}
