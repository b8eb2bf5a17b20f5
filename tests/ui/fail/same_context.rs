//! Two fields with one context could be swapped.

use encrypted_field::Encrypted;
use sqlx::FromRow;

#[derive(FromRow, Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, context = "users.a")]
    a: A,
    #[encrypted(String, context = "users.a")]
    b: B,
    #[encrypted(String)]
    #[sqlx(rename = "a")]
    c: C,
}

fn main() {}
