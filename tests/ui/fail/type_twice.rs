//! One plaintext type.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, Vec<u8>)]
    a: A,
    #[encrypted(String, json = String)]
    b: B,
    #[encrypted(json = String)]
    #[encrypted(json = u8)]
    c: C,
}

fn main() {}
