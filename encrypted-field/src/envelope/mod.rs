//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by themselves.

pub mod conformance;
mod document;
mod draft;
mod failure;
mod kek;
mod key_set;
mod lifecycle;
#[cfg(feature = "local-kek")]
mod local;
mod manager;
mod policy;
mod record;
mod runtime;
mod store;

pub use failure::{BackendError, BackendErrorKind};
pub use kek::{KeyEncryptionKey, WrapContext};
#[cfg(feature = "local-kek")]
pub use local::LocalKek;
pub use manager::{
    Consistency, KeyManager, KeyManagerBuilder, KeyStatus, Maintenance, Restored, Shredded, StoreStatus,
    WrapProblem,
};
pub use policy::{CachePolicy, RotationPolicy};
pub use runtime::Call;
pub use store::{KeyStore, Record};

pub use crate::key::Clock;
