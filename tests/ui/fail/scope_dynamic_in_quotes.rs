//! A word where a name is meant, and a name where the word is.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, scope = "dynamic")]
    a: A,
    #[encrypted(String, scope = dynamc)]
    b: B,
    #[encrypted(String, scope = slack)]
    c: C,
    #[encrypted(String, previous_scope = dynamic)]
    d: D,
}

fn main() {}
