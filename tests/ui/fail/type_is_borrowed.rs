//! A field owns what it holds.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(&str)]
    a: A,
    #[encrypted(str)]
    b: B,
    #[encrypted(&'static [u8])]
    c: C,
    #[encrypted([u8])]
    d: D,
}

fn main() {}
