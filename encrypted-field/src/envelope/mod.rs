//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by themselves.

#[cfg(any(feature = "aws-kms", feature = "aws-secrets-manager"))]
mod aws;
#[cfg(feature = "aws-kms")]
mod aws_kms;
#[cfg(feature = "aws-secrets-manager")]
mod aws_secrets_manager;
pub mod conformance;
mod document;
mod failure;
mod kek;
#[cfg(feature = "local-kek")]
mod local;
mod record;
mod store;

#[cfg(feature = "aws-kms")]
pub use aws_kms::AwsKms;
#[cfg(feature = "aws-secrets-manager")]
pub use aws_secrets_manager::AwsSecretsManager;
pub use failure::{BackendError, BackendErrorKind};
pub use kek::{KeyEncryptionKey, WrapContext};
#[cfg(feature = "local-kek")]
pub use local::LocalKek;
pub use store::{KeyStore, Record};
