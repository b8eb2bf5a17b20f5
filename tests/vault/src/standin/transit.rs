//! Transit, with AES-256-GCM. <https://developer.hashicorp.com/vault/api-docs/secret/transit>. The
//! texts of errors are those of Vault's `sdk/helper/keysutil/policy.go` and
//! `builtin/logical/transit`.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http::Response;
use super::{data, errors, nothing};
use crate::random;

#[derive(Debug, Default)]
pub(super) struct Keys(BTreeMap<String, Key>);

#[derive(Debug)]
struct Key {
    /// The first is version 1.
    versions: Vec<[u8; 32]>,
    min_decryption_version: usize,
    deletion_allowed: bool,
}

impl Keys {
    pub(super) fn answer(
        &mut self,
        method: &str,
        path: &[&str],
        body: &Value,
        ignores_aad: bool,
    ) -> Response {
        match (method, path) {
            ("POST", ["keys", name]) => self.create(name),
            ("POST", ["keys", name, operation]) => self.change(name, operation, body),
            ("DELETE", ["keys", name]) => self.delete(name),
            ("POST", ["encrypt" | "decrypt", name]) if !self.0.contains_key(*name) => {
                errors(400, &["encryption key not found"])
            }
            ("POST", ["encrypt", name]) => self.0[*name].encrypt(body, ignores_aad),
            ("POST", ["decrypt", name]) => self.0[*name].decrypt(body, ignores_aad),
            _ => errors(405, &["1 error occurred:\n\t* unsupported operation\n\n"]),
        }
    }

    fn create(&mut self, name: &str) -> Response {
        let new =
            || Key { versions: vec![random()], min_decryption_version: 1, deletion_allowed: false };
        let key = self.0.entry(name.to_owned()).or_insert_with(new);
        data(
            200,
            &json!({ "name": name, "type": "aes256-gcm96", "latest_version": key.versions.len() }),
        )
    }

    fn change(&mut self, name: &str, operation: &str, body: &Value) -> Response {
        let Some(key) = self.0.get_mut(name) else {
            return errors(400, &[format!("no existing key named {name} could be found").as_str()]);
        };
        if operation == "rotate" {
            key.versions.push(random());
        } else {
            if let Some(allowed) = body["deletion_allowed"].as_bool() {
                key.deletion_allowed = allowed;
            }
            if let Some(version) = body["min_decryption_version"].as_u64() {
                key.min_decryption_version = usize::try_from(version).expect("a small number");
            }
        }
        nothing()
    }

    fn delete(&mut self, name: &str) -> Response {
        let why = match self.0.get(name) {
            None => "could not delete key; not found",
            Some(key) if !key.deletion_allowed => "deletion is not allowed for this key",
            Some(_) => {
                self.0.remove(name);
                return nothing();
            }
        };
        errors(400, &[format!("error deleting policy {name}: {why}").as_str()])
    }
}

impl Key {
    fn encrypt(&self, body: &Value, ignores_aad: bool) -> Response {
        let decoded = (decoded(body, "plaintext"), associated_data(body, ignores_aad));
        let (Ok(plaintext), Ok(aad)) = decoded else { return errors(400, &[NOT_BASE64]) };
        let nonce: [u8; 12] = random::<12>();
        let key = self.versions.last().expect("a key has a version");
        let sealed = Aes256Gcm::new(key.into())
            .encrypt(&Nonce::from(nonce), Payload { msg: &plaintext, aad: &aad })
            .expect("short texts can be encrypted");
        let version = self.versions.len();
        let text = format!("vault:v{version}:{}", STANDARD.encode([&nonce[..], &sealed].concat()));
        data(200, &json!({ "ciphertext": text, "key_version": version }))
    }

    fn decrypt(&self, body: &Value, ignores_aad: bool) -> Response {
        let refuse = |text: &str| errors(400, &[text]);
        let text = body["ciphertext"].as_str().unwrap_or_default();
        if text.is_empty() {
            return refuse("missing ciphertext to decrypt");
        }
        let Some(rest) = text.strip_prefix("vault:v") else {
            return refuse("invalid ciphertext: no prefix");
        };
        let Some((version, sealed)) = rest.split_once(':') else {
            return refuse("invalid ciphertext: wrong number of fields");
        };
        let Ok(version) = version.parse::<usize>() else {
            return refuse("invalid ciphertext: version number could not be decoded");
        };
        if version > self.versions.len() || version == 0 {
            return refuse("invalid ciphertext: version is too new");
        }
        if version < self.min_decryption_version {
            return refuse("ciphertext or signature version is disallowed by policy (too old)");
        }
        let Ok(sealed) = STANDARD.decode(sealed) else {
            return refuse("invalid ciphertext: could not decode base64");
        };
        let Some((nonce, sealed)) = sealed.split_first_chunk::<12>() else {
            return refuse("invalid ciphertext length");
        };
        let Ok(aad) = associated_data(body, ignores_aad) else { return refuse(NOT_BASE64) };
        match Aes256Gcm::new((&self.versions[version - 1]).into())
            .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad })
        {
            Ok(plaintext) => data(200, &json!({ "plaintext": STANDARD.encode(plaintext) })),
            Err(_) => refuse("cipher: message authentication failed"),
        }
    }
}

const NOT_BASE64: &str = "illegal base64 data at input byte 0";

fn decoded(body: &Value, field: &str) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(body[field].as_str().unwrap_or_default())
}

fn associated_data(body: &Value, ignores: bool) -> Result<Vec<u8>, base64::DecodeError> {
    if ignores { Ok(Vec::new()) } else { decoded(body, "associated_data") }
}
