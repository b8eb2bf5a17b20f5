//! Options that need a value, and one that takes none.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, context)]
    a: A,
    #[encrypted(String, scope =)]
    b: B,
    #[encrypted(String, pg_array = true)]
    c: C,
    #[encrypted(String, context("users.d"))]
    d: D,
    #[encrypted(String, scope: "slack")]
    e: E,
}

fn main() {}
