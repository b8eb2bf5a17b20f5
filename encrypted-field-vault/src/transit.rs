//! Transit: keys that never leave Vault.
//! <https://developer.hashicorp.com/vault/api-docs/secret/transit>

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::envelope::{BackendError, BackendErrorKind, KeyEncryptionKey, WrapContext};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use vaultrs::api::transit::KeyType;
use vaultrs::api::transit::requests::{
    CreateKeyRequest, DeleteKeyRequest, UpdateKeyConfigurationRequest,
};
use zeroize::Zeroizing;

use crate::Vault;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::settings::{check_path, misconfigured};

/// A longer scope is named by its hash: names must fit into what storages take for a path.
const LONGEST_SCOPE_IN_FULL: usize = 64;

/// A key of Vault's Transit engine as a key-encryption key. It must be of type `aes256-gcm96` (the
/// default), `aes128-gcm96` or `chacha20-poly1305`, and not derived.
///
/// A wrapped key is Vault's ciphertext, such as `vault:v1:…`, with [`WrapContext::associated_data`]
/// as its `associated_data`. Rotating the key in Vault is safe; raising its
/// `min_decryption_version` is so once every data key was wrapped anew.
///
/// Wrapped keys are not renewed by Vault's own `transit/rewrap`. By Vault's source it takes no
/// `associated_data` and decrypts without it, so it refuses what was encrypted with it
/// ([issue 31791](https://github.com/hashicorp/vault/issues/31791); the
/// [pull request 31842](https://github.com/hashicorp/vault/pull/31842) that adds it was open when
/// this was written). That was read and not tried on a real Vault. This crate never calls it. Give
/// the key to the manager under a second name instead, and call
/// [`KeyManager::rewrap`](encrypted_field::envelope::KeyManager::rewrap): it decrypts and encrypts
/// with the associated data.
#[derive(Clone)]
pub struct VaultTransit {
    vault: Vault,
    mount: String,
    key: String,
    per_scope: Option<String>,
    /// Whether it was seen that Vault heeds associated data.
    is_checked: Arc<AtomicBool>,
}

impl VaultTransit {
    /// The key of this name, which exists, in the engine that is mounted at `transit`.
    ///
    /// # Errors
    /// [`Misconfigured`](BackendErrorKind::Misconfigured): no name of a key.
    pub fn new(vault: &Vault, key: impl Into<String>) -> Result<Self, BackendError> {
        let key = key.into();
        check_name(&key)?;
        Ok(Self {
            vault: vault.clone(),
            mount: "transit".into(),
            key,
            per_scope: None,
            is_checked: Arc::default(),
        })
    }

    /// Where the engine is mounted.
    ///
    /// # Errors
    /// [`Misconfigured`](BackendErrorKind::Misconfigured): no path.
    pub fn mount(mut self, mount: impl Into<String>) -> Result<Self, BackendError> {
        self.mount = mount.into();
        check_path("a mount", &self.mount)?;
        Ok(self)
    }

    /// A key-encryption key per scope, so that a scope can be destroyed together with all copies of
    /// its wrapped keys. The default scope and the store key keep to the key of [`new`](Self::new).
    ///
    /// The key of a scope is named `prefix` and the scope's UTF-8 in lower-case hexadecimal; for a
    /// scope longer than 64 bytes `prefix`, `sha256-` and the SHA-256 of its UTF-8 in hexadecimal.
    /// So the scope `acme` has `tenant-61636d65` with the prefix `tenant-`. It is made where a
    /// first data key is wrapped for the scope, of type `aes256-gcm96`, not exportable.
    ///
    /// ```text
    /// path "transit/encrypt/tenant-*" { capabilities = ["update"] }
    /// path "transit/decrypt/tenant-*" { capabilities = ["update"] }
    /// # to make the key of a new scope
    /// path "transit/keys/tenant-*" { capabilities = ["create", "update"] }
    /// # instead of the last, to destroy scopes
    /// path "transit/keys/tenant-*" { capabilities = ["create", "update", "delete"] }
    /// ```
    ///
    /// Backups of Vault itself hold these keys, too: a scope is gone for good when those have
    /// expired.
    ///
    /// Give each key set a prefix of its own: two key sets with one prefix and one mount have the
    /// same key for a scope, and destroying the scope in one destroys it in the other.
    ///
    /// # Errors
    /// [`Misconfigured`](BackendErrorKind::Misconfigured): no beginning of a key's name, or one
    /// with which the key of [`new`](Self::new) begins, too.
    pub fn key_per_scope(mut self, prefix: impl Into<String>) -> Result<Self, BackendError> {
        let prefix = prefix.into();
        check_name(&format!("{prefix}0"))?;
        if prefix.is_empty() || self.key.starts_with(&prefix) {
            return Err(misconfigured(
                "the prefix of the scopes' keys is empty, or the other key's name begins with it",
            ));
        }
        self.per_scope = Some(prefix);
        Ok(self)
    }

