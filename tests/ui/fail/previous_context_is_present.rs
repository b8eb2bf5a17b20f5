//! Nothing was renamed.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, previous_context = "users.a")]
    a: A,
    #[encrypted(String, context = "x", previous_context = "x")]
    b: B,
}

fn main() {}
