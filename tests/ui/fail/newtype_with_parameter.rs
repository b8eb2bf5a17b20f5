//! A newtype is one type.

use encrypted_field::{Encrypted, Plaintext, Secret};

#[derive(Encrypted)]
#[encrypted(context = "users.token")]
struct Token<T: Plaintext>(Secret<T>);

fn main() {}
