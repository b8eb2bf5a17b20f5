//! Without the feature `uuid`.

use encrypted_field::Encrypted;
use uuid::Uuid;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(uuid::Uuid)]
    reference: Reference,
    #[encrypted(Uuid)]
    other: Option<Other>,
}

// No error follows here.
fn uses(user: &User) -> u128 {
    user.reference.as_u128()
}

fn main() {}
