//! Neither a model nor a newtype.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
struct Token;

fn main() {}
