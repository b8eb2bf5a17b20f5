//! Envelope encryption: data keys that are stored wrapped under key-encryption keys, and rotate by
//! themselves.
//!
//! ```text
//! key-encryption keys (KEK)     KeyManager                          what seals and opens
//! AWS KMS eu ──┐ unwrap         reads the store, authenticates it,  Keyring: default and static scopes
//! Vault ───────┼──────────────> unwraps data keys, publishes,  ───> Scope: a tenant's, when it is entered
//! break-glass ─┘                activates and retires them          (no I/O, ever)
//!                                   ^ load, compare-and-swap
//! store: file, SQL table, Vault KV, AWS Secrets Manager (wrapped keys; not trusted)
//! ```
//!
//! A [`KeyManager`] is made of a [`KeyStore`], one or more [`KeyEncryptionKey`]s, and policies. An
//! operator [initializes](KeyManager::initialize) the store once; each process
//! [installs](KeyManager::install) its manager at start-up. From then on it refreshes, rotates by
//! [policy](RotationPolicy), and goes on for a [stated time](CachePolicy::max_age) when its key
//! service can't be reached. `cargo run -p key-examples --example two_phase_rotation` in the
//! repository shows it with two processes.
//!
//! # What is trusted with what
//!
//! The store sits in a database that may be attacked. Each entry (id, scope, purpose, state, dates,
//! check value, wraps) carries a MAC, and the head a MAC over the hash of all entries, under a key
//! that is itself wrapped by the KEKs. So nobody without a KEK can make a retired key active, leave
//! an entry out, or set one back. The whole store set back is refused by a process that has seen a
//! newer one, and by all below [`min_revision`](KeyManagerBuilder::min_revision) and
//! [`min_epoch`](KeyManagerBuilder::min_epoch). What it can't notice: a store that is *frozen*,
//! shown at the revision that it had, to a process that would have seen a newer one.
//!
//! # Which backends there are
//!
//! | | feature | |
//! |---|---|---|
//! | `LocalKek` | `local-kek` | 32 bytes from the environment or a file, or a passphrase |
//! | `VaultTransit` | crate `encrypted-field-vault` | Vault Transit. Tested against a stand-in, not a real Vault |
//! | `AwsKms` | crate `encrypted-field-aws` | AWS KMS. Tested against moto and a stub, not AWS |
//! | `FileStore` | `file-store` | a file on one host |
//! | `sql::DieselStore` | `diesel-store`, `diesel-postgres`, `-mysql`, `-sqlite` | a table, through Diesel |
//! | `sql::SqlxStore` | `sqlx-store`, `sqlx-postgres`, `-mysql`, `-sqlite` | the same table, through SQLx |
//! | `VaultKv` | crate `encrypted-field-vault` | Vault KV version 2 |
//! | `AwsSecretsManager` | crate `encrypted-field-aws` | one secret of AWS Secrets Manager |
//!
//! Yours implement the two traits, and [`conformance`] tests them.
//!
//! Without the feature `tokio` (which the crates for Vault and AWS and `sqlx-store` bring in)
//! everything runs on the threads that call: a Diesel-only program needs no async runtime. Calls
//! are not bounded in time then, but by what they call.
//!
//! # Memory
//!
//! A process holds every entry of the store (wrapped keys and dates, about a kilobyte each), and of
//! unwrapped keys those of static scopes and of at most [`max_scopes`](CachePolicy::max_scopes)
//! that were entered. Unwrapped keys are wiped when they go. What passes through the buffers of an
//! HTTP client or a database driver on its way is not in our hands; `SECURITY.md` says where.

mod backend;
mod draft;
#[cfg(feature = "file-store")]
mod file_store;
mod history;
mod lifecycle;
#[cfg(feature = "local-kek")]
mod local_kek;
mod manager;
mod policy;
mod record;
mod runtime;
#[cfg(any(feature = "diesel-store", feature = "sqlx-store"))]
pub mod sql;
mod tree;
mod view;

pub use backend::conformance;
pub use backend::{
    Anchor, BackendError, BackendErrorKind, Document, KeyEncryptionKey, KeyStore, Loaded, Query, Record,
    StoreId, WrapContext, WrappedKey,
};
#[cfg(feature = "file-store")]
pub use file_store::FileStore;
#[cfg(feature = "local-kek")]
pub use local_kek::LocalKek;
pub use manager::{
    Consistency, DestroyedScope, KeyManager, KeyManagerBuilder, KeyPage, KeyStatus, Maintenance,
    RestoredStore, RewrapReport, StoreStatus, WrapProblem,
};
pub use policy::{CachePolicy, RotationPolicy};
pub use runtime::Call;

pub use crate::key::Clock;

/// Runbooks.
#[cfg(all(doc, feature = "file-store", feature = "local-kek"))]
pub mod runbooks {
    #[doc = include_str!("../../docs/rotation.md")]
    pub mod rotation {}

    #[doc = include_str!("../../docs/disaster-recovery.md")]
    pub mod disaster_recovery {}

    #[doc = include_str!("../../docs/costs.md")]
    pub mod costs {}
}
