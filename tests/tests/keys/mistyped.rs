//! Key files that are JSON, and not quite what they should be. A JSON library would quote what it
//! did not expect, and that may be a key: `refused` looks for it.

use encrypted_field::{
    ErrorKind,
    key::{KeyState, Purpose},
};
use serde_json::{Value, json};
use tests::refused;
use tests::secrets::KEYS;

use crate::support::{Folder, base64, check, document, info, key};

fn entry() -> Value {
    json!({"id": 1, "scope": "", "purpose": "field", "state": "active", "key": key(0), "check": check(0)})
}

/// The entry with one member changed or added.
fn with(member: &str, value: Value) -> Value {
    let mut entry = entry();
    entry[member] = value;
    entry
}

#[track_caller]
fn wrong(text: &str, kind: ErrorKind, word: &str) {
    let folder = Folder::with_text(text);
    let message = refused(folder.file().keyring(), kind).to_string();
    assert!(message.contains("keys.json") && message.contains(word), "{message}");
    // Nothing is written over it.
    if kind == ErrorKind::KeyFile && word.contains("field") {
        refused(folder.file().rotate("", Purpose::Field, crate::support::time(0)), kind);
        assert_eq!(folder.read(), text.as_bytes());
    }
}

const TYPE: &str = "a field is missing, unknown or of the wrong type";

#[test]
fn what_is_optional_may_be_left_out() {
    let least = json!({"id": 1, "state": "active", "key": key(0)});
    let ring = Folder::with_text(document(&[least])).file().keyring().unwrap();
    let read = info(&ring, 1, 0);
    assert_eq!((read.scope, read.purpose, read.state), ("", Purpose::Field, KeyState::Active));
    let all = Folder::with_text(document(&[entry()])).file().keyring().unwrap();
    assert_eq!(all.get(1), ring.get(1));
}

#[test]
fn another_format_or_version() {
    let good = document(&[entry()]);
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1", "\"version\":0"),
        ("\"version\":1", "\"version\":4294967295"),
        ("encrypted-field key file", "another key file"),
        ("encrypted-field key file", ""),
    ] {
        assert!(good.contains(from));
        wrong(&good.replacen(from, to, 1), ErrorKind::KeyFile, "\"version\": 1");
    }
    wrong(
        &good.replacen("encrypted-field key file", &key(0), 1),
        ErrorKind::KeyFile,
        "\"version\": 1",
    );
    for value in ["\"1\"", "1.0", "-1", "null", "4294967296", "[1]"] {
        wrong(
            &good.replacen("\"version\":1", &format!("\"version\":{value}"), 1),
            ErrorKind::KeyFile,
            TYPE,
        );
    }
}

#[test]
fn members_that_are_missing_unknown_or_twice() {
    for member in ["id", "state"] {
        let mut entry = entry();
        entry.as_object_mut().unwrap().remove(member);
        wrong(&document(&[entry]), ErrorKind::KeyFile, TYPE);
    }
    for member in ["Key", "keys", "extra", &key(0), ""] {
        wrong(&document(&[with(member, json!(key(1)))]), ErrorKind::KeyFile, TYPE);
    }
    let good = document(&[entry()]);
    for member in ["format", "version", "keys"] {
        let mut top: Value = serde_json::from_str(&good).unwrap();
        top.as_object_mut().unwrap().remove(member);
        wrong(&top.to_string(), ErrorKind::KeyFile, TYPE);
    }
    wrong(&good.replacen('{', &format!("{{\"{}\":1,", key(0)), 1), ErrorKind::KeyFile, TYPE);
    let twice = good.replacen("\"id\":1", "\"id\":1,\"id\":2", 1);
    wrong(&twice, ErrorKind::KeyFile, TYPE);
    let twice = good.replacen("\"id\":1", &format!("\"id\":1,\"key\":\"{}\"", key(1)), 1);
    wrong(&twice, ErrorKind::KeyFile, TYPE);
}

