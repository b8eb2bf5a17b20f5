//! It would let ciphertexts be swapped again.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, previous_context = "users.b")]
    a: A,
    #[encrypted(String)]
    b: B,
}

fn main() {}
