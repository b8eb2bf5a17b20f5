//! Without the feature `serde`: an error of serde, which the documentation of the derive explains.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    token: Token,
}

#[derive(serde::Serialize)]
struct Answer {
    token: Token,
}

fn main() {}
