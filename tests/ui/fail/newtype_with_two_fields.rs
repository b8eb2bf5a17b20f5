//! A newtype has one field.

use encrypted_field::{Encrypted, Secret};

#[derive(Encrypted)]
#[encrypted(context = "users.token")]
struct Token(Secret<String>, u8);

fn main() {}
