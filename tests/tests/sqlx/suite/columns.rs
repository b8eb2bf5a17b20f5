//! The column types that users declare: whatever the database calls text or bytes will do, if it is
//! wide enough.

use tests::secrets::{BOT_TOKEN, UNUSUAL_TEXT};

use super::database::{BYTES_COLUMNS, TEXT_COLUMNS, TestDatabase, open, sql};
use super::execute;
use crate::keys;
use crate::models::{BotToken, Note};

/// Writes the value into a column of this type and reads it back.
async fn round_trip<T>(database: &TestDatabase, column_type: &str, value: T) -> T
where
    T: Send + Unpin + Clone + sqlx::Type<super::Db>,
    T: for<'q> sqlx::Encode<'q, super::Db> + for<'r> sqlx::Decode<'r, super::Db>,
{
    let mut db = database.connect().await;
    execute(&mut db, "DROP TABLE IF EXISTS one").await;
    execute(&mut db, &format!("CREATE TABLE one (value {column_type})")).await;
    sqlx::query(sql("INSERT INTO one VALUES ($1)")).bind(&value).execute(&mut db).await.unwrap();
    sqlx::query_scalar("SELECT value FROM one").fetch_one(&mut db).await.unwrap()
}

#[tokio::test]
async fn text() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    for column_type in TEXT_COLUMNS {
        for plain in [BOT_TOKEN, UNUSUAL_TEXT] {
            let value = BotToken::from(plain);
            assert_eq!(
                round_trip(&database, column_type, value.clone()).await,
                value,
                "{column_type}"
            );
        }
    }
}

#[tokio::test]
async fn bytes() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    for column_type in BYTES_COLUMNS {
        for plain in [BOT_TOKEN, UNUSUAL_TEXT] {
            let value = Note::from(plain);
            assert_eq!(
                round_trip(&database, column_type, value.clone()).await,
                value,
                "{column_type}"
            );
        }
    }
}

/// The check that keeps plaintext out of the column: `CHECK (value LIKE 'ef1:%')`.
#[tokio::test]
async fn a_check_keeps_plaintext_out() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    let checked = TEXT_COLUMNS.iter().find(|column| column.contains("CHECK")).unwrap();
    execute(&mut db, &format!("CREATE TABLE one (value {checked})")).await;
    let insert = "INSERT INTO one VALUES ($1)";
    let token = BotToken::from(BOT_TOKEN);
    sqlx::query(sql(insert)).bind(&token).execute(&mut db).await.unwrap();
    // By mistake: the plaintext and not the field.
    assert!(sqlx::query(sql(insert)).bind(&*token).execute(&mut db).await.is_err());
}
