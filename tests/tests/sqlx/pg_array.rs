//! `pg_array`: `text[]` and `bytea[]` of PostgreSQL, and the batch insert through `unnest`.

use encrypted_field::{Encrypted, EncryptedField, ErrorKind};
use sqlx::{FromRow, PgConnection};
use tests::secrets::{BOT_TOKEN, UNUSUAL_TEXT, plaintext};

use crate::databases::postgres::{TestDatabase, open};
use crate::errors::{foreign, found};
use crate::keys;

#[derive(Encrypted)]
#[encrypted(context = "sessions.tokens", pg_array)]
struct Token(encrypted_field::Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "sessions.keys", pg_array, storage = "binary")]
struct Key(encrypted_field::Secret<Vec<u8>>);

#[derive(Debug, FromRow)]
struct Session {
    tokens: Vec<Token>,
    keys: Option<Vec<Option<Key>>>,
}

async fn connect(database: &TestDatabase) -> PgConnection {
    let mut db = database.connect().await;
    sqlx::query("CREATE TABLE sessions (id BIGINT, tokens TEXT[] NOT NULL, keys BYTEA[])")
        .execute(&mut db)
        .await
        .unwrap();
    sqlx::query("CREATE TABLE single (id BIGINT, token TEXT NOT NULL, key BYTEA)")
        .execute(&mut db)
        .await
        .unwrap();
    db
}

fn tokens() -> Vec<Token> {
    [BOT_TOKEN, UNUSUAL_TEXT, "", BOT_TOKEN].map(Token::from).into()
}

fn keys() -> Vec<Option<Key>> {
    vec![Some(b"\0"[..].into()), None, Some(plaintext("key").into_bytes().into())]
}

const INSERT: &str = "INSERT INTO sessions (id, tokens, keys) VALUES ($1, $2, $3)";

#[tokio::test]
async fn arrays_read_as_they_were_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    // By value, by reference, as a slice, as an array.
    let insert = sqlx::query(INSERT).bind(1_i64).bind(tokens()).bind(keys());
    insert.execute(&mut db).await.unwrap();
    let insert = sqlx::query(INSERT).bind(2_i64).bind(&tokens()).bind(Some(&keys()));
    insert.execute(&mut db).await.unwrap();
    let insert = sqlx::query(INSERT).bind(3_i64).bind(&tokens()[..]).bind(None::<Vec<Key>>);
    insert.execute(&mut db).await.unwrap();
    let insert = sqlx::query(INSERT).bind(4_i64).bind::<[Token; 0]>([]).bind(Vec::<Key>::new());
    insert.execute(&mut db).await.unwrap();

    let select = "SELECT tokens, keys FROM sessions ORDER BY id";
    let rows: Vec<Session> = sqlx::query_as(select).fetch_all(&mut db).await.unwrap();
    let expected = [
        (tokens(), Some(keys())),
        (tokens(), Some(keys())),
        (tokens(), None),
        (vec![], Some(vec![])),
    ];
    assert_eq!(rows.len(), expected.len());
    for (row, (tokens, keys)) in rows.into_iter().zip(expected) {
        assert_eq!((row.tokens, row.keys), (tokens, keys));
    }
}

/// Where arrays come as text, and bytes in them in hexadecimal.
#[tokio::test]
async fn the_simple_protocol_is_read() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    sqlx::query(INSERT).bind(1_i64).bind(tokens()).bind(keys()).execute(&mut db).await.unwrap();
    let row = sqlx::raw_sql("SELECT tokens, keys FROM sessions").fetch_one(&mut db).await.unwrap();
    let row = Session::from_row(&row).unwrap();
    assert_eq!((row.tokens, row.keys), (tokens(), Some(keys())));
}

#[tokio::test]
async fn each_element_is_sealed_by_itself() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    sqlx::query(INSERT).bind(1_i64).bind(tokens()).bind(keys()).execute(&mut db).await.unwrap();
    let (tokens, keys): (Vec<String>, Vec<Option<Vec<u8>>>) =
        sqlx::query_as("SELECT tokens, keys FROM sessions").fetch_one(&mut db).await.unwrap();
    assert!(tokens.iter().all(|token| token.starts_with("ef1:1:")));
    assert_ne!(tokens[0], tokens[3], "the same value, sealed twice");
    assert!(keys[0].as_ref().unwrap().starts_with(b"\xEFf1") && keys[1].is_none());
}

#[tokio::test]
async fn one_insert_of_many_rows_through_unnest() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    let ids: Vec<i64> = (0..1000).collect();
    let tokens: Vec<Token> = ids.iter().map(|id| plaintext(&id.to_string()).into()).collect();
    let keys: Vec<Option<Key>> =
        ids.iter().map(|id| (id % 2 == 0).then(|| id.to_be_bytes()[..].into())).collect();
    let insert = "INSERT INTO single SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])";
    let result =
        sqlx::query(insert).bind(&ids).bind(&tokens).bind(&keys).execute(&mut db).await.unwrap();
    assert_eq!(result.rows_affected(), 1000);

    // As columns these are the values of the same field.
    let rows: Vec<(i64, Token, Option<Key>)> =
        sqlx::query_as("SELECT id, token, key FROM single ORDER BY id")
            .fetch_all(&mut db)
            .await
            .unwrap();
    for ((id, token, key), (expected_id, expected)) in
        rows.into_iter().zip(ids.into_iter().zip(tokens))
    {
        assert_eq!((id, token), (expected_id, expected));
        assert_eq!(key, keys[usize::try_from(id).unwrap()]);
    }
    // And back, gathered by the database.
    let gathered: Vec<Token> =
        sqlx::query_scalar("SELECT array_agg(token ORDER BY id) FROM single")
            .fetch_one(&mut db)
            .await
            .unwrap();
    assert_eq!(gathered.len(), 1000);
}

#[tokio::test]
async fn one_bad_element_is_an_error() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = connect(&database).await;
    sqlx::query(INSERT).bind(1_i64).bind(tokens()).bind(keys()).execute(&mut db).await.unwrap();
    let plant = "UPDATE sessions SET tokens[2] = $1";
    sqlx::query(plant).bind(plaintext("planted")).execute(&mut db).await.unwrap();
    let select = sqlx::query_as::<_, Session>("SELECT * FROM sessions");
    let error = select.fetch_one(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::NotEncrypted, Token::CONTEXT));
}

#[tokio::test]
async fn without_an_active_key_nothing_is_inserted() {
    let Some(database) = open() else { return };
    let _ring = keys::read_only().hold();
    let mut db = connect(&database).await;
    let insert = sqlx::query(INSERT).bind(1_i64).bind(tokens()).bind(None::<Vec<Key>>);
    foreign(&insert.execute(&mut db).await.unwrap_err());
    // Nothing to seal, nothing to fail.
    let insert = sqlx::query(INSERT).bind(2_i64).bind(Vec::<Token>::new()).bind(None::<Vec<Key>>);
    insert.execute(&mut db).await.unwrap();
    let ids: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM sessions").fetch_all(&mut db).await.unwrap();
    assert_eq!(ids, [2]);
}
