//! The application's table and model. Everything that encryption needs is the derive and two
//! annotations.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! {
    slack_connections (id) {
        id -> Integer,
        org_id -> Text,
        bot_token -> Text,
        signing_secret -> Nullable<Text>,
    }
}

#[derive(
    Debug, Queryable, Selectable, Insertable, AsChangeset, Identifiable, sqlx::FromRow, Encrypted,
)]
#[diesel(table_name = slack_connections)]
pub struct SlackConnection {
    pub id: i32,
    pub org_id: String,
    #[encrypted(String)]
    pub bot_token: BotToken,
    #[encrypted(String)]
    pub signing_secret: Option<SigningSecret>,
}
