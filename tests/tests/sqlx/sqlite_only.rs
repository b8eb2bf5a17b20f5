//! What SQLite alone has: texts that are not UTF-8.

use encrypted_field::{EncryptedField, ErrorKind};
use tests::secrets::BOT_TOKEN;

use crate::databases::sqlite::{open, sql};
use crate::errors::found;
use crate::keys;
use crate::models::{BotToken, ImportScan};

#[tokio::test]
async fn a_text_that_is_not_utf_8() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    let binary = BotToken::from(BOT_TOKEN).to_stored().unwrap();
    let query = "SELECT CAST($1 AS TEXT)";
    // Without a legacy reader it is an error of ours, and not the driver's.
    let read = sqlx::query_scalar::<_, BotToken>(sql(query)).bind(&binary);
    let error = read.fetch_one(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::WrongStorage, BotToken::CONTEXT));
    // With one, it gets the bytes.
    let bytes = [BOT_TOKEN.as_bytes(), b"\xFF"].concat();
    let read = sqlx::query_scalar::<_, ImportScan>(sql(query)).bind(&bytes);
    assert!(*read.fetch_one(&mut db).await.unwrap() == *bytes);
}
