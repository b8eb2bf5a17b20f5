//! Without the feature `uuid`.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(uuid::Uuid)]
    reference: Reference,
}

fn main() {}
