//! The context does not depend on which library reads the table.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! {
    #[sql_name = "the_users"]
    users (id) {
        id -> Integer,
        #[sql_name = "the_token"]
        token -> Text,
        key -> Text,
    }
}

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String, context = "the_users.the_token")]
    token: Token,
    #[encrypted(String)]
    key: Key,
}

#[derive(Queryable, Encrypted)]
#[diesel(table_name = crate::users)]
struct Both {
    #[encrypted(String)]
    #[diesel(column_name = token)]
    token: BothToken,
}

fn main() {}
