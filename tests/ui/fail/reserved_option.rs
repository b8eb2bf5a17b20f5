//! Names that a later release gives a meaning.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    id: i32,
    #[encrypted(String, index)]
    a: A,
    #[encrypted(String, bind(id))]
    b: B,
}

fn main() {}
