//! A scope is known when the program is compiled, or entered when it runs.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    tenant: String,
    #[encrypted(String, scope = self.tenant)]
    a: A,
    #[encrypted(String, scope = tenant())]
    b: B,
}

fn main() {}
