//! A derive without a use.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    token: String,
}

fn main() {}
