//! The plaintext type is not guessed.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted]
    a: A,
    #[encrypted()]
    b: B,
    #[encrypted(scope = "slack")]
    c: C,
    #[encrypted = "String"]
    d: D,
}

fn main() {}
