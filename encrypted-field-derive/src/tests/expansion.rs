//! Snapshots. `UPDATE_EXPECT=1 cargo test -p encrypted-field-derive` writes them anew.

use super::expansion;
use expect_test::expect_file;

#[test]
fn a_diesel_model() {
    let source = r#"
        #[derive(Debug, Queryable, Selectable, Insertable, Encrypted)]
        #[diesel(table_name = crate::schema::slack_connections)]
        #[allow(dead_code)]
        pub struct SlackConnection {
            pub id: i32,
            #[encrypted(String)]
            pub bot_token: BotToken,
            #[encrypted(String, scope = "slack", serialize = "redacted")]
            pub signing_secret: Option<SigningSecret>,
            #[encrypted(chrono::DateTime<chrono::Utc>)]
            #[diesel(column_name = type_)]
            r#type: Type,
        }
    "#;
    expect_file!["diesel_model.expanded.rs"].assert_eq(&expansion(source));
}

#[test]
fn every_option() {
    let source = r#"
        #[encrypted(table = "users", crate = my::reexport, primary_key(other, user_id))]
        #[sqlx(rename_all = "camelCase")]
        pub(crate) struct User<'a, T: Clone = u8> where T: Send {
            user_id: i64,
            #[encrypted(json = Profile<Address>, storage = "binary", legacy = crate::old::read)]
            pub public_profile: std::option::Option<PublicProfile>,
            #[encrypted(Vec<u8>, context = "accounts.key", previous_context = "users.key", previous_context = "u.k")]
            #[encrypted(pg_array, serialize = "sealed")]
            key: ApiKey,
            #[encrypted(i64, legacy = plaintext, serialize = "plaintext")]
            #[encrypted(scope = dynamic, previous_scope = "", previous_scope = "users")]
            #[sqlx(rename = "NUMBER")]
            number: Number,
            other: &'a T,
        }
    "#;
    expect_file!["every_option.expanded.rs"].assert_eq(&expansion(source));
}

#[test]
fn a_newtype() {
    let source = r#"
        #[encrypted(context = "slack_connections.bot_token", scope = "slack")]
        pub struct BotToken(encrypted_field::Secret<String>);
    "#;
    expect_file!["newtype.expanded.rs"].assert_eq(&expansion(source));
}

#[test]
fn a_model_with_mistakes_declares_its_types() {
    let source = r#"
        struct Faulty {
            #[encrypted(Option<String>)]
            bot_token: Option<BotToken>,
            #[encrypted(i64, contxt = "a.b")]
            number: Box<Number>,
        }
    "#;
    expect_file!["mistakes.expanded.rs"].assert_eq(&expansion(source));
}

#[test]
fn the_copy_that_sea_orm_makes_is_skipped() {
    assert_eq!(
        expansion("#[sea_orm(model_ex)] struct ModelEx { #[encrypted(String)] token: Token }"),
        ""
    );
    let own = expansion(
        "#[encrypted(table = \"t\")] struct ModelEx { #[encrypted(String)] token: Token }",
    );
    assert!(own.contains("struct Token"), "{own}");
}
