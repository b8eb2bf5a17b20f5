//! Once is enough.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, previous_context = "old.a", previous_context = "old.a")]
    a: A,
}

fn main() {}
