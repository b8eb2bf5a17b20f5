//! What KMS does with keys. It encrypts for real: what one stub has wrapped is of no use to another.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::generate_key;
use serde_json::{Value, json};

use super::{Reply, error, text};

/// Keys by the name that requests have for them. One is made where something is encrypted under it.
#[derive(Default)]
pub(super) struct Kms(HashMap<String, Aes256Gcm>);

const NONCE: usize = 12;

impl Kms {
    /// The blob names its key, as the service's does.
    pub(super) fn encrypt(&mut self, request: &Value) -> Reply {
        let name = text(request, "KeyId");
        let cipher = self.0.entry(name.clone()).or_insert_with(|| Aes256Gcm::new((&random()).into()));
        let plaintext = STANDARD.decode(text(request, "Plaintext")).unwrap_or_default();
        let nonce: [u8; NONCE] = std::array::from_fn(|i| random()[i]);
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: &plaintext, aad: &context(request) })
            .expect("short texts can be encrypted");
        let blob =
            [&[u8::try_from(name.len()).expect("a short name")], name.as_bytes(), &nonce, &sealed].concat();
        Reply::Json(200, json!({ "CiphertextBlob": STANDARD.encode(blob), "KeyId": name }).to_string())
    }

    pub(super) fn decrypt(&self, request: &Value) -> Reply {
        let blob = STANDARD.decode(text(request, "CiphertextBlob")).unwrap_or_default();
        let Some((name, sealed)) = parts(&blob) else { return error(400, "InvalidCiphertextException", "") };
        if name != text(request, "KeyId").as_bytes() {
            return error(
                400,
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this.",
            );
        }
        let open = || {
            let cipher = self.0.get(std::str::from_utf8(name).ok()?)?;
            let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
            cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &context(request) }).ok()
        };
        match open() {
            Some(plaintext) => {
                let answer =
                    json!({ "Plaintext": STANDARD.encode(plaintext), "KeyId": text(request, "KeyId") });
                Reply::Json(200, answer.to_string())
            }
            None => error(400, "InvalidCiphertextException", ""),
        }
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The name of the key, and the rest.
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
