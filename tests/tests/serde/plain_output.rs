//! `serialize = "plaintext"`.

use encrypted_field::Encrypted;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER};

use crate::{Profile, profile, read};

#[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
#[encrypted(table = "plain")]
struct Plain {
    #[encrypted(String, serialize = "plaintext")]
    token: Token,
    #[encrypted(i64, serialize = "plaintext")]
    pin: Option<Pin>,
    #[encrypted(json = Profile, serialize = "plaintext")]
    profile: Document,
}

#[test]
fn is_what_is_read() {
    let output = json!({ "token": BOT_TOKEN, "pin": CANARY_INTEGER, "profile": profile() });
    let read: Plain = read(&output);
    assert!(serde_json::to_value(&read).unwrap() == output);
    let without = Plain { pin: None, ..read };
    assert!(serde_json::to_value(without).unwrap()["pin"].is_null());
}

/// The marker of `redacted` is a text like any other here.
#[test]
fn may_be_any_text() {
    assert_eq!(*read::<Token>(&json!("[encrypted]")), *"[encrypted]");
}
