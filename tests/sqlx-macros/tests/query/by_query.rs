//! The types of columns as a query gives them: `AS "access_token: AccessToken"`, or `_` for the
//! field of a struct.

use sqlx::{Connection, PgConnection};
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET, plaintext};
use tests_sqlx_macros::{AccessToken, AppKey, GithubConnection, RefreshToken, ring};

use crate::connect;

fn full() -> GithubConnection {
    GithubConnection {
        access_token: BOT_TOKEN.into(),
        refresh_token: Some(SIGNING_SECRET.into()),
        app_key: Some(plaintext("key").into_bytes().into()),
    }
}

fn sparse() -> GithubConnection {
    GithubConnection { refresh_token: None, app_key: None, ..full() }
}

async fn insert(db: &mut PgConnection, row: &GithubConnection) -> i32 {
    sqlx::query_scalar!(
        "INSERT INTO github_connections (access_token, refresh_token, app_key) VALUES ($1, $2, $3) RETURNING id",
        &row.access_token as _,
        row.refresh_token.as_ref() as _,
        row.app_key.as_ref() as _
    )
    .fetch_one(db)
    .await
    .unwrap()
}

#[tokio::test]
async fn query_as_with_types() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    for expected in [full(), sparse()] {
        let id = insert(&mut db, &expected).await;
        let select = sqlx::query_as!(
            GithubConnection,
            r#"SELECT access_token AS "access_token: AccessToken", refresh_token AS "refresh_token: RefreshToken",
               app_key AS "app_key: AppKey" FROM github_connections WHERE id = $1"#,
            id
        );
        assert_eq!(select.fetch_one(&mut *db).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn query_as_with_the_types_of_the_struct() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    for expected in [full(), sparse()] {
        let id = insert(&mut db, &expected).await;
        let select = sqlx::query_as!(
            GithubConnection,
            r#"SELECT access_token AS "access_token: _", refresh_token AS "refresh_token: _", app_key AS "app_key: _"
               FROM github_connections WHERE id = $1"#,
            id
        );
        assert_eq!(select.fetch_one(&mut *db).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn query_of_a_record() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let expected = full();
    let id = insert(&mut db, &expected).await;
    let select = sqlx::query!(
        r#"SELECT access_token AS "token: AccessToken", refresh_token AS "refresh!: RefreshToken",
           access_token AS "again?: tests_sqlx_macros::AccessToken", app_key AS stored
           FROM github_connections WHERE id = $1"#,
        id
    );
    let row = select.fetch_one(&mut *db).await.unwrap();
    let columns: (AccessToken, RefreshToken, Option<AccessToken>) =
        (row.token, row.refresh, row.again);
    assert_eq!(
        (&columns.0, columns.2.as_ref()),
        (&expected.access_token, Some(&expected.access_token))
    );
    assert_eq!(Some(columns.1), expected.refresh_token);
    // Without a word it is what the database has.
    let stored: Option<Vec<u8>> = row.stored;
    assert!(stored.unwrap().starts_with(b"\xEFf1"));
}

#[tokio::test]
async fn query_of_a_scalar() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let id = insert(&mut db, &sparse()).await;
    let select = sqlx::query_scalar!(
        r#"SELECT access_token AS "access_token: AccessToken" FROM github_connections WHERE id = $1"#,
        id
    );
    assert_eq!(select.fetch_one(&mut *db).await.unwrap(), sparse().access_token);
    let select = sqlx::query_scalar!(
        r#"SELECT refresh_token AS "refresh_token: RefreshToken" FROM github_connections WHERE id = $1"#,
        id
    );
    assert_eq!(select.fetch_one(&mut *db).await.unwrap(), None);
    let select = sqlx::query_scalar!(
        r#"SELECT app_key AS "app_key?: AppKey" FROM github_connections WHERE id = $1"#,
        id
    );
    assert_eq!(select.fetch_optional(&mut *db).await.unwrap(), Some(None));
}

#[tokio::test]
async fn arrays() {
    let Some(mut connection) = connect().await else { return };
    let _ring = ring().hold();
    let mut db = connection.begin().await.unwrap();
    let id = insert(&mut db, &full()).await;
    let tokens: Vec<AccessToken> = [BOT_TOKEN, "", SIGNING_SECRET].map(AccessToken::from).into();
    let update = sqlx::query!(
        "UPDATE github_connections SET old_tokens = $1 WHERE id = $2",
        &tokens as _,
        id
    );
    assert_eq!(update.execute(&mut *db).await.unwrap().rows_affected(), 1);
    let select = sqlx::query_scalar!(
        r#"SELECT old_tokens AS "old_tokens: Vec<AccessToken>" FROM github_connections WHERE id = $1"#,
        id
    );
    assert_eq!(select.fetch_one(&mut *db).await.unwrap(), tokens);

    // The batch insert of PostgreSQL.
    let insert = sqlx::query!(
        "INSERT INTO github_connections (access_token) SELECT * FROM unnest($1::text[])",
        &tokens[..] as &[AccessToken]
    );
    assert_eq!(insert.execute(&mut *db).await.unwrap().rows_affected(), 3);
}
