//! Values that are refused for a reason of their own, by the text of the refusal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::vectors::{Vector, all};

fn vector(name: &str) -> Vector {
    all().into_iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn refusal(vector: &Vector, stored: impl AsRef<[u8]>) -> String {
    match vector.format().read(stored.as_ref()) {
        Ok(_) => panic!("{} is read", vector.name),
        Err(e) => e.to_string(),
    }
}

fn document(vector: &Vector) -> Value {
    serde_json::from_slice(&vector.stored).unwrap()
}

/// The first 12 of the 16 bytes.
fn cut(tag: &mut Value) {
    let bytes = STANDARD.decode(tag.as_str().unwrap()).unwrap();
    *tag = STANDARD.encode(&bytes[..12]).into();
}

const TAG: &str = "the authentication tag is not 16 bytes";

#[test]
fn tags_of_12_bytes_are_refused() {
    let rails = vector("rails, SHA256, a token");
    let mut message = document(&rails);
    cut(&mut message["h"]["at"]);
    assert_eq!(refusal(&rails, message.to_string()), TAG);

    let pbkdf2 = vector("pbkdf2-aes-256-gcm, a token");
    let mut value = document(&pbkdf2);
    cut(&mut value["authTag"]);
    assert_eq!(refusal(&pbkdf2, value.to_string()), TAG);

    let laravel = vector("laravel, AES-256-GCM, a token");
    let mut payload: Value =
        serde_json::from_slice(&STANDARD.decode(&laravel.stored).unwrap()).unwrap();
    cut(&mut payload["tag"]);
    assert_eq!(refusal(&laravel, STANDARD.encode(payload.to_string())), TAG);
    payload["tag"] = "".into();
    assert_eq!(refusal(&laravel, STANDARD.encode(payload.to_string())), TAG);
}

#[test]
fn laravel_needs_the_mac_of_its_cipher() {
    let payload = |vector: &Vector| -> Value {
        serde_json::from_slice(&STANDARD.decode(&vector.stored).unwrap()).unwrap()
    };
    let stored = |payload: &Value| STANDARD.encode(payload.to_string());
    let (cbc, gcm) =
        (vector("laravel, AES-256-CBC, a token"), vector("laravel, AES-256-GCM, a token"));
    let mut without = payload(&cbc);
    without["mac"] = "".into();
    assert!(refusal(&cbc, stored(&without)).contains("has no MAC"));
    without.as_object_mut().unwrap().remove("mac");
    assert!(refusal(&cbc, stored(&without)).contains("not a payload of Laravel"));
    let mut capitals = payload(&cbc);
    capitals["mac"] = capitals["mac"].as_str().unwrap().to_uppercase().into();
    assert!(refusal(&cbc, stored(&capitals)).contains("has no MAC"));
    // Each is told from the other.
    assert!(refusal(&cbc, &gcm.stored).contains("the cipher may be AES-256-GCM"));
    assert!(refusal(&gcm, &cbc.stored).contains("the cipher may be AES-256-CBC"));
    // What was serialized needs to be asked for, and the other way round.
    let serialized = vector("laravel, AES-256-CBC, serialized");
    let plain = cbc.format().read(&serialized.stored).unwrap();
    assert!(plain.starts_with(b"s:") && plain.ends_with(b"\";"));
    assert!(refusal(&serialized, &cbc.stored).contains("not a string as PHP serializes it"));
}

#[test]
fn laravel_reads_what_older_versions_have_escaped() {
    let cbc = vector("laravel, AES-256-CBC, a long text");
    let json = String::from_utf8(STANDARD.decode(&cbc.stored).unwrap()).unwrap();
    let escaped = json.replace("\\/", "/").replace('/', "\\/");
    assert!(escaped.contains("\\/"), "the vector has no slash");
    let read = cbc.format().read(STANDARD.encode(escaped).as_bytes()).unwrap();
    assert!(Some(&*read) == cbc.plaintext.as_ref());
}

#[test]
fn headers_that_rails_does_not_write_are_refused() {
    let rails = vector("rails, SHA256, a token");
    let with = |name: &str, header: Value| {
        let mut message = document(&rails);
        message["h"][name] = header;
        refusal(&rails, message.to_string())
    };
    assert!(with("x", json!("AA==")).contains("not a message of Active Record Encryption"));
    assert!(with("i", json!(STANDARD.encode("0000"))).contains("names a key that was not given"));
    assert!(
        with("e", json!(STANDARD.encode("Shift_JIS"))).contains("an encoding other than UTF-8")
    );
    assert!(with("c", json!(true)).contains("not compressed by zlib"));
    // The message's own key is itself no envelope.
    let envelope = vector("rails, envelope, compressed");
    let mut message = document(&envelope);
    message["h"]["k"]["h"]["k"] = message["h"]["k"].clone();
    assert!(refusal(&envelope, message.to_string()).contains("not a message"));
    let mut message = document(&envelope);
    message["h"]["k"]["p"] = "AAAA".into();
    assert!(refusal(&envelope, message.to_string()).contains("does not authenticate"));
    // Deep nesting costs no stack.
    let deep = [r#"{"p":"","h":{"k":"#.repeat(100_000), "}".repeat(200_000)].concat();
    assert!(refusal(&rails, deep).contains("not a message"));
}

#[test]
fn versions_and_tags_that_have_no_key_are_named() {
    let unknown = "names a key that was not given; add the key of this version or tag";
    let json = vector("json-aes-256-gcm, a token");
    let mut value = document(&json);
    value["version"] = 3.into();
    assert_eq!(refusal(&json, value.to_string()), unknown);
    // Under the key of another version it does not open.
    value["version"] = 2.into();
    assert!(refusal(&json, value.to_string()).contains("does not authenticate"));
    // A number and a string say the same.
    value["version"] = "1".into();
    assert!(json.format().read(value.to_string().as_bytes()).is_ok());

    let cloak = vector("cloak-ecto, a token");
    let mut value = cloak.stored.clone();
    value[2] = b'B';
    assert_eq!(refusal(&cloak, &value), unknown);
    value[0] = 2;
    assert!(refusal(&cloak, &value).contains("no header of Cloak"));
    // One tag has one header: DER's shortest length.
    let longer = [&[1, 0x81][..], &cloak.stored[1..]].concat();
    assert!(refusal(&cloak, longer).contains("no header of Cloak"));
}

#[test]
fn text_forms_have_one_spelling() {
    let hex = vector("aes-256-gcm, hex");
    assert!(refusal(&hex, hex.stored.to_ascii_uppercase()).contains("hexadecimal in lower case"));
    let fernet = vector("fernet, a token");
    let text = String::from_utf8(fernet.stored.clone()).unwrap();
    assert!(
        refusal(&fernet, text.trim_end_matches('=')).contains("not base64") || !text.contains('=')
    );
    assert!(refusal(&fernet, text.replace(['-', '_'], "+")).contains("not base64"));
    assert!(refusal(&fernet, format!("{text}\n")).contains("not base64"));
    let mut version = STANDARD.decode(text.replace('-', "+").replace('_', "/")).unwrap();
    version[0] = 0x81;
    let changed = STANDARD.encode(version).replace('+', "-").replace('/', "_");
    assert!(refusal(&fernet, changed).contains("the version is not 80"));
    let json = vector("json-aes-256-gcm, a token");
    let spaced = [b" ", &json.stored[..]].concat();
    assert!(refusal(&json, spaced).contains("not a JSON object of exactly"));
}

#[test]
fn an_empty_value_of_lockbox_is_read_only_on_request() {
    let asked = vector("lockbox, an empty attribute");
    assert!(asked.format().read(b"").unwrap().is_empty());
    let not_asked = vector("lockbox, a token");
    assert!(refusal(&not_asked, b"").contains("too short"));
    let unpadded = vector("lockbox, a previous key");
    let mut padded = vector("lockbox, padding, 7 bytes");
    let with = padded.format().read(&padded.stored).unwrap();
    padded.settings.remove("padding");
    let without = padded.format().read(&padded.stored).unwrap();
    assert!(without.len() == 16 && without.starts_with(&with));
    let mut asked = unpadded;
    asked
        .settings
        .insert("padding".to_owned(), encrypted_field::plaintext::Zeroizing::new("16".to_owned()));
    assert!(refusal(&asked, asked.stored.clone()).contains("is not padded"));
}
