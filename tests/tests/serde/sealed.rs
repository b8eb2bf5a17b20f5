//! `serialize = "sealed"`: detached values, for cookies, queues and JSON.

use encrypted_field::{Encrypted, ErrorKind, Key, KeyId, Keyring, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tests::leaks::Scanner;
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER, KEYS};

use crate::{Profile, first_key, message, profile, read, refused};

#[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
#[encrypted(table = "jobs")]
struct Job {
    #[encrypted(String, serialize = "sealed")]
    token: Token,
    #[encrypted(i64, serialize = "sealed")]
    pin: Option<Pin>,
    #[encrypted(json = Profile, serialize = "sealed", storage = "binary")]
    profile: Option<Document>,
}

fn job() -> Job {
    Job {
        token: BOT_TOKEN.into(),
        pin: Some(CANARY_INTEGER.into()),
        profile: Some(profile().into()),
    }
}

#[test]
fn output_is_text_that_opens() {
    let _ring = first_key().hold();
    let output = serde_json::to_value(job()).unwrap();
    for field in ["token", "pin", "profile"] {
        assert!(output[field].as_str().unwrap().starts_with("ef1:1:"), "{field}");
    }
    assert!(Scanner::new().scan(output.to_string().as_bytes()).is_empty());
    let read: Job = read(&output);
    assert_eq!(read, job());
    assert_eq!(read.token.key_id(), KeyId::new(1));
    assert_ne!(serde_json::to_value(&read).unwrap()["token"], output["token"], "sealed afresh");
}

#[test]
fn none_is_null() {
    let _ring = first_key().hold();
    let sparse = Job { pin: None, profile: None, ..job() };
    let output = serde_json::to_value(&sparse).unwrap();
    assert!(output["pin"].is_null() && output["profile"].is_null());
    assert_eq!(read::<Job>(&output), sparse);
}

#[test]
fn after_a_rotation_it_opens_and_is_stale() {
    let ring = first_key().hold();
    let output = serde_json::to_value(job()).unwrap();
    drop(ring);
    let _ring = Keyring::builder().active(2, KEYS[1]).retired(1, KEYS[0]).build().unwrap().hold();
    let read: Job = read(&output);
    assert_eq!((&read, read.token.is_stale()), (&job(), true));
    assert!(serde_json::to_value(&read).unwrap()["token"].as_str().unwrap().starts_with("ef1:2:"));
}

#[test]
fn it_is_no_value_of_a_column_nor_the_reverse() {
    let _ring = first_key().hold();
    let token = Token::from(BOT_TOKEN);
    let output = serde_json::to_value(&token).unwrap();
    let as_column = Token::from_stored_text(output.as_str().unwrap().to_owned()).unwrap_err();
    assert_eq!(as_column.kind(), ErrorKind::Authentication);

    let stored = token.to_stored_text().unwrap();
    assert!(
        refused::<Token>(&json!(stored))
            .starts_with("jobs.token: key 1: the stored value does not authenticate")
    );
    // The same by hand.
    assert_eq!(Token::open_text(output.as_str().unwrap()).unwrap(), token);
    assert_eq!(read::<Token>(&json!(token.seal_text().unwrap())), token);
}

#[test]
fn anything_else_is_refused() {
    let ring = first_key().hold();
    let sealed = Token::from(BOT_TOKEN).seal_text().unwrap();
    let others = Pin::from(CANARY_INTEGER).seal_text().unwrap();
    for (input, expected) in [
        (json!(BOT_TOKEN), "jobs.token: the stored value is not encrypted"),
        (json!(""), "jobs.token: the stored value is not encrypted"),
        (json!(CANARY_INTEGER), "jobs.token: not a value of the field's type"),
        (json!(null), "jobs.token: not a value of the field's type"),
        (json!(others), "jobs.token: key 1: the stored value does not authenticate"),
        (
            json!(sealed.replacen("ef1", "ef2", 1)),
            "jobs.token: the stored value has a format version",
        ),
        (json!(sealed[..30]), "jobs.token: "),
    ] {
        let message = refused::<Token>(&input);
        assert!(message.starts_with(expected), "{message}");
    }
    drop(ring);
    let _ring = Keyring::builder().active(2, KEYS[1]).build().unwrap().hold();
    assert!(
        refused::<Token>(&json!(sealed))
            .starts_with("jobs.token: key 1: the key ring does not hold")
    );
}

#[test]
fn what_cannot_be_sealed_is_an_error() {
    let _ring = first_key().hold();
    let twice = Token::from(Token::from(BOT_TOKEN).seal_text().unwrap());
    assert!(message(serde_json::to_string(&twice)).starts_with("jobs.token: "));
    let _ring =
        Keyring::builder().key(Key::new(1, KEYS[0]).scope("elsewhere")).build().unwrap().hold();
    assert!(
        message(serde_json::to_string(&job()))
            .contains("no key of this scope and purpose is active")
    );
}

/// A type without any serde is a field like any other.
#[test]
fn a_value_without_serde_compiles() {
    #[derive(Encrypted)]
    #[encrypted(context = "without.serde", serialize = "sealed")]
    struct Amount(Secret<bigdecimal::BigDecimal>);

    let _ring = first_key().hold();
    let amount = Amount::from("1.50".parse::<bigdecimal::BigDecimal>().unwrap());
    let output = serde_json::to_value(&amount).unwrap();
    assert_eq!(read::<Amount>(&output), amount);
}
