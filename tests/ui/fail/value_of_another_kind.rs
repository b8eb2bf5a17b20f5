//! Strings, paths and types are not exchanged for one another.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = users, crate = "encrypted_field")]
struct User {
    #[encrypted(String, context = 5)]
    a: A,
    #[encrypted(String, storage = binary)]
    b: B,
    #[encrypted(String, legacy = "crate::read")]
    c: C,
    #[encrypted(String, context = concat!("a", ".b"))]
    d: D,
}

fn main() {}
