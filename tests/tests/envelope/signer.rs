//! Whoever has a key-encryption key, or had a store key once, signs whatever he likes. Written from
//! KEY-STORE.md alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::envelope::{KeyEncryptionKey as _, LocalKek, Record, StoreId, WrapContext};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::secrets;

use crate::support::*;

/// One who knows a store key.
pub struct Signer {
    mac_key: [u8; 32],
    key_set: &'static str,
}

impl Signer {
    /// With the store key of these records, unwrapped under the KEK `eu` of a [`World`].
    pub fn of(world: &World) -> Self {
        let head = body(&world.store.backup()[Record::HEAD]);
        let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
        let store = StoreId(bytes(&head["store"]).try_into().unwrap());
        let context = WrapContext::store(world.key_set, store, head["epoch"].as_u64().unwrap());
        let wrapped = bytes(&head["store_key"]["eu"]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store_key = runtime.block_on(kek.unwrap(&context, &wrapped)).unwrap();
        let mut mac_key = [0; 32];
        let expand = hkdf::Hkdf::<Sha256>::from_prk(&store_key).unwrap();
        expand.expand(b"encrypted-field/v1/store-mac\0", &mut mac_key).unwrap();
        Self { mac_key, key_set: world.key_set }
    }

    /// Changes the body of one record, as the next change of the store: all hashes and the MAC are
    /// right after it.
    pub fn change(&self, records: &mut Records, name: &str, change: impl FnOnce(&mut Value)) {
        let before = self.head_hash(&body(&records[Record::HEAD]));
        let revision = records[Record::HEAD].revision + 1;
        let mut changed = body(&records[name]);
        if name != Record::HEAD {
            changed["revision"] = json!(revision);
        }
        change(&mut changed);
        if name == Record::HEAD {
            records.get_mut(name).unwrap().body = changed.to_string();
        } else {
            put(records, name, changed, revision);
        }
        let mut head = body(&records[Record::HEAD]);
        for (member, root) in [("process", "process"), ("tree", "tree")] {
            if head.get(member).is_some() {
                head[member]["hash"] = hash_of_node(records, root, revision);
            }
        }
        head["revision"] = json!(revision);
        head["previous"] = json!(STANDARD.encode(before));
        self.sign(&mut head);
        put(records, Record::HEAD, head, revision);
    }

    /// Makes the MAC of a head right, and changes nothing else.
    pub fn sign(&self, head: &mut Value) {
        head.as_object_mut().unwrap().remove("mac");
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac_key).unwrap();
        mac.update(&self.prefix());
        mac.update(canonical(head).as_bytes());
        head["mac"] = json!(STANDARD.encode(mac.finalize().into_bytes()));
    }

    fn head_hash(&self, head: &Value) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.prefix());
        hash.update(canonical(head));
        hash.finalize().into()
    }

    fn prefix(&self) -> Vec<u8> {
        [b"encrypted-field/v1/store-head\0".as_slice(), &sized(self.key_set)].concat()
    }
}

/// The body of a record.
pub fn body(record: &Record) -> Value {
    serde_json::from_str(&record.body).unwrap()
}

fn put(records: &mut Records, name: &str, mut body: Value, revision: u64) {
    body["revision"] = json!(revision);
    records.insert(
        name.to_owned(),
        Record { name: name.to_owned(), revision, body: body.to_string() },
    );
}

/// The hash of a node, in which the hashes of all that is beneath are made right before.
fn hash_of_node(records: &mut Records, name: &str, revision: u64) -> Value {
    let before = body(&records[name]);
    let mut node = before.clone();
    for link in node.get_mut("scopes").and_then(Value::as_array_mut).into_iter().flatten() {
        let scope = link["scope"].as_str().unwrap();
        let name = if name == "process" { process_record(scope) } else { demand_record(scope) };
        link["hash"] = json!(STANDARD.encode(record_hash(&records[&name])));
    }
    for (digit, link) in
        node.get_mut("children").and_then(Value::as_object_mut).into_iter().flatten()
    {
        let child = if name == "tree" { format!("tree/{digit}") } else { format!("{name}{digit}") };
        link["hash"] = hash_of_node(records, &child, revision);
    }
    if node != before {
        put(records, name, node, revision);
    }
    json!(STANDARD.encode(record_hash(&records[name])))
}

fn record_hash(record: &Record) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"encrypted-field/v1/store-record\0");
    hash.update(sized(&record.name));
    hash.update(canonical(&body(record)));
    hash.finalize().into()
}

fn sized(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat()
}

fn bytes(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

/// KEY-STORE.md section 2. Members are sorted here: with a feature of `serde_json` its maps keep
/// their order.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_bytes());
            let member =
                |(name, value): (&String, &Value)| format!("{}:{}", json!(name), canonical(value));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