#[test]
fn a_key_in_the_place_of_anything_else() {
    for member in ["id", "created", "activated", "retired", "scope", "purpose", "state", "check"] {
        let folder = Folder::with_text(document(&[with(member, json!(key(0)))]));
        // Dates and scopes are any text.
        if let Err(error) = folder.file().keyring() {
            tests::assert_no_secret(&error);
        }
        let text = document(&[with(member, json!(KEYS[0]))]);
        wrong(&text, ErrorKind::KeyFile, TYPE);
    }
    wrong(&document(&[with("purpose", json!(key(0)))]), ErrorKind::KeyFile, "field, index or file");
    wrong(
        &document(&[with("state", json!(key(0)))]),
        ErrorKind::KeyFile,
        "pending, active, retired",
    );
    wrong(&document(&[json!(key(0))]), ErrorKind::KeyFile, TYPE);
    wrong(&document(&[json!({"1": key(0)})]), ErrorKind::KeyFile, TYPE);
    wrong(&json!({"1": key(0)}).to_string(), ErrorKind::KeyFile, TYPE);
    wrong(
        &document(&[entry()]).replacen("[{", &format!("{{\"{}\":[{{", key(1)), 1),
        ErrorKind::KeyFile,
        "",
    );
}

#[test]
fn keys_of_another_type_or_length() {
    for value in [json!(KEYS[0]), json!(1), json!(true), json!({"base64": key(0)}), json!([key(0)])]
    {
        wrong(&document(&[with("key", value)]), ErrorKind::KeyFile, TYPE);
    }
    for (text, word) in [
        (String::new(), "0 bytes"),
        (base64(&KEYS[0][..31]), "31 bytes"),
        (base64(&[&KEYS[0][..], &[0]].concat()), "33 bytes"),
        (hex::encode(KEYS[0]), "64 hex digits"),
        (format!("{} {}", &key(0)[..30], &key(0)[30..]), "white space stands in it"),
        (key(0).replace('=', ""), "its padding is missing"),
        (format!("base64:{}", key(0)), "the prefix `base64:`"),
        (format!("\"{}\"", key(0)), "quotes stand around it"),
    ] {
        wrong(&document(&[with("key", json!(text))]), ErrorKind::KeyFile, word);
        wrong(&document(&[with("check", json!(text))]), ErrorKind::KeyFile, "\"check\"");
    }
    wrong(&document(&[with("key", Value::Null)]), ErrorKind::KeyFile, "\"key\" is missing");
    wrong(&document(&[with("key", json!(key(1)))]), ErrorKind::InvalidKeys, "check value");
}

/// Written by hand, or by an editor on another system.
#[test]
fn line_breaks_in_a_key_and_a_byte_order_mark() {
    for text in
        [key(0) + "\n", format!(" {}\r\n", key(0)), format!("{}\n{}", &key(0)[..30], &key(0)[30..])]
    {
        let folder = Folder::with_text(document(&[with("key", json!(text))]));
        info(&folder.file().keyring().unwrap(), 1, 0);
    }
    let marked = format!("\u{feff}{}", document(&[entry()]));
    wrong(&marked, ErrorKind::KeyFile, "a byte order mark stands before it");
}

#[test]
fn ids_of_another_type_or_range() {
    for value in [
        json!("1"),
        json!(1.0),
        json!(-1),
        json!(4_294_967_296_u64),
        json!(null),
        json!([1]),
        json!(true),
    ] {
        wrong(&document(&[with("id", value)]), ErrorKind::KeyFile, TYPE);
    }
    wrong(&document(&[with("id", json!(0))]), ErrorKind::InvalidKeys, "begin at 1");
    refused(
        Folder::with_text(document(&[with("id", json!(0))])).file().entries(),
        ErrorKind::KeyFile,
    );
}

#[test]
fn keys_that_can_not_be_loaded_together() {
    let other = |id: u32, state: &str| json!({"id": id, "state": state, "key": key(1)});
    wrong(&document(&[]), ErrorKind::InvalidKeys, "none were given");
    wrong(&document(&[entry(), other(1, "retired")]), ErrorKind::InvalidKeys, "twice");
    wrong(&document(&[entry(), other(2, "active")]), ErrorKind::InvalidKeys, "both active");
    wrong(&document(&[other(2, "retired")]), ErrorKind::InvalidKeys, "no key is active");
    let weak = json!({"id": 2, "state": "pending", "key": base64(&[7; 32])});
    wrong(&document(&[entry(), weak]), ErrorKind::InvalidKeys, "all bytes are equal");
}

/// `Active` is not `active`, and a state of a later version is no reason to guess.
#[test]
fn names_are_exact() {
    for state in ["Active", "ACTIVE", "active ", "", "expired"] {
        wrong(&document(&[with("state", json!(state))]), ErrorKind::KeyFile, "\"state\"");
    }
    for purpose in ["Field", "fields", ""] {
        wrong(&document(&[with("purpose", json!(purpose))]), ErrorKind::KeyFile, "\"purpose\"");
    }
}
