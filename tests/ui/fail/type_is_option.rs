//! NULL is not encrypted.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(Option<String>)]
    a: A,
    #[encrypted(std::option::Option<i64>)]
    b: Option<B>,
}

fn main() {}
