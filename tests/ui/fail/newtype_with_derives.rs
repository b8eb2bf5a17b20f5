//! What comes with the derive is derived once.

use encrypted_field::{Encrypted, Secret};

#[derive(Clone, Debug, Encrypted)]
#[encrypted(context = "users.token")]
struct Token(Secret<String>);

#[derive(std::fmt::Debug)]
/// Between the two lists.
#[derive(Encrypted)]
#[encrypted(context = "users.key")]
pub(crate) struct Key(Secret<Vec<u8>>);

#[derive(PartialEq, Eq, Clone, Encrypted)]
#[encrypted(context = "users.pin")]
struct Pin(Secret<String>);

// No error follows here.
fn uses(token: &Token, key: &Key) -> (Token, bool) {
    println!("{token:?} {key:?}");
    (token.clone(), key == key)
}

fn main() {}
