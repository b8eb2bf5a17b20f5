//! `bind`: every form of an argument, NULL, `RETURNING`.

use std::sync::Arc;

use encrypted_field::{EncryptedField, ErrorKind};
use tests::secrets::{BOT_TOKEN, plaintext};

use super::database::{Db, UPDATE_RETURNING, open, sql};
use super::{INSERT, connect, count, insert, read, stored_text};
use crate::errors::{foreign, inside};
use crate::keys;
use crate::models::{BotToken, Note, SigningSecret, SlackConnection};

#[tokio::test]
async fn every_form_of_an_argument() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let SlackConnection { org_id, bot_token, signing_secret, webhook_key, note, .. } =
        SlackConnection::full(0);

    macro_rules! insert {
        ($id:literal: $token:expr, $secret:expr, $key:expr, $note:expr) => {{
            let query = sqlx::query(sql(INSERT)).bind($id).bind(&org_id);
            let query = query.bind($token).bind($secret).bind($key).bind($note);
            query.execute(&mut db).await.unwrap();
        }};
    }
    insert!(1_i64: bot_token.clone(), signing_secret.clone(), webhook_key.clone(), note.clone());
    insert!(2_i64: &bot_token, &signing_secret, &webhook_key, &note);
    insert!(3_i64: &&bot_token, signing_secret.as_ref(), &&webhook_key, note.as_ref());
    insert!(4_i64: Some(bot_token.clone()), &signing_secret.as_ref(), Some(&webhook_key), &note.as_ref());
    insert!(5_i64: Arc::new(bot_token.clone()), signing_secret.clone(), Box::new(webhook_key.clone()), note);

    for id in 1..=5 {
        assert_eq!(
            read(&mut db, id).await.unwrap(),
            SlackConnection::full(id).with_id(id),
            "row {id}"
        );
    }
}

#[tokio::test]
async fn none_is_null() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let SlackConnection { org_id, bot_token, webhook_key, .. } = SlackConnection::sparse(0);
    let query = sqlx::query(sql(INSERT))
        .bind(1_i64)
        .bind(org_id)
        .bind(bot_token)
        .bind(None::<SigningSecret>);
    query.bind(webhook_key).bind(None::<&Note>).execute(&mut db).await.unwrap();
    insert(&mut db, &SlackConnection::sparse(2)).await.unwrap();

    for id in 1..=2 {
        assert_eq!(read(&mut db, id).await.unwrap(), SlackConnection::sparse(id));
    }
    let nulls =
        "SELECT COUNT(*) FROM slack_connections WHERE signing_secret IS NULL AND note IS NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(nulls).fetch_one(&mut db).await.unwrap(), 2);
}

#[tokio::test]
async fn the_empty_string_is_not_null() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let empty = SlackConnection {
        bot_token: "".into(),
        signing_secret: Some("".into()),
        webhook_key: Vec::new().into(),
        note: Some("".into()),
        ..SlackConnection::sparse(1)
    };
    insert(&mut db, &empty).await.unwrap();

    let read = read(&mut db, 1).await.unwrap();
    assert_eq!(read, empty);
    assert_eq!((&*read.bot_token, &*read.webhook_key), ("", &[][..]));
    // A head of ef1:1: and 41 bytes in base64url.
    assert_eq!(stored_text(&mut db, "signing_secret", 1).await.len(), "ef1:1:".len() + 55);
}

#[tokio::test]
async fn the_same_value_is_stored_differently_each_time() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let row = SlackConnection::full(1);
    for id in 1..=4 {
        insert(&mut db, &row.with_id(id)).await.unwrap();
    }
    // Read and written back, too.
    let again = read(&mut db, 1).await.unwrap().with_id(5);
    insert(&mut db, &again).await.unwrap();
    // And within one statement.
    let update = "UPDATE slack_connections SET bot_token = $1, signing_secret = $2 WHERE id = 1";
    let token = &row.bot_token;
    sqlx::query(sql(update)).bind(token).bind(token).execute(&mut db).await.unwrap();

    for column in ["bot_token", "signing_secret"] {
        let statement = format!("SELECT COUNT(DISTINCT {column}) FROM slack_connections");
        let distinct: i64 = sqlx::query_scalar(sql(&statement)).fetch_one(&mut db).await.unwrap();
        assert_eq!(distinct, 5, "{column}");
    }
    let same = "SELECT COUNT(*) FROM slack_connections WHERE bot_token = signing_secret";
    assert_eq!(sqlx::query_scalar::<_, i64>(same).fetch_one(&mut db).await.unwrap(), 0);
}

