//! What KMS does with keys. It encrypts for real: what one stub has wrapped is of no use to
//! another.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::generate_key;
use serde_json::{Value, json};

use super::{Reply, error, text};

/// Of the region and account whose keys these are.
const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:";

const NONCE: usize = 12;

#[derive(Default)]
pub(super) struct Kms {
    /// Keys by id. One is made where something is encrypted under it. An alias that nobody has made
    /// is the id of a key.
    keys: HashMap<String, Aes256Gcm>,
    /// Names, and the ids of their keys.
    aliases: Vec<(String, String)>,
    scheduled: Vec<String>,
}

impl Kms {
    pub(super) fn alias(&mut self, alias: &str, key: &str) {
        self.aliases.push((alias.to_owned(), key.to_owned()));
    }

    /// Ids of keys whose deletion is scheduled, in the order in which that was done.
    pub(super) fn scheduled(&self) -> Vec<String> {
        self.scheduled.clone()
    }

    /// The id of the key that a request names.
    fn id(&self, request: &Value) -> String {
        let name = text(request, "KeyId");
        let name = name.strip_prefix(ARN).unwrap_or(&name);
        let name = name.strip_prefix("key/").unwrap_or(name);
        let alias = self.aliases.iter().find(|(alias, _)| alias == name);
        alias.map_or(name, |(_, key)| key).to_owned()
    }

    /// The blob names its key, as the service's does.
    pub(super) fn encrypt(&mut self, request: &Value) -> Reply {
        let id = self.id(request);
        let cipher =
            self.keys.entry(id.clone()).or_insert_with(|| Aes256Gcm::new((&random()).into()));
        let plaintext = STANDARD.decode(text(request, "Plaintext")).unwrap_or_default();
        let nonce: [u8; NONCE] = std::array::from_fn(|i| random()[i]);
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: &plaintext, aad: &context(request) })
            .expect("short texts can be encrypted");
        let blob =
            [&[u8::try_from(id.len()).expect("a short name")], id.as_bytes(), &nonce, &sealed]
                .concat();
        Reply::Json(
            200,
            json!({ "CiphertextBlob": STANDARD.encode(blob), "KeyId": id }).to_string(),
        )
    }

    pub(super) fn decrypt(&self, request: &Value) -> Reply {
        let blob = STANDARD.decode(text(request, "CiphertextBlob")).unwrap_or_default();
        let Some((id, sealed)) = parts(&blob) else {
            return error(400, "InvalidCiphertextException", "");
        };
        if id != self.id(request).as_bytes() {
            return error(
                400,
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this.",
            );
        }
        let open = || {
            let cipher = self.keys.get(std::str::from_utf8(id).ok()?)?;
            let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
            cipher
                .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &context(request) })
                .ok()
        };
        match open() {
            Some(plaintext) => {
                let answer = json!({ "Plaintext": STANDARD.encode(plaintext), "KeyId": text(request, "KeyId") });
                Reply::Json(200, answer.to_string())
            }
            None => error(400, "InvalidCiphertextException", ""),
        }
    }

    pub(super) fn describe(&self, request: &Value) -> Reply {
        let id = self.id(request);
        let state = if self.scheduled.contains(&id) { "PendingDeletion" } else { "Enabled" };
        let metadata = json!({ "KeyId": id, "Arn": format!("{ARN}key/{id}"), "KeyState": state });
        Reply::Json(200, json!({ "KeyMetadata": metadata }).to_string())
    }

    /// One on each page: KMS may give fewer than there are, too.
    pub(super) fn list_aliases(&self, request: &Value) -> Reply {
        let id = self.id(request);
        let ours: Vec<_> = self.aliases.iter().filter(|(_, key)| *key == id).collect();
        let at: usize = text(request, "Marker").parse().unwrap_or(0);
        let page: Vec<_> = ours.iter().skip(at).take(1)
            .map(|(alias, key)| {
            json!({ "AliasName": alias, "AliasArn": format!("{ARN}{alias}"), "TargetKeyId": key })
        }).collect();
        let mut answer = json!({ "Aliases": page, "Truncated": at + 1 < ours.len() });
        if at + 1 < ours.len() {
            answer["NextMarker"] = (at + 1).to_string().into();
        }
        Reply::Json(200, answer.to_string())
    }

    pub(super) fn schedule_deletion(&mut self, request: &Value) -> Reply {
        let id = self.id(request);
        self.scheduled.push(id.clone());
        Reply::Json(
            200,
            json!({ "KeyId": format!("{ARN}key/{id}"), "KeyState": "PendingDeletion" }).to_string(),
        )
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}

/// The id of the key, and the rest.
fn parts(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = blob.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

/// The encryption context, in one order: a request has it in any.
fn context(request: &Value) -> Vec<u8> {
    let pairs: BTreeMap<String, String> =
        serde_json::from_value(request["EncryptionContext"].clone()).unwrap_or_default();
    serde_json::to_vec(&pairs).expect("texts are JSON")
}

fn random() -> [u8; 32] {
    generate_key().expect("random bytes")
}
