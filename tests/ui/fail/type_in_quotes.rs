//! The plaintext type is a type.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted("String")]
    a: A,
    #[encrypted(type = String)]
    b: B,
    #[encrypted(json = "String")]
    c: C,
}

fn main() {}
