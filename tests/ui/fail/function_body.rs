//! Inside of a function too.

use encrypted_field::Encrypted;

fn main() {
    #[derive(Encrypted)]
    struct Local {
        #[encrypted(&str)]
        a: A,
        #[encrypted(String, storage = text, context = "local.b")]
        b: B,
    }
}
