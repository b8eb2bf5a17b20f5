//! The declared type stands outside of the struct.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User<'a, T> {
    #[encrypted(Vec<T>)]
    a: A,
    #[encrypted(json = std::borrow::Cow<'a, str>)]
    b: B,
    #[encrypted(json = Vec<Self>)]
    c: C,
    other: &'a T,
}

fn main() {}
