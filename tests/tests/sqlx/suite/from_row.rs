//! `FromRow`: what its attributes make of an encrypted field, and rows that are not the model's.

use encrypted_field::{Encrypted, EncryptedField, EncryptedModel};
use sqlx::{FromRow, Row};
use tests::secrets::plaintext;

use super::database::{BYTES, TEXT, open, sql};
use super::{connect, execute, insert, read};
use crate::errors::foreign;
use crate::keys;
use crate::models::{BotToken, ImportToken, Note, SigningSecret, SlackConnection};

#[tokio::test]
async fn a_model_reads_as_it_was_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    for row in [SlackConnection::full(1), SlackConnection::sparse(2)] {
        insert(&mut db, &row).await.unwrap();
        let read = read(&mut db, row.id).await.unwrap();
        assert_eq!(read, row);
        assert_eq!(read.bot_token.key_id(), keys::id(1));
        assert!(!read.is_any_stale() && !read.bot_token.is_legacy());
    }
}

#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "renamed")]
struct Renamed {
    #[encrypted(String)]
    #[sqlx(rename = "the token")]
    token: RenamedToken,
    #[encrypted(Vec<u8>, storage = "binary")]
    #[sqlx(rename = "the_key")]
    key: Option<RenamedKey>,
}

#[tokio::test]
async fn a_renamed_field_is_bound_to_its_column() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE renamed (\"the token\" {TEXT}, \"the_key\" {BYTES})"))
        .await;
    let (token, key) =
        (RenamedToken::from(plaintext("a")), Some(RenamedKey::from(plaintext("b").as_bytes())));
    let insert = "INSERT INTO renamed VALUES ($1, $2)";
    sqlx::query(sql(insert)).bind(&token).bind(&key).execute(&mut db).await.unwrap();

    let row: Renamed = sqlx::query_as("SELECT * FROM renamed").fetch_one(&mut db).await.unwrap();
    assert_eq!((row.token, row.key), (token, key));
    assert_eq!(
        (RenamedToken::CONTEXT, RenamedKey::CONTEXT),
        ("renamed.the token", "renamed.the_key")
    );
    assert_eq!(Renamed::FIELDS[0].column, "the token");
}

#[derive(Debug, FromRow, Encrypted)]
#[encrypted(table = "camel")]
#[sqlx(rename_all = "camelCase")]
struct CamelCase {
    #[encrypted(String)]
    bot_token: CamelToken,
    #[encrypted(String)]
    #[sqlx(rename = "as_it_is")]
    signing_secret: CamelSecret,
}

#[tokio::test]
async fn rename_all_counts_for_the_column() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE camel (\"botToken\" {TEXT}, as_it_is {TEXT})")).await;
    let (token, secret) = (CamelToken::from(plaintext("a")), CamelSecret::from(plaintext("b")));
    let insert = "INSERT INTO camel VALUES ($1, $2)";
    sqlx::query(sql(insert)).bind(&token).bind(&secret).execute(&mut db).await.unwrap();

    let row: CamelCase = sqlx::query_as("SELECT * FROM camel").fetch_one(&mut db).await.unwrap();
    assert_eq!((row.bot_token, row.signing_secret), (token, secret));
    assert_eq!((CamelToken::CONTEXT, CamelSecret::CONTEXT), ("camel.botToken", "camel.as_it_is"));
}

#[derive(Debug, FromRow)]
struct WithDefaults {
    #[sqlx(default)]
    bot_token: Option<BotToken>,
    #[sqlx(default)]
    signing_secret: SigningSecret,
    #[sqlx(skip)]
    note: Option<Note>,
}

#[tokio::test]
async fn defaults_stand_in_for_missing_columns_only() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let full = SlackConnection::full(1);
    insert(&mut db, &full).await.unwrap();

    let row: WithDefaults =
        sqlx::query_as("SELECT id FROM slack_connections").fetch_one(&mut db).await.unwrap();
    assert_eq!((row.bot_token, row.signing_secret, row.note), (None, "".into(), None));
    let row: WithDefaults =
        sqlx::query_as("SELECT * FROM slack_connections").fetch_one(&mut db).await.unwrap();
    assert_eq!(
        (row.bot_token, Some(row.signing_secret), row.note),
        (Some(full.bot_token), full.signing_secret, None)
    );
}

#[derive(Debug, FromRow)]
struct Token {
    bot_token: BotToken,
}

#[derive(Debug, FromRow)]
struct Joined {
    org: String,
    #[sqlx(flatten)]
    token: Token,
    /// `NULL` where nothing joins.
    other: Option<BotToken>,
}

#[tokio::test]
async fn other_structs_over_the_same_columns() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    for id in 1..=2 {
        insert(&mut db, &SlackConnection::full(id)).await.unwrap();
    }
    let join = "SELECT a.org_id AS org, a.bot_token, b.bot_token AS other FROM slack_connections a \
                LEFT JOIN slack_connections b ON b.id = a.id + 1 ORDER BY a.id";
    let rows: Vec<Joined> = sqlx::query_as(join).fetch_all(&mut db).await.unwrap();
    let token = SlackConnection::full(1).bot_token;
    assert!(rows.iter().all(|row| row.org == "org" && row.token.bot_token == token));
    assert_eq!((&rows[0].other, &rows[1].other), (&Some(token), &None));
}

/// Even where a legacy reader would take the empty string, which SQLite's driver gives for NULL.
#[tokio::test]
async fn null_in_a_field_that_is_not_optional_is_an_error_of_sqlx() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    insert(&mut db, &SlackConnection::sparse(1)).await.unwrap();
    let select = "SELECT signing_secret FROM slack_connections";
    let text = sqlx::query_scalar::<_, SigningSecret>(select).fetch_one(&mut db).await.unwrap_err();
    let legacy = sqlx::query_scalar::<_, ImportToken>(select).fetch_one(&mut db).await.unwrap_err();
    let binary = sqlx::query_scalar::<_, Note>("SELECT note FROM slack_connections");
    for error in [text, legacy, binary.fetch_one(&mut db).await.unwrap_err()] {
        assert!(foreign(&error).contains("unexpected null"), "{error}");
    }
}

#[tokio::test]
async fn columns_of_a_row_by_name_and_by_number() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let full = SlackConnection::full(1);
    insert(&mut db, &full).await.unwrap();
    let select = sqlx::query("SELECT bot_token, note FROM slack_connections");
    let row = select.fetch_one(&mut db).await.unwrap();
    assert_eq!(row.get::<BotToken, _>("bot_token"), full.bot_token);
    assert_eq!(row.try_get::<Option<Note>, _>(1).unwrap(), full.note);
    assert_eq!(row.get_unchecked::<BotToken, _>(0), full.bot_token);

    let mapped: BotToken = sqlx::query("SELECT bot_token FROM slack_connections")
        .try_map(|row: super::Row| row.try_get(0))
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(mapped, full.bot_token);
}
