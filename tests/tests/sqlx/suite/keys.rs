//! Keys that are missing, and keys of other scopes.

use encrypted_field::{EncryptedField, ErrorFamily, ErrorKind};
use tests::secrets::plaintext;

use super::database::{TEXT, open, sql};
use super::{Connection, connect, count, execute, insert, read};
use crate::errors::{foreign, found, inside};
use crate::keys;
use crate::models::{BotToken, GithubToken, Integration, SlackConnection, SlackToken};

#[tokio::test]
async fn without_an_active_key_nothing_is_inserted() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    drop(ring);

    let _ring = keys::read_only().hold();
    let message = foreign(&insert(&mut db, &SlackConnection::full(2)).await.unwrap_err());
    assert!(message.contains("no key of this scope and purpose is active"), "{message}");
    assert_eq!(count(&mut db).await, 1);
    // Reading goes on, and the connection is as good as before.
    assert_eq!(read(&mut db, 1).await.unwrap(), SlackConnection::full(1));
    let _ring = keys::first().hold();
    insert(&mut db, &SlackConnection::full(3)).await.unwrap();
    assert_eq!(count(&mut db).await, 2);
}

#[tokio::test]
async fn a_key_that_the_ring_lacks() {
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    drop(ring);

    let _ring = keys::without_the_first().hold();
    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::UnknownKey, BotToken::CONTEXT));
    assert_eq!(
        (inside(&error).key_id(), inside(&error).kind().family()),
        (keys::id(1), ErrorFamily::Keys)
    );
    assert!(error.to_string().contains("key 1: "));
}

/// No ring is held here, none is installed in this process, and the environment has none.
#[tokio::test]
async fn without_any_key_the_error_says_what_to_set() {
    let set = std::env::vars_os()
        .find(|(name, _)| name.to_string_lossy().starts_with("ENCRYPTED_FIELD_"));
    assert!(
        set.is_none(),
        "keys of an application are set: run ./test, or unset {:?}",
        set.unwrap().0
    );
    let Some(database) = open() else { return };
    let ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::full(1)).await.unwrap();
    drop(ring);

    let error = read(&mut db, 1).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::NoKeys, BotToken::CONTEXT));
    let message = foreign(&insert(&mut db, &SlackConnection::full(2)).await.unwrap_err());
    for message in [message, error.to_string()] {
        assert!(
            message.contains("no keys are set")
                && message.contains("set ENCRYPTED_FIELD_KEYS to 1:<key>"),
            "{message}"
        );
    }
    assert_eq!(count(&mut db).await, 1);
}

async fn integrations(db: &mut Connection) {
    execute(db, &format!("CREATE TABLE integrations (id BIGINT, slack {TEXT}, github {TEXT})"))
        .await;
}

#[tokio::test]
async fn each_scope_has_its_own_key() {
    let Some(database) = open() else { return };
    let _ring = keys::scoped().hold();
    let mut db = database.connect().await;
    integrations(&mut db).await;
    let (slack, github) =
        (SlackToken::from(plaintext("slack")), GithubToken::from(plaintext("github")));
    let insert = "INSERT INTO integrations VALUES (1, $1, $2)";
    sqlx::query(sql(insert)).bind(&slack).bind(&github).execute(&mut db).await.unwrap();

    let row: Integration =
        sqlx::query_as("SELECT * FROM integrations").fetch_one(&mut db).await.unwrap();
    assert_eq!((row.slack.as_ref(), row.github.as_ref()), (Some(&slack), Some(&github)));
    let keys = (row.slack.unwrap().key_id(), row.github.unwrap().key_id());
    assert_eq!(keys, (keys::id(3), keys::id(4)));
}

#[tokio::test]
async fn a_key_of_another_scope_is_refused() {
    let Some(database) = open() else { return };
    let _ring = keys::scoped().hold();
    let mut db = database.connect().await;
    integrations(&mut db).await;
    let stored = GithubToken::from(plaintext("github")).to_stored_text().unwrap();
    let insert = "INSERT INTO integrations (id, slack) VALUES (1, $1)";
    sqlx::query(sql(insert)).bind(stored).execute(&mut db).await.unwrap();

    let select = sqlx::query_as::<_, Integration>("SELECT * FROM integrations");
    let error = select.fetch_one(&mut db).await.unwrap_err();
    // Not `Authentication`: the key is not even tried.
    assert_eq!(found(&error), (ErrorKind::ScopeMismatch, SlackToken::CONTEXT));
    assert_eq!(inside(&error).key_id(), keys::id(4));
}

#[tokio::test]
async fn a_scope_without_a_key_writes_nothing() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    integrations(&mut db).await;
    let insert = "INSERT INTO integrations (id, slack) VALUES (1, $1)";
    let query = sqlx::query(sql(insert)).bind(SlackToken::from(plaintext("slack")));
    let message = foreign(&query.execute(&mut db).await.unwrap_err());
    assert!(
        message.contains("integrations.slack: ") && message.contains("scope \"slack\""),
        "{message}"
    );
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM integrations").fetch_one(&mut db).await.unwrap();
    assert_eq!(rows, 0);
}
