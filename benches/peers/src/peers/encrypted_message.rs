//! `encrypted-message`: a message with a configuration that holds its key. It takes no associated
//! data.
//!
//! What it makes is a struct of base64 texts, and its users store that as JSON. It is timed as the
//! struct, which is what its own benchmarks time, and as the JSON text of a column.

use encrypted_field::generate_key;
use encrypted_message::EncryptedMessage;
use encrypted_message::config::{Config, ExposeSecret as _, Secret};
use encrypted_message::strategy::Randomized;

use crate::round_trip::{Library, changed_text};
use crate::{Result, TOKEN};

/// Where its key comes from. It asks at every call and wants a list of its own each time; nothing
/// is parsed here.
#[derive(Debug)]
pub(crate) struct Message(Secret<[u8; 32]>);

impl Config for Message {
    type Strategy = Randomized;

    fn keys(&self) -> Vec<Secret<[u8; 32]>> {
        vec![Secret::new(*self.0.expose_secret())]
    }
}

impl Message {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Secret::new(generate_key()?)))
    }
}

impl Library for Message {
    type Sealed = EncryptedMessage<String, Self>;
    type Opened = String;

    fn seal(&self) -> Result<Self::Sealed> {
        // It takes its payload by value.
        Ok(EncryptedMessage::encrypt_with_config(TOKEN.to_owned(), self)?)
    }

    fn open(&self, sealed: Self::Sealed) -> Result<String> {
        Ok(sealed.decrypt_with_config(self)?)
    }

    fn changed(sealed: Self::Sealed) -> Result<Self::Sealed> {
        let mut json = serde_json::to_value(sealed)?;
        let payload = json["p"].as_str().ok_or("a message has a payload")?;
        json["p"] = changed_text(payload.to_owned()).into();
        Ok(serde_json::from_value(json)?)
    }
}

/// Messages as they are stored.
pub(crate) struct Json(Message);

impl Json {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Message::new()?))
    }
}

impl Library for Json {
    type Sealed = String;
    type Opened = String;

    fn seal(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.0.seal()?)?)
    }

    fn open(&self, sealed: String) -> Result<String> {
        self.0.open(serde_json::from_str(&sealed)?)
    }

    fn changed(sealed: String) -> Result<String> {
        Ok(serde_json::to_string(&Message::changed(serde_json::from_str(&sealed)?)?)?)
    }
}
