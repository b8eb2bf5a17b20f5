//! The derive declares the field's type.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User<'a, T> {
    #[encrypted(String)]
    a: types::Token,
    #[encrypted(String)]
    b: &'a types::Token,
    #[encrypted(String)]
    c: Box<C>,
    #[encrypted(String)]
    d: T,
    #[encrypted(String)]
    e: [u8; 4],
}

mod types {
    pub struct Token;
}

fn main() {}
