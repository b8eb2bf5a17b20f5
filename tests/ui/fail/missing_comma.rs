//! The rest is still read.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String scope = "slack" strage = "text")]
    a: A,
}

fn main() {}
