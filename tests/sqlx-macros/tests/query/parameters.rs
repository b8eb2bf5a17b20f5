//! The forms of a parameter. The macros know the column as text, and take another type where `as`
//! says so.

use encrypted_field::{EncryptedField, Error, ErrorKind, Key, Keyring, key::KeyState};
use sqlx::{Connection, PgConnection};
use tests::secrets::{BOT_TOKEN, KEYS, SIGNING_SECRET, plaintext};
use tests_sqlx_macros::{AccessToken, AppKey, RefreshToken, ring};

use crate::connect;

/// That the newest row holds these, encrypted.
async fn check(db: &mut PgConnection, refresh: Option<&str>, key: Option<&[u8]>) {
    let row = sqlx::query!(
        r#"SELECT access_token, access_token AS "token: AccessToken", refresh_token AS "refresh: RefreshToken",
           app_key AS "key: AppKey" FROM github_connections ORDER BY id DESC LIMIT 1"#
    );
    let row = row.fetch_one(db).await.unwrap();
    assert!(row.access_token.starts_with("ef1:1:"));
    assert!(
        *row.token == *BOT_TOKEN && row.refresh.as_deref() == refresh && row.key.as_deref() == key
    );
}

macro_rules! insert {
    ($db:ident, $($parameter:tt)*) => {
        sqlx::query!(
            "INSERT INTO github_connections (access_token, refresh_token, app_key) VALUES ($1, $2, $3)",
            $($parameter)*
        )
        .execute(&mut *$db)
        .await
        .unwrap()
    };
}

#[tokio::test]
async fn by_reference_and_by_value() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let (token, refresh) = (AccessToken::from(BOT_TOKEN), RefreshToken::from(SIGNING_SECRET));
    let key = AppKey::from(plaintext("key").into_bytes());

    insert!(db, &token as _, &refresh as _, &key as _);
    check(&mut db, Some(&refresh), Some(&key)).await;
    insert!(db, token.clone() as _, refresh.clone() as _, key.clone() as _);
    check(&mut db, Some(&refresh), Some(&key)).await;
    insert!(db, &token as &AccessToken, refresh.clone() as RefreshToken, key.clone() as AppKey);
    check(&mut db, Some(&refresh), Some(&key)).await;
    insert!(
        db,
        token.to_stored_value().unwrap() as _,
        refresh.to_stored_value().unwrap() as _,
        key.to_stored_value().unwrap() as _
    );
    check(&mut db, Some(&refresh), Some(&key)).await;
}

#[tokio::test]
async fn optional() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let token = AccessToken::from(BOT_TOKEN);
    let (refresh, key) =
        (Some(RefreshToken::from(SIGNING_SECRET)), Some(AppKey::from(b"\0".as_slice())));

    insert!(db, &token as _, refresh.as_ref() as _, &key as _);
    check(&mut db, refresh.as_deref(), key.as_deref()).await;
    insert!(db, Some(&token) as _, refresh.clone() as _, key.clone() as Option<AppKey>);
    check(&mut db, refresh.as_deref(), key.as_deref()).await;
    insert!(db, &token as _, None::<RefreshToken> as _, None::<&AppKey> as _);
    check(&mut db, None, None).await;
    let sealed = refresh.as_ref().map(RefreshToken::to_stored_value).transpose().unwrap();
    insert!(db, &token as _, sealed as _, None::<AppKey> as _);
    check(&mut db, refresh.as_deref(), None).await;
}

/// A reference passes for the reference to a string that the macro expects, and is bound as what it
/// is.
#[tokio::test]
async fn a_reference_needs_no_as_and_is_encrypted() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let (token, key) = (AccessToken::from(BOT_TOKEN), AppKey::from(plaintext("key").into_bytes()));
    insert!(db, &token, None::<RefreshToken> as _, &key);
    check(&mut db, None, Some(&key)).await;
}

/// Unlike `bind`, the macros keep the error as it is.
#[tokio::test]
async fn a_value_that_cannot_be_sealed_is_an_error_of_ours() {
    let Some(mut connection) = connect().await else { return };
    let pending = Key::new(1, KEYS[0]).state(KeyState::Pending);
    let _ring = Keyring::builder().key(pending).build().unwrap().hold();
    let mut db = connection.begin().await.unwrap();
    let token = AccessToken::from(BOT_TOKEN);
    let insert =
        sqlx::query!("INSERT INTO github_connections (access_token) VALUES ($1)", &token as _);
    let error = insert.execute(&mut *db).await.unwrap_err();
    let found = Error::find(&error).unwrap();
    assert_eq!(
        (found.kind(), found.column()),
        (ErrorKind::NoActiveKey, Some(AccessToken::CONTEXT))
    );
    // The transaction goes on: the database saw nothing of it.
    let rows = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM github_connections"#);
    assert_eq!(rows.fetch_one(&mut *db).await.unwrap(), 0);
}
