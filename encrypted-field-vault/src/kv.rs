//! KV version 2 as a document: a key store or an anchor.
//! <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>

use std::fmt;
use std::time::SystemTime;

use encrypted_field::envelope::{BackendError, BackendErrorKind, Document};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::json;
use vaultrs::api::kv2::requests::{
    DestroySecretVersionsRequest, ReadSecretMetadataRequest, ReadSecretRequest, SetSecretRequest,
    SetSecretRequestOptions,
};

use crate::Vault;
use crate::refusal::Refusal;
use crate::settings::check_path;

/// Where the text stands in the secret. As text and not as an object: Vault would make floats of
/// its numbers, and lose the last digits of a revision above 2^53.
const FIELD: &str = "document";

/// A secret of Vault's KV engine, version 2, as a [`Document`]: a key store, or an anchor of one.
/// It is the field `document` of the secret, and is changed by check-and-set; its version is that
/// of the secret.
///
/// How large it may get is Vault's to say: 32 MiB in a request (`max_request_size`), and 1 MiB in
/// an entry of integrated storage (`max_entry_size`), which is some hundred keys. Larger is
/// refused, and nothing is lost.
///
/// Nobody else may write there. Vault must not delete by itself either: with `delete_version_after`
/// set, on the mount or on the secret, writing is an error. A version that was deleted is an error
/// and not an empty store; `vault kv undelete` brings it back. Older versions stay in Vault, ten of
/// them by default, until a key is destroyed: then all but the latest are
/// [destroyed](Document::forget_history).
///
/// Reading is one request, and so is replacing.
#[derive(Clone)]
pub struct VaultKv {
    vault: Vault,
    mount: String,
    path: String,
}

impl VaultKv {
    /// The secret at this path, which needn't exist yet, in the engine that is mounted at `secret`.
    ///
    /// # Errors
    /// [`Misconfigured`](BackendErrorKind::Misconfigured): no path.
    pub fn new(vault: &Vault, path: impl Into<String>) -> Result<Self, BackendError> {
        let path = path.into();
        check_path("the path of a secret", &path)?;
        Ok(Self { vault: vault.clone(), mount: "secret".into(), path })
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
}

impl Document for VaultKv {
    type Version = u64;

    async fn read(&self) -> Result<Option<(String, u64)>, BackendError> {
        let request = || ReadSecretRequest {
            mount: self.mount.clone(),
            path: self.path.clone(),
            version: None,
        };
        let body = match self.vault.0.call(request).await {
            Ok(body) => body,
            Err(refusal) if refusal.is_nothing() => return Ok(None),
            Err(refusal) => return Err(deleted(&refusal).unwrap_or_else(|| refusal.into_error())),
        };
        let secret: Secret = answer(&body)?;
        let text = secret.data.ok_or_else(not_ours)?.document;
        Ok(Some((text, secret.metadata.number)))
    }

    async fn replace(&self, before: Option<&u64>, text: String) -> Result<bool, BackendError> {
        // To Vault, 0 is a secret without a version.
        let cas = u32::try_from(before.copied().unwrap_or(0)).map_err(|_| {
            misconfigured("it has as many versions as can be counted; use another path")
        })?;
        let request = || SetSecretRequest {
            mount: self.mount.clone(),
            path: self.path.clone(),
            data: json!({ FIELD: text }),
            options: Some(SetSecretRequestOptions { cas }),
        };
        let body = match self.vault.0.call(request).await {
            Ok(body) => body,
            Err(refusal) if refusal.says("check-and-set parameter did not match") => {
                return Ok(false);
            }
            Err(refusal) => return Err(refusal.into_error()),
        };
        // Version 1 of the engine takes it, too: without an answer, and without a check.
        let written: Version = answer(&body)?;
        if written.deletion_time.is_empty() {
            Ok(true)
        } else {
            Err(misconfigured(
                "it will delete by itself what was just written; set `delete_version_after` of the mount and of the secret to 0, and \
                 write once more",
            ))
        }
    }

    fn describe(&self) -> String {
        format!("Vault {}, {}/{}", self.vault.0.address(), self.mount, self.path)
    }

    fn time(&self) -> Option<SystemTime> {
        self.vault.0.time()
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        let (mount, path) = (&self.mount, &self.path);
        let request = || ReadSecretMetadataRequest { mount: mount.clone(), path: path.clone() };
        let body = match self.vault.0.call(request).await {
            Ok(body) => body,
            Err(refusal) if refusal.is_nothing() => return Ok(()),
            Err(refusal) => return Err(refusal.into_error()),
        };
        let secret: Metadata = answer(&body)?;
        let older = secret
            .versions
            .iter()
            .filter(|(_, version)| !version.destroyed)
            .filter_map(|(number, _)| number.parse().ok())
            .filter(|number| *number < secret.current_version);
        let versions: Vec<u64> = older.collect();
        if versions.is_empty() {
            return Ok(());
        }
        let request = || DestroySecretVersionsRequest {
            mount: mount.clone(),
            path: path.clone(),
            versions: versions.clone(),
        };
        self.vault.0.call(request).await.map(drop).map_err(Refusal::into_error)
    }
}

impl fmt::Debug for VaultKv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Secret {
    /// `null` where the version was deleted or destroyed.
    data: Option<Stored>,
    metadata: Version,
}

#[derive(Deserialize)]
struct Stored {
    document: String,
}

#[derive(Deserialize)]
struct Version {
    #[serde(rename = "version")]
    number: u64,
    deletion_time: String,
    destroyed: bool,
}

#[derive(Deserialize)]
struct Metadata {
    current_version: u64,
    versions: std::collections::BTreeMap<String, Past>,
}

#[derive(Deserialize)]
struct Past {
    destroyed: bool,
}

/// The latest version is marked as deleted or destroyed: status 404, with its metadata. It would be
/// wrong to begin anew, and whoever may delete it would then empty the store.
fn deleted(refusal: &Refusal) -> Option<BackendError> {
    if refusal.status() != 404 {
        return None;
    }
    let version = serde_json::from_str::<Answer<Secret>>(refusal.body()).ok()?.data.metadata;
    let number = version.number;
    Some(misconfigured(if version.destroyed {
        format!(
            "its latest version, {number}, was destroyed; restore the document from a backup (or from an older version) as a new \
             version"
        )
    } else {
        format!(
            "its latest version, {number}, was deleted; `vault kv undelete -versions={number}` brings it back"
        )
    }))
}

/// An answer of Vault that has other data is one from elsewhere in Vault; anything else is none of
/// Vault. Version 1 of the engine answers a write with nothing.
fn answer<T: DeserializeOwned>(body: &[u8]) -> Result<T, BackendError> {
    match serde_json::from_slice::<Answer<T>>(body) {
        Ok(answer) => Ok(answer.data),
        Err(_) if body.is_empty() || serde_json::from_slice::<Answer<IgnoredAny>>(body).is_ok() => {
            Err(not_ours())
        }
        Err(_) => Err(BackendError::new(
            BackendErrorKind::Garbled,
            "its answer is none of Vault's KV; is the address that of Vault?",
        )),
    }
}

fn not_ours() -> BackendError {
    misconfigured("what is there is no key store, or the engine is not KV version 2")
}

fn misconfigured(detail: impl Into<std::borrow::Cow<'static, str>>) -> BackendError {
    BackendError::new(BackendErrorKind::Misconfigured, detail)
}
