//! Each previous scope is given once.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, scope = dynamic, previous_scope = "", previous_scope = "slack", previous_scope = "")]
    a: A,
}

fn main() {}
