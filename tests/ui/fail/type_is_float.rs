//! Floats have no exact form.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(f64)]
    a: A,
    #[encrypted(f32)]
    b: B,
}

fn main() {}
