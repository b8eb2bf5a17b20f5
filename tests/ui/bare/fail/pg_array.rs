//! Without the feature `sqlx-postgres`.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, pg_array)]
    token: Token,
}

fn main() {}
