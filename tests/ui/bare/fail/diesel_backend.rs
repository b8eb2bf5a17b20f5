//! Without the feature for the backend, here `diesel-postgres`.

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use encrypted_field::Encrypted;

diesel::table! { users (id) { id -> Integer, token -> Text, } }

#[derive(Insertable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    #[encrypted(String)]
    token: Token,
}

fn insert(user: &User, db: &mut impl LoadConnection<Backend = Pg>) -> QueryResult<usize> {
    diesel::insert_into(users::table).values(user).execute(db)
}

fn main() {}
