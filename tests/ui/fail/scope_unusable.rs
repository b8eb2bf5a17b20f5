//! A scope can be written in an environment variable.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, scope = "")]
    a: A,
    #[encrypted(String, scope = "slack:bot")]
    b: B,
    #[encrypted(String, previous_scope = "slack bot")]
    c: C,
}

fn main() {}
