//! A stored value is different each time.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! { users (id) { id -> Integer, token -> Text, secret -> Nullable<Text>, } }

#[derive(Encrypted, Queryable)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    token: Token,
}

fn main() {
    let token = Token::from("xoxb");
    let _ = users::table.filter(users::token.ne(token));
}
