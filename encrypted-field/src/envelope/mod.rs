//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by themselves.

#[cfg(any(feature = "aws-kms", feature = "aws-secrets-manager"))]
mod aws;
#[cfg(feature = "aws-kms")]
mod aws_kms;
#[cfg(feature = "aws-secrets-manager")]
mod aws_secrets_manager;
#[cfg(all(feature = "tokio", any(feature = "diesel-store", feature = "file-store")))]
mod blocking;
#[cfg(all(not(feature = "tokio"), any(feature = "diesel-store", feature = "file-store")))]
#[path = "inline.rs"]
mod blocking;
pub mod conformance;
// For stores that keep one document.
#[cfg_attr(
    not(any(feature = "aws-secrets-manager", feature = "file-store", feature = "vault")),
    allow(dead_code)
)]
mod document;
mod draft;
mod failure;
#[cfg(feature = "file-store")]
mod file;
mod kek;
mod key_set;
mod lifecycle;
#[cfg(feature = "local-kek")]
mod local;
mod manager;
mod policy;
mod record;
mod runtime;
#[cfg(any(feature = "diesel-store", feature = "sqlx-store"))]
pub mod sql;
mod store;
#[cfg(feature = "vault")]
pub mod vault;

#[cfg(feature = "aws-kms")]
pub use aws_kms::AwsKms;
#[cfg(feature = "aws-secrets-manager")]
pub use aws_secrets_manager::AwsSecretsManager;
pub use failure::{BackendError, BackendErrorKind};
#[cfg(feature = "file-store")]
pub use file::FileStore;
pub use kek::{KeyEncryptionKey, WrapContext};
#[cfg(feature = "local-kek")]
pub use local::LocalKek;
pub use manager::{
    Consistency, KeyManager, KeyManagerBuilder, KeyStatus, Maintenance, Restored, Rewrapped, Shredded,
    StoreStatus, WrapProblem,
};
pub use policy::{CachePolicy, RotationPolicy};
pub use runtime::Call;
pub use store::{KeyStore, Record};

pub use crate::key::Clock;
