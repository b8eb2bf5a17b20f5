//! Without the feature `json`.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(json = Address)]
    home: Home,
}

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Address;

fn main() {}
