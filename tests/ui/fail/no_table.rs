//! Nothing says which table it is.

use encrypted_field::Encrypted;

#[derive(Encrypted)]
struct SlackConnection {
    #[encrypted(String)]
    bot_token: BotToken,
    #[encrypted(String)]
    signing_secret: SigningSecret,
}

fn main() {}
