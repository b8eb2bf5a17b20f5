//! HashiCorp Vault for [`encrypted_field`]: [Transit](VaultTransit) as a key-encryption key,
//! [KV version 2](VaultKv) as a key store or an anchor. [OpenBao](https://openbao.org) speaks the
//! same protocol.
//!
//! ```no_run
//! use encrypted_field::envelope::BackendError;
//! use encrypted_field_vault::{Vault, VaultAuth, VaultKv, VaultSecret, VaultTransit};
//!
//! # fn main() -> Result<(), BackendError> {
//! let auth = VaultAuth::app_role("3f0c…", VaultSecret::file("/run/secrets/vault-secret-id"));
//! let vault = Vault::builder("https://vault.internal:8200", auth)
//!     .ca_certificate("/etc/vault/ca.pem")
//!     .build()?;
//! let kek = VaultTransit::new(&vault, "app")?;
//! let store = VaultKv::new(&vault, "app/data-keys")?;
//! # let _ = (kek, store);
//! # Ok(())
//! # }
//! ```
//!
//! Both are given to a `KeyManager` of the library:
//! `KeyManager::builder("production", store).kek("vault", kek)`.
//!
//! **Tested** against a stand-in of this project, which was written from Vault's documentation and
//! source. It was never run against a real Vault by its authors. The tests do run against one where
//! `VAULT_ADDR` and `VAULT_TOKEN` are set (`cargo test -p encrypted-field-vault` in the
//! repository). Do that with your version before you rely on it.
//!
//! # What it asks of Vault
//!
//! Version 1.13 or later, the first whose Transit knows `associated_data`. Earlier ones ignore it
//! without a word, so the first wrap of each [`VaultTransit`] tries to unwrap its result for
//! another context, and fails where that succeeds. (A key wrapped with associated data does not
//! unwrap on an earlier version.)
//!
//! ```text
//! # without "create": or a typing error makes a new key
//! path "transit/encrypt/app" { capabilities = ["update"] }
//! path "transit/decrypt/app" { capabilities = ["update"] }
//!
//! path "secret/data/app/data-keys" { capabilities = ["read", "create", "update"] }
//! # to forget older versions
//! path "secret/metadata/app/data-keys" { capabilities = ["read"] }
//! path "secret/destroy/app/data-keys" { capabilities = ["update"] }
//! ```
//!
//! [`VaultTransit::key_per_scope`] says what it needs on top. `auth/token/lookup-self` and
//! `renew-self` are in Vault's default policy.
//!
//! # Errors
//!
//! Whatever has settings to check returns a
//! [`BackendError`](encrypted_field::envelope::BackendError) of the kind
//! [`Misconfigured`](encrypted_field::envelope::BackendErrorKind::Misconfigured), before anything
//! is sent.
//!
//! # What is secret, and where it stays
//!
//! Tokens, secret ids and unwrapped keys are wiped from the memory that this crate owns:
//! credentials, the bodies of requests that it writes, the bodies of answers that it reads. It
//! can't wipe the buffers of the HTTP client and of TLS (`reqwest`, `hyper`, `rustls`), through
//! which the same bytes go, nor the copy of a request's body and of its `X-Vault-Token` header that
//! the client holds while it sends them. None of it is logged.
//!
//! TLS is always verified; no environment variable changes anything (`VAULT_ADDR`, `VAULT_TOKEN`,
//! `VAULT_SKIP_VERIFY`, `VAULT_CACERT`, `HTTPS_PROXY` …). Without TLS it speaks to this host only,
//! to a Vault Agent. Redirects are not followed, because they would take the token along.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
mod builder;
mod client;
mod kv;
mod refusal;
mod request;
mod settings;
mod time;
mod token;
mod transit;

use std::fmt;
use std::sync::Arc;

pub use auth::{VaultAuth, VaultSecret};
pub use builder::VaultBuilder;
pub use kv::VaultKv;
pub use transit::VaultTransit;

use client::Client;

/// A connection to Vault and the login there. Cloning shares both: one login serves the
/// [`VaultTransit`]s and the [`VaultKv`]s that are made with it.
///
/// It logs in at the first call, and before a call renews a token that is past two thirds of its
/// time, or logs in again where it can't be renewed. There is no task in the background. Where a
/// call is denied it logs in once more and repeats the call, because a token may have been revoked.
#[derive(Clone)]
pub struct Vault(Arc<Client>);

impl Vault {
    /// Of the server at `address`, such as `https://vault.internal:8200`.
    pub fn builder(address: impl Into<String>, auth: VaultAuth) -> VaultBuilder {
        VaultBuilder::new(address.into(), auth)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("address", &self.0.address()).finish_non_exhaustive()
    }
}

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