    /// Another name for each scope, and none of them is that of the default key: see
    /// [`key_per_scope`](Self::key_per_scope).
    fn scope_key(&self, scope: &str) -> Option<String> {
        let prefix = self.per_scope.as_ref().filter(|_| !scope.is_empty())?;
        Some(if scope.len() <= LONGEST_SCOPE_IN_FULL {
            format!("{prefix}{}", hex(scope.as_bytes()))
        } else {
            format!("{prefix}sha256-{}", hex(&Sha256::digest(scope)))
        })
    }

    /// The name, and whether it may be made.
    fn key_for(&self, context: &WrapContext<'_>) -> (Cow<'_, str>, bool) {
        match context.named_scope().and_then(|scope| self.scope_key(scope)) {
            Some(name) => (name.into(), true),
            None => (self.key.as_str().into(), false),
        }
    }

    async fn encrypt(&self, name: &str, aad: &[u8], key: &[u8; 32]) -> Result<Vec<u8>, Refusal> {
        let plaintext = base64_of(key);
        let associated_data = STANDARD.encode(aad);
        let body = Encrypt { plaintext: &plaintext, associated_data: &associated_data };
        let len = plaintext.len() + associated_data.len();
        let path = format!("{}/encrypt/{name}", self.mount);
        let answer = self.vault.0.call(|| Request::post(path.as_str(), len, &body)).await?;
        let ciphertext = serde_json::from_slice::<Answer<Encrypted>>(&answer)
            .ok()
            .map(|answer| answer.data.ciphertext)
            .filter(|text| text.starts_with("vault:") && text.len() <= 16 << 10);
        ciphertext.map(String::into_bytes).ok_or_else(|| Refusal::Failed(garbled()))
    }

    async fn decrypt(
        &self,
        name: &str,
        aad: &[u8],
        ciphertext: &str,
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let associated_data = STANDARD.encode(aad);
        let body = Decrypt { ciphertext, associated_data: &associated_data };
        let len = ciphertext.len() + associated_data.len();
        let path = format!("{}/decrypt/{name}", self.mount);
        let answer = self.vault.0.call(|| Request::post(path.as_str(), len, &body)).await;
        let answer = answer.map_err(|refusal| self.refused(refusal, name))?;
        let text =
            serde_json::from_slice::<Answer<Decrypted<'_>>>(&answer).map_err(|_| garbled())?;
        let text = Zeroizing::new(text.data.plaintext.into_owned());
        // Into memory that is wiped also where the text turns out to be wrong half-way.
        let mut key = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
        let len = STANDARD.decode_slice(&**text, &mut key).map_err(|_| garbled())?;
        key.truncate(len);
        Ok(key)
    }

    async fn create(&self, name: &str) -> Result<(), BackendError> {
        let request = || CreateKeyRequest {
            mount: self.mount.clone(),
            name: name.to_owned(),
            key_type: Some(KeyType::Aes256Gcm96),
            ..CreateKeyRequest::default()
        };
        self.vault.0.call(request).await.map_err(|refusal| self.refused(refusal, name)).map(drop)
    }

