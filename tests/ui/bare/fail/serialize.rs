//! Without the feature `serde`.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, serialize = "sealed")]
    token: Token,
}

fn main() {}
