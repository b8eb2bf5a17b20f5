//! A store that a second implementation has made, from the text of KEY-STORE.md.

use encrypted_field::envelope::{Clock, KeyManager, LocalKek, Record};
use encrypted_field::{EncryptedField as _, ErrorKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;

use crate::support::*;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/key-store.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn keys(vectors: &Value, keks: &[&str]) -> KeyManager {
    let store = MemoryStore::default();
    let records = vectors["records"].as_array().unwrap().iter().map(|record| {
        let id = u32::try_from(record["id"].as_u64().unwrap()).unwrap();
        let revision = record["revision"].as_u64().unwrap();
        (id, Record { id, revision, body: record["body"].to_string() })
    });
    store.restore(records.collect::<BTreeMap<_, _>>());
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let builder = KeyManager::builder(vectors["key_set"].as_str().unwrap(), store).clock(Clock::manual(now));
    let kek = |name: &str| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(vectors["keks"][name].as_str().unwrap());
        LocalKek::new(bytes.unwrap().try_into().unwrap()).unwrap()
    };
    keks.iter().fold(builder, |builder, name| builder.kek(*name, kek(name))).build().unwrap()
}

#[test]
fn the_library_loads_it_and_opens_a_value() {
    let vectors = vectors();
    for keks in [&["eu"][..], &["ä"], &["eu", "ä"]] {
        let keys = keys(&vectors, keks);
        keys.load().wait().unwrap();
        let status = keys.status().unwrap();
        assert_eq!((status.revision, status.epoch, status.next_id), (12, 7, 9));
        let states: Vec<_> = status.keys.iter().map(|key| (key.id.get(), key.state.name())).collect();
        let expected = [(1, "destroyed"), (2, "retired"), (3, "active"), (4, "pending"), (7, "compromised")];
        assert_eq!(states, expected);
        let ring = keys.keyring().unwrap();
        let token =
            Token::from_stored_text_with(&ring, vectors["stored"].as_str().unwrap().to_owned()).unwrap();
        assert!(*token == *vectors["plaintext"].as_str().unwrap());
        keys.scope("mandant/ä b").wait().unwrap();
    }
    let all = keys(&vectors, &["eu", "ä"]);
    let found = all.check_consistency().wait().unwrap();
    assert_eq!((found.checked, found.problems.len()), (10, 0));
}

/// So that the vector shows something.
#[test]
fn it_does_not_load_with_another_digit() {
    let mut vectors = vectors();
    let state = &mut vectors["records"][2]["body"]["created"];
    *state = Value::from(state.as_u64().unwrap() + 1);
    assert_kind(keys(&vectors, &["eu"]).load().wait(), ErrorKind::KeyStoreTampered);
}
