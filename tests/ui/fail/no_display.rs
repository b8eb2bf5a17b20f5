//! A secret is not printed by accident.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    token: Token,
}

fn main() {
    let token = Token::from("xoxb");
    println!("{token}");
}
