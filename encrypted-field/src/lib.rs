//! Encrypted model fields: annotate a field, and its database column holds ciphertext.
//!
//! ```
//! use encrypted_field::{Encrypted, EncryptedField, Keyring, generate_key};
//!
//! #[derive(Encrypted)]
//! #[encrypted(table = "slack_connections")]
//! struct SlackConnection {
//!     id: i32,
//!     #[encrypted(String)]        // the plaintext type
//!     bot_token: BotToken,        // a new type: the derive declares it
//! }
//!
//! # fn main() -> encrypted_field::Result<()> {
//! let _ring = Keyring::builder().active(1, generate_key()?).build()?.hold(); // in an application: `install`
//! let row = SlackConnection { id: 1, bot_token: "xoxb-1".into() };
//! let stored = row.bot_token.to_stored_text()?; // what Diesel and SQLx write by themselves
//! assert!(stored.starts_with("ef1:1:"));
//! assert_eq!(&*BotToken::from_stored_text(stored)?, "xoxb-1");
//! # let _ = row.id;
//! # Ok(())
//! # }
//! ```
//!
//! With the features `diesel` and `sqlx`, `BotToken` is an ordinary column type: it inserts, updates and reads in models,
//! tuples and queries. The README has an example for each.
//!
//! # How a value travels
//!
//! ```text
//! write   BotToken ── Plaintext::encode ──> bytes ── XAES-256-GCM ──> ef1:<key id>:<base64url>
//!                                                     │ key: the active one of the field's scope
//!                                                     │ nonce: 192 random bits, 96 of them its own
//!                                                     └ associated data: suite, key id, kind, context
//! read    column ──> marker, key id ──> key ring ──> scope, state ──> XAES-256-GCM ──> Plaintext::decode
//!              └ no marker: legacy reader, if the field declares one and it is open; else an error
//! ```
//!
//! The stored bytes are specified in `FORMAT.md`, the threat model in `SECURITY.md`.
//!
//! # Keys
//!
//! [`install`] sets the [`Keyring`] of the process, and swaps it atomically when called again. Without it the first use loads
//! [the environment's](EnvKeys). [`Keyring::hold`] replaces it for one thread, in tests. Sealing and opening also exist with a ring
//! passed by hand: the `…_with` methods of [`EncryptedField`] and [`EncryptedModel`]. Keys that a key service wraps, and that rotate by
//! themselves, are the business of the module `envelope`.
//!
//! A field with `scope = dynamic` uses the keys of the [`Scope`] that is entered, such as the tenant of a request.
//!
//! # Errors
//!
//! One type, [`Error`], with a [kind](ErrorKind) in one of three [families](ErrorFamily): misuse by the program, data that is not
//! what it should be, keys that are missing or wrong. Diesel and SQLx wrap it; [`Error::find`] gets it back out.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `aes-gcm` (default) | the cipher, pure Rust |
//! | `aws-lc-rs` | the cipher of AWS-LC instead: the same bytes, faster |
//! | `fips` | its FIPS 140-3 module instead; `SECURITY.md` says what runs in it |
//! | `diesel` | Diesel 2.3; `diesel-postgres`, `diesel-mysql`, `diesel-sqlite` for writing to that backend |
//! | `sqlx` | SQLx 0.9, any database |
//! | `serde`, `json` | (de)serialization; fields of any serde type |
//! | `uuid`, `chrono`, `time`, `rust_decimal`, `bigdecimal` | value types |
//! | `key-file`, `passphrase` | key providers |
//! | `envelope` | data keys that are stored wrapped and rotate by themselves; each backend below brings it in |
//! | `local-kek` | a key-encryption key; those of Vault and AWS are the crates `encrypted-field-vault` and `-aws` |
//! | `file-store`, `diesel-store`, `sqlx-store` | stores of wrapped keys; those two crates have more |
//! | `sqlx-postgres`, `sqlx-mysql`, `sqlx-sqlite` | the database of `sqlx-store` (and arrays, on PostgreSQL) |
//! | `tokio` | bounds the calls of an envelope in time; brought in where it is needed |
//!
//! # Layers
//!
//! A module uses only modules beyond an arrow to its right:
//! `orm -> field -> plaintext, envelope -> event -> key -> cipher -> format -> secret, error -> key_id`.
//! `legacy` and `__private` are above them all. (One exception: `error` knows that Diesel's error
//! hides its source.)

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code names this crate by its path, also inside of it.
extern crate self as encrypted_field;

mod cipher;
#[cfg(feature = "envelope")]
pub mod envelope;
mod error;
pub mod event;
mod field;
pub mod format;
mod key;
mod key_id;
mod orm;
mod plaintext;
mod secret;

pub use cipher::CIPHER_BACKEND;
pub use encrypted_field_derive::Encrypted;
pub use error::{Error, ErrorFamily, ErrorKind, Result};
pub use field::{EncryptedField, EncryptedModel, FieldInfo, Sealed, Secret, Storage, check_contexts};
pub use key::{
    EnvKeys, HeldKeyring, InScope, Key, KeyInfo, KeyState, Keyring, KeyringBuilder, Purpose, Scope,
    generate_key, install, keyring,
};
#[cfg(feature = "key-file")]
pub use key::{KeyFile, KeyFileEntry};
pub use key_id::KeyId;
pub use plaintext::{Encoded, Json, Plaintext, PlaintextError};

/// What [`Plaintext::decode`] is given: memory that wipes itself.
pub use zeroize::Zeroizing;

/// Values that this library did not write: the run-time switch of `#[encrypted(…, legacy = …)]`.
pub mod legacy {
    pub use crate::field::{LegacyReader, close, is_closed, reopen};
}

#[doc(hidden)]
pub mod __private;

#[cfg(all(doctest, feature = "diesel-sqlite", feature = "envelope"))]
#[doc = include_str!("../README.md")]
struct Readme;
