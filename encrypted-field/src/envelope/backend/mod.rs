//! What is outside of this process: key services, stores of wrapped keys, and what may answer
//! instead.
//!
//! A backend is a crate or a module that implements one of these traits. It needs nothing else of
//! the library.

mod anchor;
pub mod conformance;
mod document;
mod error;
mod kek;
mod store;

pub use anchor::Anchor;
pub use document::Document;
pub use error::{BackendError, BackendErrorKind};
pub use kek::{KeyEncryptionKey, StoreId, WrapContext, WrappedKey};
pub use store::{KeyStore, Loaded, Query, Record};

pub(super) use anchor::Mark;
pub(super) use error::OtherKek;
pub(super) use kek::AnyKek;
pub(super) use store::AnyStore;
