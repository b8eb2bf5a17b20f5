//! `serialize = "redacted"`: a marker goes out, and does not come back in.

use std::collections::BTreeMap;

use encrypted_field::Encrypted;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER, SIGNING_SECRET, plaintext};

use crate::{Profile, profile, read, refused};

const MARKER: &str = "[encrypted]";

#[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
#[encrypted(table = "redacted")]
struct Redacted {
    #[encrypted(String, serialize = "redacted")]
    token: Token,
    #[encrypted(String, serialize = "redacted")]
    secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>, serialize = "redacted")]
    bytes: Option<Bytes>,
    #[encrypted(i64, serialize = "redacted")]
    pin: Option<Pin>,
    #[encrypted(json = Profile, serialize = "redacted")]
    profile: Option<Document>,
    #[encrypted(json = Value, serialize = "redacted")]
    anything: Option<Anything>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Outer {
    rows: Vec<Inner>,
    by_name: BTreeMap<String, Option<Token>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Inner {
    #[serde(flatten)]
    row: Redacted,
}

fn input() -> Value {
    json!({
        "token": BOT_TOKEN,
        "secret": SIGNING_SECRET,
        "bytes": [1],
        "pin": CANARY_INTEGER,
        "profile": profile(),
        "anything": { "a": [plaintext("a")] },
    })
}

#[test]
fn output_is_a_marker_and_null() {
    let full = serde_json::to_value(read::<Redacted>(&input())).unwrap();
    let names = ["token", "secret", "bytes", "pin", "profile", "anything"];
    assert!(names.iter().all(|name| full[name] == MARKER));
    assert_eq!(full.as_object().unwrap().len(), names.len());
    let sparse = read::<Redacted>(&json!({ "token": "" }));
    let sparse = serde_json::to_value(sparse).unwrap();
    assert_eq!(sparse["token"], MARKER);
    assert!(names[1..].iter().all(|name| sparse[name].is_null()));
}

#[test]
fn the_marker_is_refused_wherever_it_stands() {
    for field in ["token", "secret", "bytes", "pin", "profile", "anything"] {
        let mut input = input();
        input[field] = json!(MARKER);
        let message = refused::<Redacted>(&input);
        assert!(message.starts_with(&format!("redacted.{field}: ")), "{message}");
        let nested = json!({ "rows": [input], "by_name": {} });
        assert!(refused::<Outer>(&nested).contains(&format!("redacted.{field}: ")));
    }
    let nested = json!({ "rows": [input()], "by_name": { "a": MARKER } });
    assert_eq!(
        refused::<Outer>(&nested),
        "redacted.token: a redacted value came back as input; leave it out"
    );
}

#[test]
fn what_is_sent_back_changed_is_taken() {
    let outer = json!({ "rows": [input()], "by_name": { "a": plaintext("new"), "b": null } });
    let outer: Outer = read(&outer);
    assert_eq!(*outer.by_name["a"].as_ref().unwrap(), plaintext("new").into());
    assert_eq!(outer.by_name["b"], None);
    // Nearly the marker.
    for token in ["encrypted", "[encrypted] ", "[Encrypted]", "[[encrypted]]", ""] {
        assert_eq!(*read::<Token>(&json!(token)), *token);
    }
}
