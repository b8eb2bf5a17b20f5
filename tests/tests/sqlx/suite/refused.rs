//! What may stand in a column and is refused: the library's error is found inside of SQLx's, names
//! the column, and shows nothing.

use encrypted_field::{EncryptedField, ErrorFamily, ErrorKind};
use tests::secrets::{BOT_TOKEN, plaintext};

use super::database::open;
use super::{connect, insert, plant, read, stored_bytes, stored_text};
use crate::errors::{found, inside};
use crate::keys;
use crate::models::{BotToken, SlackConnection, WebhookKey};

#[tokio::test]
async fn plaintext_in_a_text_column() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    // The second is what `bind(&*token)` writes, the rest is nearly a stored value.
    for planted in ["", BOT_TOKEN, "ef1", "ef1;1:", "ef:1:", "Ef1:1:", " ef1:1:", "efx:1:"] {
        plant(&mut db, "bot_token", 1, planted).await;
        let error = read(&mut db, 1).await.unwrap_err();
        assert_eq!(found(&error), (ErrorKind::NotEncrypted, BotToken::CONTEXT));
    }
}

#[tokio::test]
async fn plaintext_in_a_binary_column() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    for planted in [&b""[..], plaintext("key").as_bytes(), b"\xEF", b"\xEFf", b"\xEFf:1", b"\xEFg1"]
    {
        plant(&mut db, "webhook_key", 1, planted.to_vec()).await;
        let error = read(&mut db, 1).await.unwrap_err();
        assert_eq!(found(&error), (ErrorKind::NotEncrypted, WebhookKey::CONTEXT));
    }
}

/// The error says which column, in SQLx's words and in ours, and of which family it is.
#[tokio::test]
async fn the_error_tells_where() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    plant(&mut db, "bot_token", 1, BOT_TOKEN).await;
    let error = read(&mut db, 1).await.unwrap_err();
    assert!(
        matches!(&error, sqlx::Error::ColumnDecode { index, .. } if index.contains("bot_token"))
    );
    assert_eq!(inside(&error).kind().family(), ErrorFamily::Data);
    let message = error.to_string();
    assert!(
        message.contains("slack_connections.bot_token: the stored value is not encrypted"),
        "{message}"
    );
}

#[tokio::test]
async fn the_value_of_another_column_and_another_field_type() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let moved = stored_text(&mut db, "signing_secret", 1).await;
    plant(&mut db, "bot_token", 1, moved).await;
    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, BotToken::CONTEXT));
    assert_eq!(inside(&error).key_id(), keys::id(1));
}

/// Of the same column, another row's value does open: rows are not bound.
#[tokio::test]
async fn not_the_value_of_another_row() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let other =
        SlackConnection { bot_token: plaintext("other").into(), ..SlackConnection::full(2) };
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    insert(&mut db, &other).await.unwrap();
    let moved = stored_text(&mut db, "bot_token", 2).await;
    plant(&mut db, "bot_token", 1, moved).await;
    assert_eq!(read(&mut db, 1).await.unwrap().bot_token, other.bot_token);
}

/// A detached value, as in a cookie, is none of the column's.
#[tokio::test]
async fn a_detached_value() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let row = SlackConnection::full(1);
    insert(&mut db, &row).await.unwrap();
    plant(&mut db, "bot_token", 1, row.bot_token.seal_text().unwrap()).await;
    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, BotToken::CONTEXT));

    let stored = row.bot_token.to_stored_text().unwrap();
    assert_eq!(BotToken::open_text(&stored).unwrap_err().kind(), ErrorKind::Authentication);
}

/// Damage of a text, with what it is taken for.
fn damaged_text(stored: &str) -> Vec<(ErrorKind, String)> {
    let (head, payload) = stored.split_at("ef1:1:".len());
    let flipped = |at: usize| {
        let mut bytes = stored.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    vec![
        (ErrorKind::Authentication, flipped(stored.len() - 10)),
        (ErrorKind::Authentication, flipped(head.len() + 10)),
        (ErrorKind::Malformed, format!("{head}__{}", &payload[2..])),
        (ErrorKind::UnsupportedSuite, format!("{head}Ag{}", &payload[2..])),
        (ErrorKind::UnsupportedVersion, format!("ef2:1:{payload}")),
        (ErrorKind::NotEncrypted, format!("ef10:1:{payload}")),
        (ErrorKind::UnknownKey, format!("ef1:99:{payload}")),
        (ErrorKind::NotEncrypted, format!("ef1:01:{payload}")),
        (ErrorKind::NotEncrypted, format!("ef1::{payload}")),
        (ErrorKind::Malformed, format!("{stored}=")),
        (ErrorKind::Malformed, format!("{stored}\n")),
        (ErrorKind::Malformed, format!("{stored} ")),
        (ErrorKind::Malformed, format!("{head}{}", payload.replacen(&payload[..1], "+", 1))),
        (ErrorKind::Malformed, stored[..30].to_owned()),
        (ErrorKind::Malformed, head.to_owned()),
        (ErrorKind::Malformed, "ef1:".to_owned()),
        (ErrorKind::Pending, "ef1:0:".to_owned()),
    ]
}

#[tokio::test]
async fn damage_to_a_text() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let stored = stored_text(&mut db, "bot_token", 1).await;
    for (number, (kind, damaged)) in damaged_text(&stored).into_iter().enumerate() {
        plant(&mut db, "bot_token", 1, damaged).await;
        let error = read(&mut db, 1).await.unwrap_err();
        assert_eq!(found(&error), (kind, BotToken::CONTEXT), "case {number}");
    }
    plant(&mut db, "bot_token", 1, stored).await;
    assert_eq!(read(&mut db, 1).await.unwrap(), SlackConnection::full(1));
}

#[tokio::test]
async fn damage_to_bytes() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let stored = stored_bytes(&mut db, "webhook_key", 1).await;
    // Marker and version, key id, suite, nonce, ciphertext, tag.
    let flips =
        [(2, ErrorKind::NotEncrypted), (6, ErrorKind::UnknownKey), (7, ErrorKind::NotEncrypted)];
    let flips = flips
        .into_iter()
        .chain([10, 40, stored.len() - 1].map(|at| (at, ErrorKind::Authentication)));
    let mut cases: Vec<_> = flips
        .map(|(at, kind)| {
            let mut flipped = stored.clone();
            flipped[at] ^= 0x08;
            (kind, flipped)
        })
        .collect();
    cases.push((ErrorKind::Authentication, [&stored[..], b"\0"].concat()));
    cases.push((ErrorKind::Authentication, stored[..stored.len() - 1].to_vec()));
    cases.push((ErrorKind::Malformed, stored[..40].to_vec()));
    cases.push((ErrorKind::Malformed, stored[..3].to_vec()));
    for (number, (kind, damaged)) in cases.into_iter().enumerate() {
        plant(&mut db, "webhook_key", 1, damaged).await;
        let error = read(&mut db, 1).await.unwrap_err();
        assert_eq!(found(&error), (kind, WebhookKey::CONTEXT), "case {number}");
    }
}
