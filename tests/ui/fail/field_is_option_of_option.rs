//! A column has one NULL.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    a: Option<Option<A>>,
}

fn main() {}
