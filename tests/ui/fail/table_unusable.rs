//! A table's name, without the schema.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "")]
struct User {
    #[encrypted(String)]
    a: A,
}

#[derive(Encrypted)]
#[encrypted(table = "public.accounts")]
struct Account {
    #[encrypted(String)]
    a: B,
}

fn main() {}
