//! An application may write `Serialize` itself. A legacy reader may have
//! parameters of its own, which the declaration decides.

#![deny(warnings)]

use encrypted_field::{Encrypted, EncryptedField};
use serde::{Serialize, Serializer};

#[derive(Encrypted)]
#[encrypted(table = "users")]
pub struct User {
    #[encrypted(String, legacy = read, serialize = "custom")]
    pub token: Token,
    #[encrypted(json = Vec<u8>, legacy = serde_json::from_slice)]
    pub list: List,
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("a token")
    }
}

fn read<'a>(bytes: &'a [u8]) -> Result<String, std::str::Utf8Error> {
    std::str::from_utf8(bytes).map(|text: &'a str| format!("{text} read"))
}

#[test]
fn runs() {
    assert_eq!(serde_json::to_string(&Token::from("t")).unwrap(), "\"a token\"");
    let read = Token::LEGACY.expect("a legacy reader")(b"old").expect("a value");
    assert_eq!(read, "old read");
    assert_eq!(List::LEGACY.expect("a legacy reader")(b"[1]").expect("a value").0, [1]);
}
