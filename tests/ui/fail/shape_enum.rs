//! Only structs have columns.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
enum Token {
    Bot(String),
}

fn main() {}
