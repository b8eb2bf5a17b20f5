//! A newtype does not know its column.

use encrypted_field::{Encrypted, Secret};

#[derive(Encrypted)]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(scope = "slack")]
struct Other(Secret<String>);

fn main() {}
