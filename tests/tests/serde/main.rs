//! serde: a field deserializes from plaintext, serializes only if asked to, and then symmetrically.

mod input;
mod plain_output;
mod redacted;
mod sealed;

use std::collections::BTreeMap;

use encrypted_field::Keyring;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tests::leaks::Scanner;
use tests::secrets::{CANARY_INTEGER, KEYS, UNUSUAL_TEXT, plaintext};

fn first_key() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

/// The message, which must not hold a secret.
fn message<T>(result: Result<T, serde_json::Error>) -> String {
    let Err(error) = result else { panic!("no error") };
    let leaks = Scanner::new().scan(format!("{error} {error:?} {error:#?}").as_bytes());
    assert!(leaks.is_empty(), "{leaks:?}");
    error.to_string()
}

/// Why this is refused, as text and as a value that is parsed already.
fn refused<T: DeserializeOwned>(input: &Value) -> String {
    let message_of_text = message(serde_json::from_str::<T>(&input.to_string()));
    let message_of_value = message(T::deserialize(input));
    assert!(
        message_of_text.starts_with(&message_of_value),
        "{message_of_text} / {message_of_value}"
    );
    message_of_value
}

fn read<T: DeserializeOwned>(input: &Value) -> T {
    serde_json::from_str(&input.to_string()).unwrap()
}

/// What an application keeps as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    team: Option<Box<Profile>>,
    limits: BTreeMap<String, i64>,
}

fn profile() -> Profile {
    let team = Profile { name: plaintext("team"), team: None, limits: BTreeMap::new() };
    Profile {
        name: UNUSUAL_TEXT.to_owned(),
        team: Some(Box::new(team)),
        limits: [(plaintext("limit"), CANARY_INTEGER)].into(),
    }
}
