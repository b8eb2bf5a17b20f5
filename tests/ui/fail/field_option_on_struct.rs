//! What belongs to one field.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(String, context = "users.a", scope = "slack", table = "users")]
struct User {
    #[encrypted(String)]
    a: A,
}

#[derive(Encrypted)]
#[encrypted]
struct Account {
    #[encrypted(String, context = "accounts.a")]
    a: B,
}

fn main() {}
