//! Columns with values from before: `legacy = plaintext` and `legacy = function`.

use encrypted_field::{EncryptedField, EncryptedModel, ErrorKind};
use sqlx::AssertSqlSafe;
use tests::secrets::{CANARY_INTEGER, UNUSUAL_TEXT, plaintext};

use super::Connection;
use super::database::{BYTES, NAME_IN_DOCUMENTS, NUMBER_AS_TEXT, TEXT, TestDatabase, open, sql};
use super::execute;
use crate::errors::{found, inside};
use crate::keys;
use crate::models::{Import, ImportPin, ImportScan, ImportSecret, ImportToken, home_made_seal};

/// A table as it was before encryption, with one row.
async fn before(database: &TestDatabase) -> Connection {
    let mut db = database.connect().await;
    execute(
        &mut db,
        &format!("CREATE TABLE imports (id BIGINT, token {TEXT}, pin {TEXT}, secret {BYTES})"),
    )
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
    let Import { token: Some(token), pin: Some(pin), secret: Some(secret), .. } = row else {
        panic!("NULL")
    };
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
    assert_eq!(
        (new.token.as_ref().map(ImportToken::is_legacy), &new.token),
        (Some(false), &old.token)
    );
    assert_eq!((new.pin, new.secret), (old.pin, old.secret));
    let stored: (String, String, Vec<u8>) =
        sqlx::query_as("SELECT token, pin, secret FROM imports").fetch_one(&mut db).await.unwrap();
    assert!(
        stored.0.starts_with("ef1:1:")
            && stored.1.starts_with("ef1:1:")
            && stored.2.starts_with(b"\xEFf1")
    );
}

#[tokio::test]
async fn null_and_unusual_values() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    execute(&mut db, "UPDATE imports SET pin = NULL, secret = NULL").await;
    // PostgreSQL has no NUL in a text.
    let unusual = UNUSUAL_TEXT.replace('\0', "");
    for token in ["", &unusual, "ef1", "efx:1:", " ef1:1:A", "ef1: not ours", "ef12:foo"] {
        sqlx::query(sql("UPDATE imports SET token = $1"))
            .bind(token)
            .execute(&mut db)
            .await
            .unwrap();
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

/// Whatever carries our marker and does not open is an error: the reader, which would take any
/// string, never sees it.
#[tokio::test]
async fn a_marked_value_never_reaches_the_reader() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    let mut row = read(&mut db).await.unwrap();
    (row.pin, row.secret) = (None, None);
    write_back(&mut db, &row).await;
    let stored: String =
        sqlx::query_scalar("SELECT token FROM imports").fetch_one(&mut db).await.unwrap();

    let damaged = [
        (ErrorKind::Authentication, format!("{}AAAA", &stored[..stored.len() - 4])),
        (ErrorKind::UnknownKey, stored.replacen(":1:", ":9:", 1)),
        (ErrorKind::UnsupportedVersion, stored.replacen("ef1:", "ef2:", 1)),
        (ErrorKind::Malformed, stored[..20].to_owned()),
        (ErrorKind::Malformed, "ef1:".to_owned()),
        (ErrorKind::Malformed, format!("\"{stored}\"")),
        (ErrorKind::Malformed, format!("\u{feff}{stored}")),
        (ErrorKind::Malformed, format!("\r\n{stored}")),
        (ErrorKind::Malformed, format!("{stored}    ")),
        (ErrorKind::Malformed, format!("{stored}\n")),
        (ErrorKind::Malformed, stored.to_uppercase()),
        (ErrorKind::Malformed, stored.to_lowercase()),
        (ErrorKind::Pending, "ef1:0:".to_owned()),
    ];
    for (kind, damaged) in damaged {
        sqlx::query(sql("UPDATE imports SET token = $1"))
            .bind(damaged)
            .execute(&mut db)
            .await
            .unwrap();
        let error = read(&mut db).await.unwrap_err();
        assert_eq!(found(&error), (kind, ImportToken::CONTEXT));
    }

    // In a binary column likewise, also in the form of the other storage.
    let secret = ImportSecret::from(plaintext("secret"));
    let (mut flipped, text) =
        (secret.to_stored().unwrap(), secret.to_stored_text().unwrap().into_bytes());
    *flipped.last_mut().unwrap() ^= 1;
    for (kind, stored) in [(ErrorKind::Authentication, flipped), (ErrorKind::WrongStorage, text)] {
        let update = sqlx::query(sql("UPDATE imports SET token = NULL, secret = $1"));
        update.bind(stored).execute(&mut db).await.unwrap();
        let error = read(&mut db).await.unwrap_err();
        assert_eq!(found(&error), (kind, ImportSecret::CONTEXT));
    }
}

