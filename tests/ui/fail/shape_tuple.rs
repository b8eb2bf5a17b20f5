//! A tuple struct has no columns, and a newtype has one field.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
struct Pair(#[encrypted(String)] First, #[encrypted(String)] Second);

struct First;
struct Second;

fn main() {}
