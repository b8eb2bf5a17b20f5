//! What the newtype itself says, or cannot know.

use encrypted_field::{Encrypted, Secret};

#[derive(Encrypted)]
#[encrypted(String, context = "a.b")]
struct A(Secret<String>);

#[derive(Encrypted)]
#[encrypted(json = String, context = "a.c")]
struct B(Secret<String>);

#[derive(Encrypted)]
#[encrypted(table = "a", context = "a.d")]
struct C(Secret<String>);

#[derive(Encrypted)]
struct E(#[encrypted(context = "a.e")] Secret<String>);

fn main() {}