#[tokio::test]
async fn update_sets_a_new_value() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let update = "UPDATE slack_connections SET bot_token = $1, signing_secret = $2 WHERE id = 1";
    let new = BotToken::from(plaintext("new"));
    sqlx::query(sql(update)).bind(&new).bind(None::<SigningSecret>).execute(&mut db).await.unwrap();

    let read = read(&mut db, 1).await.unwrap();
    assert_eq!((read.bot_token, read.signing_secret), (new, None));
}

#[tokio::test]
async fn returning_gives_what_was_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let row = SlackConnection::full(1);
    let returned: SlackConnection = sqlx::query_as(sql(&format!("{INSERT} RETURNING *")))
        .bind(row.id)
        .bind(&row.org_id)
        .bind(&row.bot_token)
        .bind(&row.signing_secret)
        .bind(&row.webhook_key)
        .bind(&row.note)
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(returned, row);
    assert_eq!(returned.bot_token.key_id(), keys::id(1));

    if UPDATE_RETURNING {
        let update = "UPDATE slack_connections SET bot_token = $1 RETURNING bot_token, note";
        let query = sqlx::query_as(sql(update)).bind(BotToken::from(plaintext("new")));
        let (token, note): (BotToken, Option<Note>) = query.fetch_one(&mut db).await.unwrap();
        assert_eq!((token, note), (plaintext("new").into(), row.note));
    }
}

/// It compiles, as any value of SQLx does; it can't find anything, as each sealing differs.
#[tokio::test]
async fn a_search_for_an_encrypted_value_finds_nothing() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let row = SlackConnection::full(1);
    insert(&mut db, &row).await.unwrap();
    let search = "SELECT id FROM slack_connections WHERE bot_token = $1";
    let query = sqlx::query_scalar::<_, i64>(sql(search)).bind(&row.bot_token);
    assert_eq!(query.fetch_optional(&mut db).await.unwrap(), None);
}

#[tokio::test]
async fn a_stored_value_is_not_encrypted_again() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    // Read as a plain string by mistake, and written back through the field.
    let twice = BotToken::from(stored_text(&mut db, "bot_token", 1).await);
    let error =
        insert(&mut db, &SlackConnection { bot_token: twice, ..SlackConnection::full(2) }).await;
    assert!(foreign(&error.unwrap_err()).contains("stored value of this very column"));
    assert_eq!(count(&mut db).await, 1);

    // What only looks like one is a text like any other: made up, or of another column.
    let other = stored_text(&mut db, "signing_secret", 1).await;
    for (id, lookalike) in [(3, format!("ef1:1:AAAA{BOT_TOKEN}")), (4, other)] {
        let row = SlackConnection { bot_token: lookalike.into(), ..SlackConnection::full(id) };
        insert(&mut db, &row).await.unwrap();
        assert_eq!(read(&mut db, id).await.unwrap(), row);
    }
}

/// `bind` turns an error into text, so what it was is lost, and only `try_bind` keeps it. (`sealed`
/// does too.)
#[tokio::test]
async fn bind_keeps_only_the_message_of_an_error() {
    let Some(database) = open() else { return };
    let _ring = keys::read_only().hold();
    let mut db = connect(&database).await;
    let message = foreign(&insert(&mut db, &SlackConnection::full(1)).await.unwrap_err());
    assert!(
        message.contains("Encoding argument $3 failed: slack_connections.bot_token: "),
        "{message}"
    );
    assert_eq!(count(&mut db).await, 0);

    let mut query = sqlx::query::<Db>(sql(INSERT));
    let error = sqlx::Error::Encode(query.try_bind(BotToken::from(BOT_TOKEN)).unwrap_err());
    assert_eq!(inside(&error).kind(), ErrorKind::NoActiveKey);
    assert_eq!(inside(&error).column(), Some(BotToken::CONTEXT));
}
