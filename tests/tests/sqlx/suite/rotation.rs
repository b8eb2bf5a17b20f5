//! Rotation: old rows open and are stale, new ones are under the new key. (`transactions` moves a
//! row.)

use encrypted_field::{
    Encrypted, EncryptedField, EncryptedModel, ErrorKind, Key,
    key::{KeyState, Purpose},
};
use sqlx::FromRow;
use tests::secrets::KEYS;

use super::database::open;
use super::{connect, execute, insert, plant, read, stored_bytes, stored_text};
use crate::errors::{found, inside};
use crate::keys;
use crate::models::{BotToken, SlackConnection};

#[tokio::test]
async fn old_rows_open_and_are_stale() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    assert!(!read(&mut db, 1).await.unwrap().is_any_stale());
    drop(ring);

    let _ring = keys::rotated().hold();
    insert(&mut db, &SlackConnection::full(2)).await.unwrap();
    for (id, key, stale) in [(1, 1, true), (2, 2, false)] {
        let row = read(&mut db, id).await.unwrap();
        assert_eq!(row, SlackConnection::full(id));
        assert_eq!((row.bot_token.key_id(), row.bot_token.is_stale()), (keys::id(key), stale));
        assert_eq!((row.webhook_key.key_id(), row.webhook_key.is_stale()), (keys::id(key), stale));
        let secret = row.signing_secret.as_ref().unwrap();
        assert_eq!((secret.key_id(), secret.is_stale()), (keys::id(key), stale));
        assert_eq!(row.is_any_stale(), stale);
        assert!(stored_text(&mut db, "bot_token", id).await.starts_with(&format!("ef1:{key}:")));
        assert!(
            stored_bytes(&mut db, "note", id)
                .await
                .starts_with(&[0xEF, b'f', b'1', 0, 0, 0, key as u8])
        );
    }
}

/// What was read under the old key is written under the new one, a clone of it too.
#[tokio::test]
async fn a_value_is_written_under_the_key_active_then() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let row = read(&mut db, 1).await.unwrap();
    drop(ring);

    let _ring = keys::rotated().hold();
    assert!(row.is_any_stale(), "since the rotation");
    insert(&mut db, &row.with_id(2)).await.unwrap();
    assert!(!read(&mut db, 2).await.unwrap().is_any_stale());
}

#[tokio::test]
async fn a_row_is_stale_if_any_of_its_values_is() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let old = stored_bytes(&mut db, "note", 1).await;
    drop(ring);

    let _ring = keys::rotated().hold();
    insert(&mut db, &SlackConnection::full(2)).await.unwrap();
    plant(&mut db, "note", 2, old).await;
    let row = read(&mut db, 2).await.unwrap();
    assert!(row.is_any_stale() && !row.bot_token.is_stale() && row.note.unwrap().is_stale());
}

#[tokio::test]
async fn the_state_of_the_old_key_decides() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    drop(ring);

    // A pending key is the next active one: other processes seal with it already.
    for (state, stale) in
        [(KeyState::Retired, true), (KeyState::Compromised, true), (KeyState::Pending, false)]
    {
        let _ring = keys::first_in_state(state).hold();
        let row = read(&mut db, 1).await.unwrap();
        assert_eq!(row, SlackConnection::full(1), "{state:?}");
        assert_eq!(row.is_any_stale(), stale, "{state:?}");
    }
    let refused = [
        (keys::first_in_state(KeyState::Disabled), ErrorKind::KeyUnusable),
        (keys::second_and(Key::destroyed(1)), ErrorKind::KeyUnusable),
        (
            keys::second_and(Key::new(1, KEYS[0]).purpose(Purpose::Index)),
            ErrorKind::PurposeMismatch,
        ),
        (
            keys::second_and(Key::new(1, KEYS[2]).state(KeyState::Retired)),
            ErrorKind::Authentication,
        ),
    ];
    for (ring, kind) in refused {
        let _ring = ring.hold();
        let error = read(&mut db, 1).await.unwrap_err();
        assert_eq!(found(&error), (kind, BotToken::CONTEXT));
        assert_eq!(inside(&error).key_id(), keys::id(1));
    }
}

/// The column under its new name: bound to that, and to the old one as far as reading goes.
#[derive(Debug, PartialEq, FromRow, Encrypted)]
#[encrypted(table = "slack_connections")]
struct AfterRename {
    #[encrypted(String, previous_context = "slack_connections.bot_token")]
    access_token: AccessToken,
}

#[tokio::test]
async fn a_renamed_column_opens_and_is_stale() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let before = SlackConnection::full(1);
    insert(&mut db, &before).await.unwrap();
    execute(&mut db, "ALTER TABLE slack_connections RENAME COLUMN bot_token TO access_token").await;

    let select = "SELECT access_token FROM slack_connections";
    let old: AfterRename = sqlx::query_as(select).fetch_one(&mut db).await.unwrap();
    assert_eq!((&*old.access_token, old.access_token.key_id()), (&*before.bot_token, keys::id(1)));
    assert!(old.is_any_stale(), "under the active key, but not under its own context");

    plant(&mut db, "access_token", 1, &old.access_token).await;
    let new: AfterRename = sqlx::query_as(select).fetch_one(&mut db).await.unwrap();
    assert_eq!(new, old);
    assert!(!new.is_any_stale());
    // Other contexts do not open here as before.
    let moved = stored_text(&mut db, "signing_secret", 1).await;
    plant(&mut db, "access_token", 1, moved).await;
    let error = sqlx::query_as::<_, AfterRename>(select).fetch_one(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, AccessToken::CONTEXT));
}
