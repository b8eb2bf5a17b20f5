//! Columns with values from before: `legacy = plaintext` and `legacy = function`.

use encrypted_field::{EncryptedField, EncryptedModel, ErrorKind};
use tests::secrets::{CANARY_INTEGER, UNUSUAL_TEXT, plaintext};

use super::Connection;
use super::database::{BYTES, TEXT, TestDatabase, open, sql};
use super::execute;
use crate::errors::{found, inside};
use crate::keys;
use crate::models::{Import, ImportPin, ImportSecret, ImportToken, home_made_seal};

/// A table as it was before encryption, with one row.
async fn before(database: &TestDatabase) -> Connection {
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE imports (id BIGINT, token {TEXT}, pin {TEXT}, secret {BYTES})"))
        .await;
    let insert = sqlx::query(sql("INSERT INTO imports VALUES (1, $1, $2, $3)"));
    let insert = insert.bind(plaintext("token")).bind(CANARY_INTEGER.to_string());
    insert.bind(home_made_seal(0x5A, &plaintext("secret"))).execute(&mut db).await.unwrap();
    db
}

async fn read(db: &mut Connection) -> sqlx::Result<Import> {
    sqlx::query_as("SELECT * FROM imports").fetch_one(db).await
}

async fn write_back(db: &mut Connection, row: &Import) {
    let update = sqlx::query(sql("UPDATE imports SET token = $1, pin = $2, secret = $3"));
    update.bind(&row.token).bind(&row.pin).bind(&row.secret).execute(db).await.unwrap();
}

#[tokio::test]
async fn old_values_are_read_and_are_stale() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    let row = read(&mut db).await.unwrap();
    assert!(row.is_any_stale());
    let Import { token: Some(token), pin: Some(pin), secret: Some(secret), .. } = row else { panic!("NULL") };
    assert_eq!((&token, &pin), (&plaintext("token").into(), &CANARY_INTEGER.into()));
    assert_eq!(secret, plaintext("secret").into());
    assert_eq!((token.is_legacy(), pin.is_legacy(), secret.is_legacy()), (true, true, true));
    assert_eq!((token.is_stale(), token.key_id()), (true, None));
    assert!(token.clone().is_legacy());
}

#[tokio::test]
async fn writing_back_encrypts_them() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    let old = read(&mut db).await.unwrap();
    write_back(&mut db, &old).await;

    let new = read(&mut db).await.unwrap();
    assert!(!new.is_any_stale());
    assert_eq!((new.token.as_ref().map(ImportToken::is_legacy), &new.token), (Some(false), &old.token));
    assert_eq!((new.pin, new.secret), (old.pin, old.secret));
    let stored: (String, String, Vec<u8>) =
        sqlx::query_as("SELECT token, pin, secret FROM imports").fetch_one(&mut db).await.unwrap();
    assert!(
        stored.0.starts_with("ef1:1:") && stored.1.starts_with("ef1:1:") && stored.2.starts_with(b"\xEFf1")
    );
}

#[tokio::test]
async fn null_and_unusual_values() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    execute(&mut db, "UPDATE imports SET pin = NULL, secret = NULL").await;
    // PostgreSQL has no NUL in a text.
    for token in ["", &UNUSUAL_TEXT.replace('\0', ""), "ef1", "efx:1:", " ef1:1:A"] {
        sqlx::query(sql("UPDATE imports SET token = $1")).bind(token).execute(&mut db).await.unwrap();
        let row = read(&mut db).await.unwrap();
        assert_eq!(row.token, Some(token.into()));
        assert!(row.pin.is_none() && row.secret.is_none());
    }
}

#[tokio::test]
async fn what_the_reader_refuses() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    sqlx::query(sql("UPDATE imports SET pin = $1"))
        .bind(plaintext("no number"))
        .execute(&mut db)
        .await
        .unwrap();
    let error = read(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::LegacyRefused, ImportPin::CONTEXT));

    // The reader's own error holds the bytes; ours does not carry it.
    let not_utf8 = [&home_made_seal(0x5A, &plaintext("secret"))[..], b"\xA5"].concat();
    sqlx::query(sql("UPDATE imports SET pin = NULL, secret = $1"))
        .bind(not_utf8)
        .execute(&mut db)
        .await
        .unwrap();
    let error = read(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::LegacyRefused, ImportSecret::CONTEXT));
    assert!(std::error::Error::source(inside(&error)).is_none());
}

/// Whatever carries our marker and does not open is an error: the reader, which would take any string, never
/// sees it.
#[tokio::test]
async fn a_marked_value_never_reaches_the_reader() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    let mut row = read(&mut db).await.unwrap();
    (row.pin, row.secret) = (None, None);
    write_back(&mut db, &row).await;
    let stored: String = sqlx::query_scalar("SELECT token FROM imports").fetch_one(&mut db).await.unwrap();

    let damaged = [
        (ErrorKind::Authentication, format!("{}AAAA", &stored[..stored.len() - 4])),
        (ErrorKind::UnknownKey, stored.replacen(":1:", ":9:", 1)),
        (ErrorKind::UnsupportedVersion, stored.replacen("ef1:", "ef2:", 1)),
        (ErrorKind::Malformed, stored[..20].to_owned()),
        (ErrorKind::Malformed, "ef1:".to_owned()),
        (ErrorKind::Pending, "ef1:0:".to_owned()),
    ];
    for (kind, damaged) in damaged {
        sqlx::query(sql("UPDATE imports SET token = $1")).bind(damaged).execute(&mut db).await.unwrap();
        let error = read(&mut db).await.unwrap_err();
        assert_eq!(found(&error), (kind, ImportToken::CONTEXT));
    }

    // In a binary column likewise, also in the form of the other storage.
    let secret = ImportSecret::from(plaintext("secret"));
    let (mut flipped, text) = (secret.to_stored().unwrap(), secret.to_stored_text().unwrap().into_bytes());
    *flipped.last_mut().unwrap() ^= 1;
    for (kind, stored) in [(ErrorKind::Authentication, flipped), (ErrorKind::WrongStorage, text)] {
        let update = sqlx::query(sql("UPDATE imports SET token = NULL, secret = $1"));
        update.bind(stored).execute(&mut db).await.unwrap();
        let error = read(&mut db).await.unwrap_err();
        assert_eq!(found(&error), (kind, ImportSecret::CONTEXT));
    }
}
