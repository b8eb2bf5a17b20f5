//! The types of columns as `sqlx.toml` gives them: the queries say nothing.

use encrypted_field::{EncryptedField, EncryptedModel, Error, ErrorKind};
use sqlx::{Connection, PgConnection};
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET, plaintext};
use tests_sqlx_macros::{BotToken, SigningSecret, SlackConnection, WebhookKey, other_ring, ring};

use crate::connect;

async fn insert(db: &mut PgConnection, signing_secret: Option<SigningSecret>) -> SlackConnection {
    let (bot_token, webhook_key) =
        (BotToken::from(BOT_TOKEN), WebhookKey::from(plaintext("key").into_bytes()));
    let insert = sqlx::query!(
        "INSERT INTO slack_connections (org_id, bot_token, signing_secret, webhook_key) VALUES ('org', $1, $2, $3) \
         RETURNING id",
        &bot_token as _,
        signing_secret.as_ref() as _,
        &webhook_key as _
    );
    let id = insert.fetch_one(db).await.unwrap().id;
    SlackConnection { id, org_id: "org".to_owned(), bot_token, signing_secret, webhook_key }
}

#[tokio::test]
async fn query_as_a_model() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    for secret in [Some(SIGNING_SECRET.into()), None] {
        let expected = insert(&mut db, secret).await;
        let select = sqlx::query_as!(
            SlackConnection,
            "SELECT id, org_id, bot_token, signing_secret, webhook_key FROM slack_connections WHERE id = $1",
            expected.id
        );
        let row = select.fetch_one(&mut *db).await.unwrap();
        assert_eq!(row, expected);
        assert!(!row.is_any_stale());
        let select = sqlx::query_as!(
            SlackConnection,
            "SELECT * FROM slack_connections WHERE id = $1",
            expected.id
        );
        assert_eq!(select.fetch_one(&mut *db).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn query_of_a_record() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let expected = insert(&mut db, Some(SIGNING_SECRET.into())).await;
    let row = sqlx::query!("SELECT * FROM slack_connections WHERE id = $1", expected.id)
        .fetch_one(&mut *db)
        .await
        .unwrap();
    let columns: (BotToken, Option<SigningSecret>, WebhookKey) =
        (row.bot_token, row.signing_secret, row.webhook_key);
    assert_eq!(columns, (expected.bot_token, expected.signing_secret, expected.webhook_key));
}

#[tokio::test]
async fn query_of_a_scalar() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let expected = insert(&mut db, None).await;
    let token: BotToken =
        sqlx::query_scalar!("SELECT bot_token FROM slack_connections WHERE id = $1", expected.id)
            .fetch_one(&mut *db)
            .await
            .unwrap();
    assert_eq!(token, expected.bot_token);
    let secret: Option<SigningSecret> = sqlx::query_scalar!(
        "SELECT signing_secret FROM slack_connections WHERE id = $1",
        expected.id
    )
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(secret, None);
}

#[tokio::test]
async fn returning_has_the_types_too() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let id = insert(&mut db, None).await.id;
    let new = BotToken::from(plaintext("new"));
    let update = sqlx::query!(
        "UPDATE slack_connections SET bot_token = $1 WHERE id = $2 RETURNING bot_token, signing_secret",
        &new as _,
        id
    );
    let row = update.fetch_one(&mut *db).await.unwrap();
    assert_eq!((row.bot_token, row.signing_secret), (new, None));
}

#[tokio::test]
async fn a_value_that_does_not_open_is_an_error_of_ours() {
    let Some(mut connection) = connect().await else { return };
    let held = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let id = insert(&mut db, None).await.id;
    drop(held);
    let _ring = other_ring().hold();
    let select = sqlx::query_scalar!("SELECT bot_token FROM slack_connections WHERE id = $1", id);
    let error = select.fetch_one(&mut *db).await.unwrap_err();
    let found = Error::find(&error).unwrap();
    assert_eq!((found.kind(), found.column()), (ErrorKind::UnknownKey, Some(BotToken::CONTEXT)));
}
