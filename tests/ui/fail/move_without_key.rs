//! A row that its primary key can't find, through Diesel.

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedModel as _};

diesel::table! { users (id) { id -> Integer, token -> Text, } }

#[derive(Queryable, Encrypted)]
#[diesel(table_name = users)]
struct User {
    id: i32,
    #[encrypted(String)]
    token: Token,
}

fn main() {}

fn moves(user: &User, db: &mut impl LoadConnection<Backend = Pg>) -> QueryResult<bool> {
    user.move_stale(db)
}
