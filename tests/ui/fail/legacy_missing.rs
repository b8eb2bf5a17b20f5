//! The path of a function that is not there.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, legacy = crate::old::read)]
    a: A,
}

mod old {}

fn main() {}
