//! The values there are.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, storage = "blob")]
    a: A,
    #[encrypted(String, serialize = "yes")]
    b: B,
}

fn main() {}
