//! A secret is not serialized unless asked for.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    token: Token,
}

#[derive(serde::Serialize)]
struct Answer {
    token: Token,
}

fn main() {
    let token = Token::from("xoxb");
    let _ = serde_json::to_string(&token);
}
