//! Diesel takes several tables; a context takes one.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! { a (id) { id -> Integer, token -> Text, } }
diesel::table! { b (id) { id -> Integer, token -> Text, } }

#[derive(Insertable, Encrypted)]
#[diesel(table_name = a, table_name = b)]
struct User {
    #[encrypted(String)]
    token: Token,
}

fn main() {}
