//! What is inside is not touched.

use encrypted_field::Secret;

mod model {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "users")]
    pub struct User {
        #[encrypted(String)]
        pub token: Token,
    }
}

fn main() {
    let token = model::Token(Secret::new("xoxb".into()));
    let _ = token.0;
}
