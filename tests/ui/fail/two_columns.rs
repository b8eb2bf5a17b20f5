//! Diesel and SQLx name one column differently.

use diesel::prelude::*;
use encrypted_field::Encrypted;
use sqlx::FromRow;

diesel::table! { users (id) { id -> Integer, bot_token -> Text, #[sql_name = "type"] type_ -> Text, } }

#[derive(Queryable, FromRow, Encrypted)]
#[diesel(table_name = users)]
#[sqlx(rename_all = "camelCase")]
struct User {
    #[encrypted(String)]
    bot_token: BotToken,
    #[encrypted(String)]
    #[diesel(column_name = type_)]
    #[sqlx(rename = "type")]
    kind: Kind,
}

fn main() {}
