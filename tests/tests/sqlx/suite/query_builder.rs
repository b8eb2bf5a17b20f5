//! `QueryBuilder`: many rows in one statement.

use encrypted_field::{Result, StoredValue, ToStoredValue as _};
use sqlx::QueryBuilder;
use tests::secrets::plaintext;

use super::database::{Db, open};
use super::{connect, insert, read};
use crate::keys;
use crate::models::{BotToken, Note, SigningSecret, SlackConnection, WebhookKey};

const INSERT: &str =
    "INSERT INTO slack_connections (id, org_id, bot_token, signing_secret, webhook_key, note) ";

fn rows() -> Vec<SlackConnection> {
    let rows = (1..=100).map(|id| {
        let row = if id % 3 == 0 { SlackConnection::sparse(id) } else { SlackConnection::full(id) };
        SlackConnection { bot_token: plaintext(&id.to_string()).into(), ..row }
    });
    rows.collect()
}

#[tokio::test]
async fn values_of_fields() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let rows = rows();
    let mut insert = QueryBuilder::<Db>::new(INSERT);
    insert.push_values(&rows, |mut values, row| {
        values.push_bind(row.id).push_bind(&row.org_id).push_bind(&row.bot_token);
        values
            .push_bind(row.signing_secret.as_ref())
            .push_bind(&row.webhook_key)
            .push_bind(&row.note);
    });
    assert_eq!(insert.build().execute(&mut db).await.unwrap().rows_affected(), 100);
    for row in &rows {
        assert_eq!(read(&mut db, row.id).await.unwrap(), *row);
    }
}

type SealedRow = (
    i64,
    StoredValue<BotToken>,
    Option<StoredValue<SigningSecret>>,
    StoredValue<WebhookKey>,
    Option<StoredValue<Note>>,
);

/// As an application writes it: what can fail, fails here.
fn seal(row: &SlackConnection) -> Result<SealedRow> {
    Ok((
        row.id,
        row.bot_token.to_stored_value()?,
        row.signing_secret.to_stored_value()?,
        row.webhook_key.to_stored_value()?,
        row.note.to_stored_value()?,
    ))
}

#[tokio::test]
async fn values_sealed_ahead() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let rows = rows();
    let sealed = rows.iter().map(seal).collect::<Result<Vec<_>>>().unwrap();
    let mut insert = QueryBuilder::<Db>::new(INSERT);
    insert.push_values(sealed, |mut values, (id, token, secret, key, note)| {
        values.push_bind(id).push_bind("org").push_bind(token);
        values.push_bind(secret).push_bind(key).push_bind(note);
    });
    assert_eq!(insert.build().execute(&mut db).await.unwrap().rows_affected(), 100);
    for row in &rows {
        assert_eq!(read(&mut db, row.id).await.unwrap(), *row);
    }
}

#[tokio::test]
async fn one_argument_after_the_other() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    let mut update = QueryBuilder::<Db>::new("UPDATE slack_connections SET bot_token = ");
    let token = BotToken::from(plaintext("new"));
    update.push_bind(&token).push(", signing_secret = ").push_bind(None::<SigningSecret>);
    update
        .push(", note = ")
        .push_bind(Some(Note::from(plaintext("note")).to_stored_value().unwrap()));
    update.push(" WHERE id = ").push_bind(1_i64);
    update.build().execute(&mut db).await.unwrap();

    let expected = SlackConnection {
        bot_token: token,
        signing_secret: None,
        note: Some(plaintext("note").into()),
        ..SlackConnection::full(1)
    };
    assert_eq!(read(&mut db, 1).await.unwrap(), expected);

    let mut select = QueryBuilder::<Db>::new("SELECT * FROM slack_connections WHERE id = ");
    select.push_bind(1_i64);
    let row: SlackConnection = select.build_query_as().fetch_one(&mut db).await.unwrap();
    assert_eq!(row, expected);
}
