//! SQLx attributes past the encryption.

use encrypted_field::Encrypted;
use sqlx::FromRow;

#[derive(Encrypted, FromRow)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    #[sqlx(flatten)]
    a: A,
    #[encrypted(String)]
    #[sqlx(try_from = "String")]
    b: B,
    #[encrypted(String)]
    #[sqlx(json)]
    c: C,
    #[encrypted(String)]
    #[sqlx(skip)]
    d: D,
}

// FromRow wants it for the field it skips.
impl Default for D {
    fn default() -> Self {
        Self::from("")
    }
}

fn main() {}
