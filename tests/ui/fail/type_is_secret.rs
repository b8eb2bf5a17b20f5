//! The derive puts `Secret` around it.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(encrypted_field::Secret<String>)]
    a: A,
}

fn main() {}
