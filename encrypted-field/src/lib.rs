//! # encrypted-field
//!
//! (draft)

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code names this crate by its path, also inside of it.
extern crate self as encrypted_field;

mod cipher;
mod error;
pub mod event;
mod field;
pub mod format;
mod key;
mod orm;
mod plaintext;
mod secret;

pub use encrypted_field_derive::Encrypted;
pub use error::{Error, ErrorFamily, ErrorKind, Result};
pub use field::{EncryptedField, EncryptedModel, FieldInfo, Sealed, Secret, Storage, check_contexts};
pub use key::{
    EnvKeys, HeldKeyring, Key, KeyId, KeyInfo, KeyState, Keyring, KeyringBuilder, Purpose, generate_key,
    install, keyring,
};
#[cfg(feature = "key-file")]
pub use key::{KeyFile, KeyFileEntry};
pub use plaintext::{Encoded, Json, Plaintext, PlaintextError};

/// Values that this library did not write: the run-time switch of `#[encrypted(…, legacy = …)]`.
pub mod legacy {
    pub use crate::field::{LegacyReader, close, is_closed, reopen};
}

#[doc(hidden)]
pub mod __private;
