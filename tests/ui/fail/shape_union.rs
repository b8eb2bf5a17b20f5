//! Only structs have columns.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
union Token {
    bot: u64,
}

fn main() {}
