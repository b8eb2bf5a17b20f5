//! Transactions, where each write may still be taken back.

use encrypted_field::EncryptedModel;
use sqlx::Connection;
use tests::secrets::plaintext;

use super::database::{open, sql};
use super::{connect, count, insert, plant, read, stored_text};
use crate::errors::{foreign, found};
use crate::keys;
use crate::models::{BotToken, SlackConnection};

#[tokio::test]
async fn commit_keeps_and_rollback_takes_back() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    for (id, commit) in [(1, true), (2, false)] {
        let mut transaction = db.begin().await.unwrap();
        insert(&mut transaction, &SlackConnection::full(id)).await.unwrap();
        assert_eq!(read(&mut transaction, id).await.unwrap(), SlackConnection::full(id));
        if commit { transaction.commit().await } else { transaction.rollback().await }.unwrap();
    }
    assert_eq!(count(&mut db).await, 1);
    assert_eq!(read(&mut db, 1).await.unwrap(), SlackConnection::full(1));
}

#[tokio::test]
async fn an_inner_transaction_is_taken_back_alone() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let mut outer = db.begin().await.unwrap();
    insert(&mut outer, &SlackConnection::full(1)).await.unwrap();
    {
        let mut inner = outer.begin().await.unwrap();
        plant(&mut inner, "bot_token", 1, BotToken::from(plaintext("inner"))).await;
        assert_eq!(*read(&mut inner, 1).await.unwrap().bot_token, *plaintext("inner"));
    }
    outer.commit().await.unwrap();
    assert_eq!(read(&mut db, 1).await.unwrap(), SlackConnection::full(1));
}

/// Neither a value that can't be sealed nor one that can't be opened ends the transaction: the
/// database never sees them.
#[tokio::test]
async fn goes_on_after_an_error_of_the_library() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    plant(&mut db, "bot_token", 1, plaintext("planted")).await;
    let mut transaction = db.begin().await.unwrap();
    {
        let _ring = keys::read_only().hold();
        foreign(&insert(&mut transaction, &SlackConnection::full(2)).await.unwrap_err());
    }
    found(&read(&mut transaction, 1).await.unwrap_err());
    insert(&mut transaction, &SlackConnection::full(3)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&mut db).await, 2);
}

/// The lazy re-encryption: read, see that it is stale, write back.
#[tokio::test]
async fn a_stale_row_is_moved_under_the_active_key() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    drop(ring);
    let _ring = keys::rotated().hold();

    let mut transaction = db.begin().await.unwrap();
    let row = read(&mut transaction, 1).await.unwrap();
    assert!(row.is_any_stale());
    let update = "UPDATE slack_connections SET bot_token = $1, signing_secret = $2, webhook_key = $3, note = $4 \
                  WHERE id = $5";
    let query = sqlx::query(sql(update)).bind(&row.bot_token).bind(&row.signing_secret);
    let query = query.bind(&row.webhook_key).bind(&row.note).bind(row.id);
    query.execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();

    assert!(stored_text(&mut db, "bot_token", 1).await.starts_with("ef1:2:"));
    let _only_the_new_key = keys::without_the_first().hold();
    let moved = read(&mut db, 1).await.unwrap();
    assert!(!moved.is_any_stale());
    assert_eq!(moved, row);
}
