//! What Diesel says of a column it does not have.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! { users (id) { id -> Integer, bot_token -> Text, } }

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    token: Token,
}

fn main() {}
