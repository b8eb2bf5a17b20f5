//! Diesel attributes past the encryption.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! { users (id) { id -> Integer, a -> Text, b -> Text, c -> Text, } }

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    #[diesel(embed)]
    a: A,
    #[encrypted(String)]
    #[diesel(serialize_as = String)]
    b: B,
    #[encrypted(String)]
    #[diesel(deserialize_as = String)]
    c: C,
}

fn main() {}
