//! What PostgreSQL alone has: domains, and newtypes that want an array. (`pg_array` has the
//! arrays.)

use tests::secrets::BOT_TOKEN;

use crate::databases::postgres::open;
use crate::keys;
use crate::models::BotToken;

#[tokio::test]
async fn a_domain_is_read_and_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    let create = "CREATE DOMAIN encrypted_text AS TEXT CHECK (value LIKE 'ef1:%'); \
                  CREATE TABLE one (token encrypted_text)";
    sqlx::raw_sql(create).execute(&mut db).await.unwrap();
    let token = BotToken::from(BOT_TOKEN);
    sqlx::query("INSERT INTO one VALUES ($1)").bind(&token).execute(&mut db).await.unwrap();
    let read: BotToken =
        sqlx::query_scalar("SELECT token FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(read, token);
    // The plaintext by mistake.
    assert!(
        sqlx::query("INSERT INTO one VALUES ($1)").bind(&*token).execute(&mut db).await.is_err()
    );
}

/// SQLx's derive for a transparent newtype asks for the array of the type inside, which an
/// encrypted field has only with `pg_array`. Without `no_pg_array` this does not compile.
#[derive(Debug, PartialEq, sqlx::Type)]
#[sqlx(transparent, no_pg_array)]
struct Wrapped(BotToken);

#[tokio::test]
async fn no_pg_array() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    sqlx::query("CREATE TABLE wrapped (token TEXT)").execute(&mut db).await.unwrap();
    let token = Wrapped(BOT_TOKEN.into());
    sqlx::query("INSERT INTO wrapped VALUES ($1)").bind(&token).execute(&mut db).await.unwrap();
    let read: Wrapped =
        sqlx::query_scalar("SELECT token FROM wrapped").fetch_one(&mut db).await.unwrap();
    assert!(read == token);
    let stored: String =
        sqlx::query_scalar("SELECT token FROM wrapped").fetch_one(&mut db).await.unwrap();
    assert!(stored.starts_with("ef1:1:"));
}
