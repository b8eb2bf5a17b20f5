//! Each field has a type of its own.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    a: Token,
    #[encrypted(String)]
    b: Option<Token>,
}

fn main() {}
