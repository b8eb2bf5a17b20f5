//! Every vector of `tests/vectors` (its README has the schema), on the functions that fields are
//! made of. There, contexts and bound columns are data. In the public API they are types. These
//! tests end at the plaintext. `tests/tests/vectors` goes on from there, through the public API.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{FieldSpec, open};
use crate::error::{ErrorKind, Result};
use crate::format::aad::{BoundColumn, BoundValue, ContextAad, Kind};
use crate::format::{Header, PAYLOAD_OVERHEAD, TAG_LEN, binary, text};
use crate::key::{Key, KeyState, Keyring, Purpose};

/// All vectors of a folder, each with the name of its file.
fn vectors(folder: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let found = document["vectors"].as_array().unwrap().iter();
        vectors
            .extend(found.map(|v| (format!("{name}/{}", v["name"].as_str().unwrap()), v.clone())));
    }
    assert!(!vectors.is_empty());
    vectors
}

fn hex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<&'static str> {
    value.as_array().unwrap().iter().map(leaked).collect()
}

/// A field's names are constants of the program.
fn leaked(value: &Value) -> &'static str {
    Box::leak(value.as_str().unwrap().to_owned().into_boxed_str())
}

fn stored(vector: &Value) -> Vec<u8> {
    match &vector["stored"]["text"] {
        Value::String(text) => text.clone().into_bytes(),
        _ => hex(&vector["stored"]["hex"]),
    }
}

fn kind(vector: &Value) -> Kind {
    match vector["kind"].as_str().unwrap() {
        "column" => Kind::Column,
        "detached" => Kind::Detached,
        other => panic!("kind {other}"),
    }
}

fn spec(vector: &Value) -> FieldSpec<'static> {
    FieldSpec {
        context: Box::leak(Box::new(ContextAad::new(leaked(&vector["context"])))),
        previous_contexts: strings(&vector["previous_contexts"]).leak(),
        scope: leaked(&vector["scope"]),
        previous_scopes: &[],
        dynamic_scope: false,
        scope_has_ring: false,
        may_ask: true,
    }
}

fn bound(vector: &Value) -> Vec<BoundColumn<'static>> {
    let value = |column: &Value| {
        let value = &column["value"];
        match column["tag"].as_str().unwrap() {
            "null" => BoundValue::Null,
            "integer" => BoundValue::Integer(value.as_str().unwrap().parse().unwrap()),
            "utf8" => BoundValue::Text(leaked(value)),
            "bytes" => BoundValue::Bytes(hex(value).leak()),
            "uuid" => {
                let digits = value.as_str().unwrap().replace('-', "");
                BoundValue::Uuid(hex::decode(digits).unwrap().try_into().unwrap())
            }
            "bool" => BoundValue::Bool(value.as_bool().unwrap()),
            other => panic!("tag {other}"),
        }
    };
    let columns = vector["bound"].as_array().unwrap().iter();
    columns
        .map(|column| BoundColumn { name: leaked(&column["name"]), value: value(column) })
        .collect()
}

fn ring(vector: &Value) -> Keyring {
    let mut builder = Keyring::builder();
    for key in vector["keys"].as_array().unwrap() {
        let id = u32::try_from(key["id"].as_u64().unwrap()).unwrap();
        let bytes = hex(&key["data_key"]).try_into().unwrap();
        builder = builder.key(
            Key::new(id, bytes)
                .scope(key["scope"].as_str().unwrap())
                .purpose(Purpose::from_name(key["purpose"].as_str().unwrap()).unwrap())
                .state(KeyState::from_name(key["state"].as_str().unwrap()).unwrap()),
        );
    }
    builder.build().unwrap()
}

fn header(vector: &Value) -> (Header, Vec<u8>) {
    let mut value = stored(vector);
    let header = match vector["storage"].as_str().unwrap() {
        "text" => text::parse(&mut value),
        _ => binary::parse(&value).inspect(|_| drop(value.drain(..binary::HEAD))),
    };
    (header.unwrap(), value)
}

/// The plaintext. Fields have no bound columns yet, so those vectors enter one step further down.
fn open(vector: &Value) -> Result<open::Opened> {
    let (ring, spec, kind) = (ring(vector), spec(vector), kind(vector));
    let (mut value, bound) = (stored(vector), bound(vector));
    match (vector["storage"].as_str().unwrap(), bound.is_empty()) {
        ("text", true) => open::text_with(&ring, &spec, kind, value.into()),
        ("binary", true) => open::binary_with(&ring, &spec, kind, value.into()),
        ("text", false) => {
            let header = text::parse(&mut value)?;
            open::decrypt(&ring, &spec, kind, &bound, &header, value.into())
        }
        ("binary", false) => {
            let header = binary::parse(&value)?;
            value.drain(..binary::HEAD);
            open::decrypt(&ring, &spec, kind, &bound, &header, value.into())
        }
        other => panic!("storage {other:?}"),
    }
}

