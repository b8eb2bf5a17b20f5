//! What KMS does with keys. It keeps what it wraps; a wrapped key is a number.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Reply, error, text};

#[derive(Debug, Default)]
pub(super) struct Kms {
    wrapped: Vec<Wrapped>,
}

#[derive(Debug)]
struct Wrapped {
    key: String,
    context: Value,
    plaintext: String,
}

/// In front of the number, twice, so that a change anywhere is noticed.
const MARK: &str = "wrapped by the stub, ";

impl Kms {
    pub(super) fn encrypt(&mut self, request: &Value) -> Reply {
        let number = self.wrapped.len();
        let key = text(request, "KeyId");
        self.wrapped.push(Wrapped {
            key: key.clone(),
            context: request["EncryptionContext"].clone(),
            plaintext: text(request, "Plaintext"),
        });
        let blob = STANDARD.encode(format!("{MARK}{MARK}{number}."));
        Reply::Json(200, json!({ "CiphertextBlob": blob, "KeyId": key }).to_string())
    }

    pub(super) fn decrypt(&self, request: &Value) -> Reply {
        let blob = STANDARD.decode(text(request, "CiphertextBlob")).unwrap_or_default();
        let blob = String::from_utf8(blob).unwrap_or_default();
        let number = blob.strip_prefix(&format!("{MARK}{MARK}")).and_then(|rest| rest.strip_suffix('.'));
        let Some(wrapped) = number.and_then(|number| self.wrapped.get(number.parse::<usize>().ok()?)) else {
            return error(400, "InvalidCiphertextException", "");
        };
        if wrapped.key != text(request, "KeyId") {
            return error(
                400,
                "IncorrectKeyException",
                "The key ID in the request does not identify a CMK that can perform this.",
            );
        }
        if wrapped.context != request["EncryptionContext"] {
            return error(400, "InvalidCiphertextException", "");
        }
        Reply::Json(200, json!({ "Plaintext": wrapped.plaintext, "KeyId": wrapped.key }).to_string())
    }
}
