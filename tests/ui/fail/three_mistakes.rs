//! All of them, in one compile.

use encrypted_field::{Encrypted, EncryptedModel};

#[derive(Encrypted)]
#[encrypted(table = "users")]
pub struct SlackConnection {
    pub id: i32,
    #[encrypted(&str, storage = "blob")]
    pub bot_token: BotToken,
    #[encrypted(String)]
    pub signing_secret: Option<String>,
}

// No error follows here.
fn uses(connection: &SlackConnection) -> (&BotToken, bool) {
    (&connection.bot_token, connection.is_any_stale())
}

fn main() {}