#[test]
fn valid_and_golden_vectors_open() {
    let all = [vectors("valid"), vectors("golden")].concat();
    for (name, vector) in &all {
        assert_eq!(vector["expect"], "open", "{name}");
        let opened = open(vector).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(*opened.plaintext, hex(&vector["plaintext"]), "{name}");
        let with = &vector["opens_with"];
        assert_eq!(
            u64::from(opened.under.key_id.get()),
            with["key_id"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(opened.under.previous_context, with["context"] != vector["context"], "{name}");
    }
    println!("{} vectors opened", all.len());
}

/// (The validated module takes no nonce.)
#[cfg(not(feature = "fips"))]
#[test]
fn valid_and_golden_vectors_are_what_a_writer_makes() {
    use crate::format::aad::Aad;
    use crate::format::{Suite, padding};
    use crate::key_id::KeyId;

    let all = [vectors("valid"), vectors("golden")].concat();
    for (name, vector) in &all {
        let message = hex(&vector["message"]);
        let suite =
            Suite::from_byte(u8::try_from(vector["suite"].as_u64().unwrap()).unwrap()).unwrap();
        let with = &vector["opens_with"];
        let key_id = KeyId::new(u32::try_from(with["key_id"].as_u64().unwrap()).unwrap()).unwrap();
        let nonce = hex(&vector["nonce"]);
        let bound = bound(vector);
        let aad = Aad::new(
            suite,
            key_id,
            kind(vector),
            &ContextAad::new(leaked(&with["context"])),
            &bound,
        );

        let ring = ring(vector);
        let key = ring.find(key_id, true).unwrap();
        let cipher = key.field_cipher(vector["scope"].as_str().unwrap()).unwrap();
        let seal = |body: &mut [u8]| {
            body[..24].copy_from_slice(&nonce);
            cipher.seal_as_is(aad.as_bytes(), body);
            Ok(())
        };
        let sealed = if vector["storage"] == "text" {
            text::sealed(key_id, suite, &message, seal).unwrap().into_bytes()
        } else {
            binary::sealed(key_id, suite, &message, seal).unwrap()
        };
        assert_eq!(sealed, stored(vector), "{name}");
        if suite.is_padded() {
            let len = padding::unpadded_len(&message).unwrap();
            assert_eq!(message[..len], hex(&vector["plaintext"]), "{name}");
        }
        if let Some(expected) = vector.get("intermediates").map(|i| hex(&i["aad"])) {
            assert_eq!(aad.as_bytes(), expected, "{name}");
        }
    }
    println!("{} vectors sealed", all.len());
}

/// The vectors whose plaintext is not of the field's type open here: types come later.
#[test]
fn invalid_vectors_are_refused() {
    let all = vectors("invalid");
    let mut typed = 0;
    for (name, vector) in &all {
        assert_eq!(vector["expect"], "error", "{name}");
        let expected = vector["error"].as_str().unwrap();
        match open(vector) {
            Ok(_) => {
                let is_typed = expected == "InvalidPlaintext" || name.starts_with("plaintext-");
                assert!(is_typed, "{name}: opened");
                typed += 1;
            }
            // One layer further up, whoever offers a detached value is not told this.
            Err(error) if error.kind() == ErrorKind::InvalidPlaintext => {
                let told = if vector["kind"] == "detached" {
                    "Authentication"
                } else {
                    "InvalidPlaintext"
                };
                assert_eq!(told, expected, "{name}: {error}");
            }
            Err(error) => assert_eq!(format!("{:?}", error.kind()), expected, "{name}: {error}"),
        }
    }
    println!(
        "{} vectors: {} refused, {typed} left to the type of the field",
        all.len(),
        all.len() - typed
    );
}

#[test]
fn a_tag_at_the_wrong_length_is_no_panic() {
    let (name, vector) = &vectors("valid")[0];
    let (header, body) = header(vector);
    assert!(body.len() + PAYLOAD_OVERHEAD > TAG_LEN);
    for len in 0..TAG_LEN {
        let cut = body[..len].to_vec();
        let refused = open::decrypt(
            &ring(vector),
            &spec(vector),
            kind(vector),
            &bound(vector),
            &header,
            cut.into(),
        );
        assert_eq!(refused.err().map(|e| e.kind()), Some(ErrorKind::Malformed), "{name}");
    }
}
