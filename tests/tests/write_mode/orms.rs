//! What Diesel and SQLx write, on SQLite.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel as _, legacy};
use sqlx::Connection as _;
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET};

use crate::ring;

diesel::table! {
    accounts (id) {
        id -> Integer,
        api_key -> Text,
        secret -> Nullable<Binary>,
    }
}

mod diesel_model {
    use super::*;

    #[derive(Queryable, Selectable, Identifiable, Insertable, AsChangeset, Encrypted)]
    #[diesel(table_name = accounts)]
    pub struct Account {
        pub id: i32,
        #[encrypted(String, context = "diesel.api_key", legacy = plaintext)]
        pub api_key: ApiKey,
        #[encrypted(String, context = "diesel.secret", legacy = plaintext)]
        pub secret: Option<TheSecret>,
    }
}

#[test]
fn diesel() {
    use diesel_model::{Account, ApiKey, TheSecret};

    let _ring = ring().hold();
    let db = &mut SqliteConnection::establish(":memory:").unwrap();
    db.batch_execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, api_key TEXT, secret BLOB)")
        .unwrap();
    legacy::write_plaintext::<ApiKey>().unwrap();
    legacy::write_plaintext::<TheSecret>().unwrap();
    let row = Account { id: 1, api_key: BOT_TOKEN.into(), secret: Some(SIGNING_SECRET.into()) };
    diesel::insert_into(accounts::table).values(&row).execute(db).unwrap();
    let stored = accounts::table.select((accounts::api_key, accounts::secret));
    let (api_key, secret): (String, Option<Vec<u8>>) = stored.first(db).unwrap();
    assert!(api_key == BOT_TOKEN && secret.as_deref() == Some(SIGNING_SECRET.as_bytes()));

    let row = accounts::table.select(Account::as_select()).first(db).unwrap();
    assert!(row.api_key.is_legacy() && !row.is_any_stale() && !row.move_stale(db).unwrap());
    diesel::update(&row).set(accounts::api_key.eq(&row.api_key)).execute(db).unwrap();
    legacy::write_sealed::<TheSecret>();
    assert!(row.move_stale(db).unwrap(), "the one that is sealed now");
    let (api_key, secret): (String, Option<Vec<u8>>) = stored.first(db).unwrap();
    assert!(api_key == BOT_TOKEN && secret.unwrap().starts_with(b"\xEFf1"));
}

mod sqlx_model {
    use super::*;

    #[derive(sqlx::FromRow, Encrypted)]
    #[encrypted(table = "accounts")]
    pub struct Account {
        pub id: i32,
        #[encrypted(String, context = "sqlx.api_key", legacy = plaintext)]
        pub api_key: ApiKey,
        #[encrypted(String, context = "sqlx.secret", legacy = plaintext, storage = "binary")]
        pub secret: Option<TheSecret>,
    }
}

#[tokio::test]
async fn sqlx() {
    use sqlx_model::{Account, ApiKey, TheSecret};

    let _ring = ring().hold();
    let mut db = sqlx::SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let create = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, api_key TEXT, secret BLOB)";
    sqlx::query(create).execute(&mut db).await.unwrap();
    legacy::write_plaintext::<ApiKey>().unwrap();
    legacy::write_plaintext::<TheSecret>().unwrap();
    let insert = sqlx::query("INSERT INTO accounts VALUES (1, ?, ?)");
    let insert = insert.bind(ApiKey::from(BOT_TOKEN)).bind(Some(TheSecret::from(SIGNING_SECRET)));
    insert.execute(&mut db).await.unwrap();
    let stored = "SELECT api_key, secret FROM accounts";
    let (api_key, secret): (String, Vec<u8>) =
        sqlx::query_as(stored).fetch_one(&mut db).await.unwrap();
    assert!(api_key == BOT_TOKEN && secret == SIGNING_SECRET.as_bytes());

    let select = "SELECT * FROM accounts";
    let row: Account = sqlx::query_as(select).fetch_one(&mut db).await.unwrap();
    assert!(row.api_key.is_legacy() && !row.move_stale_sqlx(&mut db).await.unwrap());
    legacy::write_sealed::<ApiKey>();
    assert!(row.move_stale_sqlx(&mut db).await.unwrap());
    let (api_key, secret): (String, Vec<u8>) =
        sqlx::query_as(stored).fetch_one(&mut db).await.unwrap();
    assert!(api_key.starts_with("ef1:1:") && secret == SIGNING_SECRET.as_bytes());
}
