//! What holds for the whole struct.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, table = "users")]
    a: A,
    #[encrypted(String, crate = ::encrypted_field)]
    b: B,
}

fn main() {}
