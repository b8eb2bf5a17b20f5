//! A user's strictest lints say nothing of generated code.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    private_interfaces,
    private_bounds,
    non_local_definitions,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    elided_lifetimes_in_paths,
    let_underscore_drop,
    variant_size_differences
)]

use diesel::prelude::*;
use encrypted_field::Encrypted;

mod schema {
    diesel::table! {
        slack_connections (id) {
            id -> Integer,
            bot_token -> Text,
            signing_secret -> Nullable<Text>,
            key -> Binary,
        }
    }
}

/// A connection, private to the crate.
#[derive(
    Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted,
)]
#[diesel(table_name = schema::slack_connections)]
pub(crate) struct SlackConnection {
    pub(crate) id: i32,
    #[encrypted(String, serialize = "redacted", scope = "slack")]
    pub(crate) bot_token: BotToken,
    #[encrypted(String, previous_context = "slack.secret", serialize = "sealed")]
    signing_secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>, storage = "binary", serialize = "plaintext", legacy = plaintext)]
    key: Key,
}

/// What the crate's users see.
pub mod public {
    use encrypted_field::{Encrypted, Secret};

    /// A row of another table.
    #[derive(Debug, sqlx::FromRow, Encrypted)]
    #[encrypted(table = "users")]
    pub struct User<'a, T: Clone> {
        /// With an address as JSON.
        #[encrypted(json = Address, pg_array)]
        pub home: Home,
        /// Not encrypted.
        #[sqlx(skip)]
        pub other: std::marker::PhantomData<&'a T>,
    }

    /// An address.
    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    pub struct Address {
        /// In it.
        pub city: String,
    }

    /// The type of a key that only this module knows.
    #[derive(Debug, sqlx::Type)]
    #[sqlx(transparent)]
    struct PrivateId(i64);

    /// A row of yet another table.
    #[derive(Debug, sqlx::FromRow, Encrypted)]
    #[encrypted(table = "keyed", primary_key(private_id))]
    pub struct Keyed {
        private_id: PrivateId,
        /// Encrypted.
        #[encrypted(String)]
        pub token: KeyedToken,
    }

    /// A secret that many tables share.
    #[derive(Encrypted)]
    #[encrypted(context = "shared.secret")]
    pub struct Shared(Secret<String>);
}

#[test]
fn runs() {
    let connection = SlackConnection {
        id: 1,
        bot_token: "xoxb".into(),
        signing_secret: Some("secret".into()),
        key: vec![1].into(),
    };
    assert_eq!(format!("{:?}", connection.bot_token), "BotToken([encrypted])");
    assert!(connection.signing_secret.is_some() && connection.id == 1 && connection.key.len() == 1);
}
