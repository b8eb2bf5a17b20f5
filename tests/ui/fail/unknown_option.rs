//! The nearest option, or all of them.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(tabel = "users")]
struct User {
    #[encrypted(String, contxt = "users.a")]
    a: A,
    #[encrypted(String, pgarray)]
    b: B,
    #[encrypted(String, default = "x", context = "users.c")]
    c: C,
}

fn main() {}
