//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by themselves.

#[cfg(all(feature = "tokio", any(feature = "diesel-store", feature = "file-store")))]
mod blocking;
#[cfg(all(not(feature = "tokio"), any(feature = "diesel-store", feature = "file-store")))]
#[path = "inline.rs"]
mod blocking;
pub mod conformance;
mod document;
mod failure;
#[cfg(feature = "file-store")]
mod file;
mod kek;
#[cfg(feature = "local-kek")]
mod local;
mod record;
#[cfg(any(feature = "diesel-store", feature = "sqlx-store"))]
pub mod sql;
mod store;

pub use failure::{BackendError, BackendErrorKind};
#[cfg(feature = "file-store")]
pub use file::FileStore;
pub use kek::{KeyEncryptionKey, WrapContext};
#[cfg(feature = "local-kek")]
pub use local::LocalKek;
pub use store::{KeyStore, Record};