/// A reader gets what is there. No text of PostgreSQL or MariaDB holds such bytes, but a column of
/// bytes does, and in SQLite any.
#[tokio::test]
async fn bytes_that_are_no_text_reach_the_reader() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = before(&database).await;
    let bytes = [plaintext("scan").as_bytes(), b"\xFF\0\xC3"].concat();
    let update = sqlx::query(sql("UPDATE imports SET secret = $1"));
    update.bind(&bytes).execute(&mut db).await.unwrap();
    let read = sqlx::query_scalar::<_, ImportScan>("SELECT secret FROM imports");
    let scan = read.fetch_one(&mut db).await.unwrap();
    assert!(scan.is_legacy() && *scan == *bytes);

    // Ours, in the wrong storage, never gets there.
    let update = sqlx::query(sql("UPDATE imports SET secret = $1"));
    update.bind(scan.to_stored().unwrap()).execute(&mut db).await.unwrap();
    let read = sqlx::query_scalar::<_, ImportScan>("SELECT secret FROM imports");
    let error = read.fetch_one(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::WrongStorage, ImportScan::CONTEXT));
}

/// Where a column of numbers was, its values are read as text: SQLite's as they are, those of the
/// servers through a cast.
#[tokio::test]
async fn numbers_reach_the_reader() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, "CREATE TABLE pins (pin BIGINT)").await;
    let insert = sqlx::query(sql("INSERT INTO pins VALUES ($1)"));
    insert.bind(CANARY_INTEGER).execute(&mut db).await.unwrap();
    let query = sqlx::query_scalar::<_, ImportPin>(NUMBER_AS_TEXT);
    let pin = query.fetch_one(&mut db).await.unwrap();
    assert!(pin.is_legacy() && pin == CANARY_INTEGER.into());
}

/// The query of FORMAT.md section 3.4 for this database and storage.
fn query_for_values_like_ours(storage: &str) -> String {
    let format = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../FORMAT.md"));
    let format = format.unwrap();
    let marker = format!("<!-- tested: values that begin like ours, {storage} -->");
    let block = format.split_once(&marker).expect("FORMAT.md has the queries").1;
    let block = block.split("```").nth(1).expect("in a code block");
    let (_, query) =
        block.split_once(&format!("-- {NAME_IN_DOCUMENTS}\n")).expect("for each database");
    let query = query.split("--").next().unwrap_or_default();
    query.replace("FROM t ", &format!("FROM {storage}_values "))
}

/// Before a column is encrypted, that query finds each row which would be refused, and hardly any
/// other.
#[tokio::test]
async fn rows_that_would_be_refused_are_found_beforehand() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE text_values (col {TEXT})")).await;
    execute(&mut db, &format!("CREATE TABLE binary_values (col {BYTES})")).await;
    let stored = ImportToken::from(plaintext("token")).to_stored_text().unwrap();
    // Rule 4: a NUL may stand before the marker. No text of PostgreSQL has one.
    let after_nul = format!("\0{stored}");
    let is_postgres = NAME_IN_DOCUMENTS == "PostgreSQL";
    let refused = [
        "ef1:".to_owned(),
        "ef1:7".to_owned(),
        "ef1:0:  ".to_owned(),
        format!("'{stored}'"),
        format!("{}{stored}", " ".repeat(64)),
        format!("\u{feff}{stored}"),
        stored.to_uppercase(),
        stored.to_lowercase(),
        stored.replacen("ef1:", "ef9:", 1),
        stored,
    ];
    let read =
        ["", "ef1", "an efl: not one", "ef:1", "EF10", &plaintext("token")].map(str::to_owned);
    for value in refused.iter().chain(&read).chain([&after_nul]) {
        if !(is_postgres && *value == after_nul) {
            let insert = sqlx::query(sql("INSERT INTO text_values VALUES ($1)"));
            insert.bind(value).execute(&mut db).await.unwrap();
        }
        let insert = sqlx::query(sql("INSERT INTO binary_values VALUES ($1)"));
        insert.bind(value.as_bytes()).execute(&mut db).await.unwrap();
        // The last of them is whole.
        let is_refused = refused[..refused.len() - 1].contains(value) || *value == after_nul;
        assert_eq!(ImportToken::from_stored_text(value.clone()).is_err(), is_refused);
    }
    let found = sqlx::query_scalar::<_, String>(AssertSqlSafe(query_for_values_like_ours("text")));
    let mut found = found.fetch_all(&mut db).await.unwrap();
    let mut expected = refused.to_vec();
    expected.extend((!is_postgres).then(|| after_nul.clone()));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);

    let binary = ImportSecret::from(plaintext("secret")).to_stored().unwrap();
    let later = b"\xEF\x66\x32\xEF\x66\x32";
    for value in [&binary, &binary[..3], later, b"\xEF", b"\xEE\x66\x31", b"\0\xFF\0"] {
        let insert = sqlx::query(sql("INSERT INTO binary_values VALUES ($1)"));
        insert.bind(value).execute(&mut db).await.unwrap();
    }
    let found =
        sqlx::query_scalar::<_, Vec<u8>>(AssertSqlSafe(query_for_values_like_ours("binary")));
    let mut found = found.fetch_all(&mut db).await.unwrap();
    let texts = refused.iter().chain([&after_nul]).map(|value| value.as_bytes().to_vec());
    let mut expected: Vec<_> =
        texts.chain([binary.clone(), binary[..3].to_vec(), later.to_vec()]).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
