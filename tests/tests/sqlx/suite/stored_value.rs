//! `to_stored_value()`: the value sealed ahead of its write, so that a failure is an error of ours
//! and not SQLx's.

use encrypted_field::EncryptedField as _;
use encrypted_field::{ErrorKind, StoredValue, ToStoredValue as _};
use sqlx::QueryBuilder;

use super::database::{Db, open, sql};
use super::{INSERT, connect, count, insert, read, stored_text};
use crate::errors::{foreign, shows_no_secret};
use crate::keys;
use crate::models::{BotToken, Note, SlackConnection};

#[tokio::test]
async fn binds_like_the_field() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    for row in [SlackConnection::full(1), SlackConnection::sparse(2)] {
        let secret = row.signing_secret.to_stored_value().unwrap();
        let note = row.note.to_stored_value().unwrap();
        let query = sqlx::query(sql(INSERT)).bind(row.id).bind(&row.org_id);
        let query = query.bind(row.bot_token.to_stored_value().unwrap()).bind(secret);
        let query = query.bind(&row.webhook_key.to_stored_value().unwrap()).bind(note.as_ref());
        query.execute(&mut db).await.unwrap();
        assert_eq!(read(&mut db, row.id).await.unwrap(), row);
    }
}

#[tokio::test]
async fn stores_what_it_shows() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let row = SlackConnection::full(1);
    insert(&mut db, &row).await.unwrap();
    let (token, key) =
        (row.bot_token.to_stored_value().unwrap(), row.webhook_key.to_stored_value().unwrap());
    let update = "UPDATE slack_connections SET bot_token = $1, webhook_key = $2";
    sqlx::query(sql(update)).bind(&token).bind(&key).execute(&mut db).await.unwrap();

    assert_eq!(token.as_text(), Some(&*stored_text(&mut db, "bot_token", 1).await));
    assert_eq!(key.as_bytes(), super::stored_bytes(&mut db, "webhook_key", 1).await);
    assert_eq!(key.as_text(), None);
    assert_eq!(read(&mut db, 1).await.unwrap(), row);
    assert_eq!(format!("{token:?}"), "StoredValue(..)");
}

/// Under the key of then: a rotation between sealing and writing leaves a value that is stale.
#[tokio::test]
async fn is_under_the_key_that_was_active() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let sealed = SlackConnection::full(1).bot_token.to_stored_value().unwrap();
    drop(ring);
    let _ring = keys::rotated().hold();
    sqlx::query(sql("UPDATE slack_connections SET bot_token = $1"))
        .bind(sealed)
        .execute(&mut db)
        .await
        .unwrap();
    let token = read(&mut db, 1).await.unwrap().bot_token;
    assert_eq!((token.key_id(), token.is_stale()), (keys::id(1), true));
}

#[tokio::test]
async fn a_failure_is_an_error_of_ours() {
    let Some(database) = open() else { return };
    let _ring = keys::read_only().hold();
    let mut db = connect(&database).await;
    let SlackConnection { bot_token, note, .. } = SlackConnection::full(1);
    let error = bot_token.to_stored_value().unwrap_err();
    assert_eq!((error.kind(), error.column()), (ErrorKind::NoActiveKey, Some(BotToken::CONTEXT)));
    let error = note.to_stored_value().unwrap_err();
    assert_eq!((error.kind(), error.column()), (ErrorKind::NoActiveKey, Some(Note::CONTEXT)));
    shows_no_secret(&error);
    assert_eq!(count(&mut db).await, 0);
}

/// Not sealed ahead, the same is a panic inside of SQLx: `QueryBuilder` has no way to return an
/// error.
#[tokio::test]
async fn without_it_push_bind_panics() {
    let Some(database) = open() else { return };
    let _ring = keys::read_only().hold();
    let mut db = connect(&database).await;
    let token = SlackConnection::full(1).bot_token;
    let push = std::panic::AssertUnwindSafe(|| {
        QueryBuilder::<Db>::new("INSERT INTO slack_connections (bot_token) VALUES (")
            .push_bind(&token);
    });
    let panic = std::panic::catch_unwind(push).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("Failed to add argument: "), "{message}");
    shows_no_secret(message);

    // `bind` waits for the execution.
    let update = sqlx::query(sql("UPDATE slack_connections SET bot_token = $1")).bind(&token);
    foreign(&update.execute(&mut db).await.unwrap_err());
}

/// What is bound must be what the column takes.
#[test]
fn it_is_of_the_type_of_its_field() {
    use sqlx::Type;
    assert_eq!(
        <StoredValue<BotToken> as Type<Db>>::type_info(),
        <BotToken as Type<Db>>::type_info()
    );
    assert_eq!(<StoredValue<Note> as Type<Db>>::type_info(), <Note as Type<Db>>::type_info());
    assert_ne!(
        <StoredValue<BotToken> as Type<Db>>::type_info(),
        <StoredValue<Note> as Type<Db>>::type_info()
    );
    assert_eq!(<BotToken as Type<Db>>::type_info(), <String as Type<Db>>::type_info());
    assert_eq!(<Note as Type<Db>>::type_info(), <Vec<u8> as Type<Db>>::type_info());
}
