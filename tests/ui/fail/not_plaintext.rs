//! Not every type can be stored.

use encrypted_field::{Encrypted, EncryptedModel};

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(std::time::Duration)]
    age: Age,
}

// No error follows here.
fn uses(user: &User) -> (u64, bool) {
    (user.age.as_secs(), user.is_any_stale())
}

fn main() {}
