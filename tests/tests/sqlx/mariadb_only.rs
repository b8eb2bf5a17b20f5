//! What MariaDB and MySQL alone do: outside strict mode they cut what does not fit, and say
//! nothing.

use encrypted_field::{EncryptedField, ErrorKind};
use tests::secrets::BOT_TOKEN;

use crate::databases::mariadb::open;
use crate::errors::{foreign, found, inside};
use crate::keys;
use crate::models::{BotToken, Note};

#[tokio::test]
async fn a_value_that_was_cut_is_refused() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    sqlx::raw_sql("CREATE TABLE one (token VARCHAR(102), note VARBINARY(70))")
        .execute(&mut db)
        .await
        .unwrap();
    let (token, note) = (BotToken::from(BOT_TOKEN), Note::from(BOT_TOKEN));
    let insert = "INSERT INTO one VALUES (?, ?)";
    // Strict mode is the default.
    let error = sqlx::query(insert).bind(&token).bind(&note).execute(&mut db).await.unwrap_err();
    assert!(foreign(&error).contains("Data too long"));

    sqlx::raw_sql("SET sql_mode = ''").execute(&mut db).await.unwrap();
    sqlx::query(insert).bind(&token).bind(&note).execute(&mut db).await.unwrap();
    let error = sqlx::query_as::<_, (BotToken,)>("SELECT token FROM one")
        .fetch_one(&mut db)
        .await
        .unwrap_err();
    // Cut between two groups of base64, and bytes anywhere, what is left is a value like any other.
    assert_eq!(found(&error), (ErrorKind::Authentication, BotToken::CONTEXT));
    let error =
        sqlx::query_as::<_, (Note,)>("SELECT note FROM one").fetch_one(&mut db).await.unwrap_err();
    assert_eq!(found(&error), (ErrorKind::Authentication, Note::CONTEXT));

    // Cut before that, the message has the likely cause.
    sqlx::raw_sql("UPDATE one SET token = LEFT(token, 40)").execute(&mut db).await.unwrap();
    let error = sqlx::query_as::<_, (BotToken,)>("SELECT token FROM one")
        .fetch_one(&mut db)
        .await
        .unwrap_err();
    assert_eq!(inside(&error).kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("is the column wide enough?"));
}
