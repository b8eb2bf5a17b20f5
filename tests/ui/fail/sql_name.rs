//! The context does not depend on which library reads the column.

use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! {
    users (id) {
        id -> Integer,
        #[sql_name = "type"]
        type_ -> Text,
    }
}

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    #[diesel(column_name = type_)]
    kind: Kind,
}

fn main() {}
