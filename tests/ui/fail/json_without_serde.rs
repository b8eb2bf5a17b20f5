//! JSON is for types of serde.

use encrypted_field::{Encrypted, EncryptedModel};

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(json = Address)]
    home: Home,
    #[encrypted(json = Vec<Phone>)]
    phones: Option<Phones>,
}

struct Address;

#[derive(serde::Serialize, serde::Deserialize)]
struct Phone;

// No error follows here.
fn uses(user: &User) -> (&Address, bool) {
    (&user.home, user.is_any_stale())
}

fn main() {}
