//! A newtype keeps the key it was read under.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(context = "users.token")]
struct Token(String);

fn main() {}
