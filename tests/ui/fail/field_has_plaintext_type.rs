//! The field's type is a new one.

use encrypted_field::Encrypted;
use uuid::Uuid;

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String)]
    bot_token: String,
    #[encrypted(String)]
    secret: Option<String>,
    #[encrypted(Vec<u8>)]
    raw: Vec<u8>,
    #[encrypted(json = Address)]
    home: Address,
    #[encrypted(uuid::Uuid)]
    uuid: Uuid,
    #[encrypted(String)]
    string: String,
}

struct Address;

fn main() {}
