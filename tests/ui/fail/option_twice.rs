//! An option says one thing.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users", table = "accounts")]
struct User {
    #[encrypted(String, scope = "a", scope = "b")]
    a: A,
    #[encrypted(String, storage = "text")]
    #[encrypted(storage = "text")]
    b: B,
}

fn main() {}
