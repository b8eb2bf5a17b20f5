//! A context tells columns apart.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, context = "")]
    a: A,
    #[encrypted(String, context = "users\n.b")]
    b: B,
    #[encrypted(String, previous_context = "")]
    c: C,
}

fn main() {}