    /// A Vault that ignores associated data would unwrap keys for any context.
    async fn check(&self, name: &str, aad: &[u8], wrapped: &[u8]) -> Result<(), BackendError> {
        if self.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let other = [aad, b"\0another context"].concat();
        let ciphertext = std::str::from_utf8(wrapped).map_err(|_| garbled())?;
        match self.decrypt(name, &other, ciphertext).await {
            Err(error) if error.kind() == BackendErrorKind::Rejected => {
                self.is_checked.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => Err(BackendError::new(
                BackendErrorKind::Misconfigured,
                "it ignores `associated_data`, so that wrapped keys could be swapped; Vault 1.13 or later is needed",
            )),
        }
    }

    /// The texts: `sdk/helper/keysutil/policy.go` and `builtin/logical/transit` of Vault.
    fn refused(&self, refusal: Refusal, name: &str) -> BackendError {
        use BackendErrorKind::{KeyUnusable, OtherKek, Rejected};
        let says = |texts: &[&str]| texts.iter().any(|text| refusal.says(text));
        if is_no_such_key(&refusal) || refusal.is_nothing() {
            let detail =
                format!("the key {name} is not in {}: it was deleted, or never made", self.mount);
            BackendError::new(KeyUnusable, detail)
        } else if says(&["disallowed by policy"]) {
            let detail = format!(
                "the wrapped key is under a version of {name} that its `min_decryption_version` excludes; lower that, and wrap \
                 the data keys anew before raising it"
            );
            BackendError::new(KeyUnusable, detail)
        } else if says(&["disabled"]) {
            BackendError::new(KeyUnusable, format!("the key {name} is disabled"))
        } else if says(&["version is too new"]) {
            let detail = format!(
                "the wrapped key is under a version that {name} never had: it is another key than the one that wrapped it, or \
                 was restored from a backup of before"
            );
            BackendError::new(OtherKek, detail)
        } else if says(&[
            "message authentication failed",
            "invalid ciphertext",
            "base64",
            "unable to decrypt",
        ]) {
            let detail = "the wrapped key does not authenticate: it was changed, or wrapped for another key id, scope, purpose or \
                          key set, or under another key";
            BackendError::new(Rejected, detail)
        } else if refusal.status() == 400 {
            let detail = format!(
                "it can't use {name} for this: the type of the key must be aes256-gcm96, aes128-gcm96 or chacha20-poly1305, \
                 and not derived (HTTP status 400)"
            );
            BackendError::new(BackendErrorKind::Misconfigured, detail)
        } else {
            refusal.into_error()
        }
    }
}

impl KeyEncryptionKey for VaultTransit {
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        let (name, may_make) = self.key_for(context);
        let aad = context.associated_data();
        let mut wrapped = self.encrypt(&name, &aad, key).await;
        if may_make && wrapped.as_ref().is_err_and(is_no_such_key) {
            self.create(&name).await?;
            wrapped = self.encrypt(&name, &aad, key).await;
        }
        let wrapped = wrapped.map_err(|refusal| self.refused(refusal, &name))?;
        self.check(&name, &aad, &wrapped).await?;
        Ok(wrapped)
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let ciphertext =
            std::str::from_utf8(wrapped).ok().filter(|text| text.starts_with("vault:"));
        let Some(ciphertext) = ciphertext else {
            return Err(BackendError::new(
                BackendErrorKind::Rejected,
                "it is no ciphertext of Vault",
            ));
        };
        self.decrypt(&self.key_for(context).0, &context.associated_data(), ciphertext).await
    }

    fn describe(&self) -> String {
        let per_scope =
            self.per_scope.as_ref().map(|prefix| format!(" and {prefix}…")).unwrap_or_default();
        format!("Vault {}, {}/{}{per_scope}", self.vault.0.address(), self.mount, self.key)
    }

    /// By the `Date` of Vault's last answer that was no error, to the second, and the time since by
    /// the clock of [`VaultBuilder::clock`](crate::VaultBuilder::clock); `None` before the first.
    /// The [`VaultKv`](crate::VaultKv)s of the same [`Vault`] get such answers, too.
    fn time(&self) -> Option<SystemTime> {
        self.vault.0.time()
    }

    fn is_per_scope(&self) -> bool {
        self.per_scope.is_some()
    }

    /// Deletes the key, at once. No other scope has it: a key is named after its scope, and Vault
    /// has no second names for keys.
    async fn destroy_scope(&self, scope: &str, _: &[String]) -> Result<(), BackendError> {
        let Some(name) = self.scope_key(scope) else {
            let detail = "this scope has no key-encryption key of its own";
            return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
        };
        let allow = || UpdateKeyConfigurationRequest {
            mount: self.mount.clone(),
            name: name.clone(),
            deletion_allowed: Some(true),
            ..UpdateKeyConfigurationRequest::default()
        };
        let delete = || DeleteKeyRequest { mount: self.mount.clone(), name: name.clone() };
        let done = match self.vault.0.call(allow).await {
            Ok(_) => self.vault.0.call(delete).await,
            refused => refused,
        };
        match done {
            // Deleted by another process, or by this one before it lost the answer.
            Err(refusal) if is_no_such_key(&refusal) => Ok(()),
            done => done.map(drop).map_err(|refusal| self.refused(refusal, &name)),
        }
    }
}

impl fmt::Debug for VaultTransit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

#[derive(Serialize)]
struct Encrypt<'a> {
    plaintext: &'a str,
    associated_data: &'a str,
}

#[derive(Serialize)]
struct Decrypt<'a> {
    ciphertext: &'a str,
    associated_data: &'a str,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted<'a> {
    #[serde(borrow)]
    plaintext: Cow<'a, str>,
}

fn check_name(name: &str) -> Result<(), BackendError> {
    check_path("the name of a key", name)?;
    if name.contains('/') { Err(misconfigured("the name of a key has no `/`")) } else { Ok(()) }
}

/// Of `encrypt` and `decrypt`, of `keys/…/config`, and of `DELETE keys/…`.
fn is_no_such_key(refusal: &Refusal) -> bool {
    [
        "encryption key not found",
        "policy not found",
        "no existing key named",
        "could not delete key; not found",
    ]
    .iter()
    .any(|text| refusal.says(text))
}

fn base64_of(key: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(44));
    STANDARD.encode_string(key, &mut text);
    text
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn garbled() -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, "its answer is none of Vault's Transit")
}
