//! JSON of any serde type.

use std::collections::BTreeMap;

use encrypted_field::{Encrypted, EncryptedField, ErrorKind, Json, Secret};
use serde::{Deserialize, Serialize};
use tests::refused;
use tests::secrets::{CANARY, plaintext as secret};

use crate::fields::{Typed, plaintext, read_as, ring, round_trip};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    scopes: Vec<String>,
    age: Option<u8>,
    kind: Kind,
    extra: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Bot,
    User { id: i64 },
    Pair(u8, String),
}

fn profile() -> Profile {
    Profile {
        name: secret("\"größe\"\n\0"),
        scopes: vec!["chat:write".into(), String::new()],
        age: None,
        kind: Kind::User { id: i64::MIN },
        extra: BTreeMap::from([("π".into(), 3.25), (String::new(), -0.0)]),
    }
}

#[test]
fn structs_and_enums() {
    let mut bot = profile();
    bot.kind = Kind::Bot;
    let mut pair = profile();
    (pair.kind, pair.age) = (Kind::Pair(255, "x".into()), Some(0));
    for value in [profile(), bot, pair] {
        assert!(round_trip::<Json<Profile>>(value.clone()).iter().all(|read| *read == value));
        assert!(plaintext::<Json<Profile>>(value.clone()) == serde_json::to_vec(&value).unwrap());
    }
}

#[test]
fn values_that_are_not_objects() {
    assert_eq!(round_trip::<Json<()>>(()), [(); 2]);
    assert_eq!(plaintext::<Json<()>>(()), b"null");
    assert_eq!(round_trip::<Json<Option<u8>>>(None), [None; 2]);
    assert_eq!(round_trip::<Json<Vec<u8>>>(vec![]), [vec![0_u8; 0], vec![]]);
    assert_eq!(round_trip::<Json<u128>>(u128::MAX), [u128::MAX; 2]);
    assert_eq!(round_trip::<Json<f64>>(f64::MIN_POSITIVE), [f64::MIN_POSITIVE; 2]);
    let value = serde_json::json!({"a": [1, null, {"b": "\u{0}é"}], "": 1.5e300});
    assert_eq!(round_trip::<Json<serde_json::Value>>(value.clone()), [value.clone(), value]);
}

/// As a newtype, with the value behind `Deref`.
#[test]
fn through_the_derive() {
    #[derive(Encrypted)]
    #[encrypted(context = "users.profile")]
    struct EncryptedProfile(Secret<Json<Profile>>);

    let ring = ring();
    let stored = EncryptedProfile::from(profile()).to_stored_text_with(&ring).unwrap();
    let read = EncryptedProfile::from_stored_text_with(&ring, stored).unwrap();
    assert!(read.name == profile().name && read.as_ref() == &profile());
    assert!(read.into_inner() == profile());
}

#[test]
fn what_is_not_json_of_the_type_is_refused_without_being_quoted() {
    for text in [
        "",
        " ",
        "{",
        "nul",
        "NaN",
        "\u{feff}null",
        "1 2",
        "{\"name\": 1}",
        "[1,]",
        "'x'",
        "{\"a\":1,}",
        "\"\\ud800\"",
        &format!("{{\"name\": \"{CANARY}\"}}"),
        &format!("\"{CANARY}\""),
        &format!("{{\"kind\": \"{CANARY}x\"}}"),
    ] {
        refused(read_as::<Json<Profile>>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    refused(read_as::<Json<String>>(b"\"\xFF\""), ErrorKind::InvalidPlaintext);
    refused(read_as::<Json<u8>>(b"256"), ErrorKind::InvalidPlaintext);
    // White space around is JSON.
    assert_eq!(read_as::<Json<u8>>(b" 255\n").unwrap(), 255);
}

/// Deep nesting ends in an error, not in an overflow of the stack.
#[test]
fn nesting() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    refused(read_as::<Json<serde_json::Value>>(deep.as_bytes()), ErrorKind::InvalidPlaintext);
}

/// A map whose keys are no strings has no JSON form.
#[test]
fn what_json_cannot_say_is_refused_on_write() {
    let pairs = BTreeMap::from([((1, 2), 3)]);
    let field = Typed::<Json<BTreeMap<(u8, u8), u8>>>::new(pairs);
    refused(field.to_stored_with(&ring()), ErrorKind::Unrepresentable);
}
