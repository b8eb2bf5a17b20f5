//! PostgreSQL's simple protocol, where every value comes as text: `sqlx::raw_sql`, and what poolers of
//! connections may ask for.

use sqlx::{Row, Type};
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET, UNUSUAL_TEXT};

use crate::databases::postgres::{Db, open};
use crate::keys;
use crate::models::{BotToken, Note};

#[tokio::test]
async fn text_and_bytes_are_read() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    sqlx::raw_sql("CREATE TABLE one (token TEXT, note BYTEA)").execute(&mut db).await.unwrap();
    let (token, note) = (BotToken::from(BOT_TOKEN), Note::from(UNUSUAL_TEXT));
    let insert = sqlx::query("INSERT INTO one VALUES ($1, $2)").bind(&token).bind(&note);
    insert.execute(&mut db).await.unwrap();

    let row = sqlx::raw_sql("SELECT token, note FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(row.try_get::<BotToken, _>("token").unwrap(), token);
    assert_eq!(row.try_get::<Note, _>("note").unwrap(), note);
}

/// A domain is a type of its own to SQLx, which knows what it is made of.
#[tokio::test]
async fn a_domain_is_read_and_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    let create = "CREATE DOMAIN encrypted_text AS TEXT CHECK (value LIKE 'ef1:%'); CREATE TABLE one (token encrypted_text)";
    sqlx::raw_sql(create).execute(&mut db).await.unwrap();
    let token = BotToken::from(SIGNING_SECRET);
    sqlx::query("INSERT INTO one VALUES ($1)").bind(&token).execute(&mut db).await.unwrap();
    let read: BotToken = sqlx::query_scalar("SELECT token FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(read, token);
    assert!(sqlx::query("INSERT INTO one VALUES ($1)").bind(&*token).execute(&mut db).await.is_err());
    let _ = <BotToken as Type<Db>>::type_info();
}
