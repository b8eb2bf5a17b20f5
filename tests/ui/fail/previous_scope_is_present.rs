//! No value has moved.

use encrypted_field::{Encrypted, Secret};

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, previous_scope = "")]
    a: A,
    #[encrypted(String, scope = "slack", previous_scope = "slack")]
    b: B,
}

#[derive(Encrypted)]
#[encrypted(context = "users.c", scope = "slack", previous_scope = "slack")]
struct C(Secret<String>);

fn main() {}
