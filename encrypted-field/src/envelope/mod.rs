//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by themselves.

pub mod conformance;
mod document;
mod failure;
mod kek;
#[cfg(feature = "local-kek")]
mod local;
mod record;
mod store;
#[cfg(feature = "vault")]
pub mod vault;

pub use failure::{BackendError, BackendErrorKind};
pub use kek::{KeyEncryptionKey, WrapContext};
#[cfg(feature = "local-kek")]
pub use local::LocalKek;
pub use store::{KeyStore, Record};
