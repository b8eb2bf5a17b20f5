//! `Clone` and `Debug` come with the derive: an error of rustc's, which the documentation of the
//! derive explains.

use encrypted_field::{Encrypted, Secret};

#[derive(Clone, Debug, Encrypted)]
#[encrypted(context = "users.token")]
struct Token(Secret<String>);

fn main() {}
