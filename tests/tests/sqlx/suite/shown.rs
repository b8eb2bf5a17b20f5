//! `Debug` of rows, queries and errors shows no value.

use super::database::open;
use super::{connect, insert, read};
use crate::errors::shows_no_secret;
use crate::keys;
use crate::models::{BotToken, SlackConnection};

#[tokio::test]
async fn debug_of_a_row() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let row = read(&mut db, 1).await.unwrap();
    shows_no_secret(&row);
    assert_eq!(
        format!("{row:?}"),
        "SlackConnection { id: 1, org_id: \"org\", bot_token: BotToken([encrypted]), signing_secret: \
         Some(SigningSecret([encrypted])), webhook_key: WebhookKey([encrypted]), note: Some(Note([encrypted])) }"
    );
}

#[tokio::test]
async fn debug_of_what_sqlx_read() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let select = "SELECT bot_token, note FROM slack_connections";
    let row = sqlx::query(select).fetch_one(&mut db).await.unwrap();
    shows_no_secret(&sqlx::Row::columns(&row));
    let tuple: (BotToken,) = sqlx::query_as(select).fetch_one(&mut db).await.unwrap();
    shows_no_secret(&tuple);
    assert_eq!(format!("{tuple:?}"), "(BotToken([encrypted]),)");
}
