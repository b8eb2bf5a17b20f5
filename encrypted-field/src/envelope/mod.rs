//! For applications whose keys a key service wraps: envelope encryption with data keys that rotate
//! by themselves.
//!
//! A store keeps the data keys, wrapped under key-encryption keys (KEKs).
//!
//! ```text
//! key-encryption keys (KEK)     KeyManager                          what seals and opens
//! AWS KMS eu ──┐ unwrap         reads the store, authenticates it,  Keyring: default and static scopes
//! Vault ───────┼──────────────> unwraps data keys, publishes,  ───> Scope: a tenant's, when it is entered
//! break-glass ─┘                activates and retires them          (no I/O, ever)
//!                                   ^ load, compare-and-swap
//! store: file, SQL table, Vault KV, AWS Secrets Manager, S3 (wrapped keys; not trusted)
//! anchor: file, Vault KV, AWS Secrets Manager, S3, configuration (how new the store is at least)
//! ```
//!
//! A [`KeyManager`] is made of a [`KeyStore`], one or more [`KeyEncryptionKey`]s, and policies. An
//! operator [initializes](KeyManager::initialize) the store once. Each process
//! [installs](KeyManager::install) its manager at start-up. From then on the manager refreshes,
//! rotates by [policy](RotationPolicy), and goes on for a [stated time](CachePolicy::max_age) when
//! its key service can't be reached. `cargo run -p key-examples --example two_phase_rotation` in
//! the repository shows it with two processes.
//!
//! # What is trusted with what
//!
//! The store sits in a database that may be attacked. It holds records: a head, and the keys of
//! each scope. The head carries a MAC under the store key, which is itself wrapped by the KEKs. It
//! also has the hash of the root of a tree, and the tree has the hash of every other record. So
//! nobody without a KEK can make a retired key active, leave an entry out, or set one tenant's
//! record back. A process that uses one tenant reads the few records on the way to it.
//!
//! A process that has seen a newer store refuses a *whole* store that is set back, replaced or
//! emptied. A process that starts needs to be told, by an [`Anchor`], by
//! [`min_revision`](KeyManagerBuilder::min_revision) or by
//! [`min_epoch`](KeyManagerBuilder::min_epoch).
//!
//! The head has a date, and one process signs it anew at least every half hour
//! ([`heartbeat`](KeyManagerBuilder::heartbeat)). A process that is shown an old state stops
//! sealing after an hour ([`ErrorKind::KeyStoreFrozen`](crate::ErrorKind::KeyStoreFrozen)). Until
//! then it seals under keys that may have been retired since, and it goes on opening. At least one
//! process must run that may write to the store. If a process is shown a copy of the store that
//! takes its writes, it signs the copy itself. Only an anchor shows that.
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
//! | `AwsS3Object` | crate `encrypted-field-aws` | one object of S3, best for an [`Anchor`] |
//!
//! Yours implement [`KeyEncryptionKey`], and [`KeyStore`] or [`Document`], and [`conformance`]
//! tests them. A KEK whose library blocks the thread, such as one for PKCS#11, implements
//! [`BlockingKeyEncryptionKey`] instead.
//!
//! Without the feature `tokio` everything runs on the threads that call, so a Diesel-only program
//! needs no async runtime. A call that blocks is then bounded in time only by what it calls. A call
//! that [`Blocking`] makes is bounded, because it has a thread of its own. The crates for Vault and
//! AWS and `sqlx-store` bring that feature in.
//!
//! # Memory
//!
//! A process holds only the parts of the store that it uses: the head, the records of the scopes
//! that each process loads, those of tenants in use, and the nodes of the tree that lead to them.
//! It holds the unwrapped keys of the same scopes, for at most
//! [`max_scopes`](CachePolicy::max_scopes) tenants. So its memory depends on the scopes in use and
//! not on how many there are. It remembers how new the scopes were that it has used, for at most
//! 32,768 of them. (A store in one text, such as a file or a secret, is read as a whole at each
//! load, and freed after it.)
//!
//! For each key, the process keeps what is derived from it for its purpose. It also keeps what
//! authenticates the store. The keys themselves are wiped after that. The derived keys are wiped
//! when they are dropped. On their way, keys pass through the buffers of an HTTP client or a
//! database driver, which this library can't wipe. `SECURITY.md` says where.

mod backend;
mod blocking;
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
    Anchor, BackendError, BackendErrorKind, Document, KeyEncryptionKey, KeyStore, Loaded, Query,
    Record, StoreId, WrapContext, WrappedKey,
};
pub use blocking::{Blocking, BlockingKeyEncryptionKey};
#[cfg(feature = "file-store")]
pub use file_store::FileStore;
#[cfg(feature = "local-kek")]
pub use local_kek::LocalKek;
pub use manager::{
    Consistency, DestroyedScope, Failure, Health, KekStatus, KeyManager, KeyManagerBuilder,
    KeyPage, KeyStatus, Maintenance, MissingWraps, Problem, RefusedStore, RestoredStore,
    RewrapReport, Status, StoreStatus, WrapProblem,
};
pub use policy::{CachePolicy, RotationPolicy};
pub use runtime::Call;

pub use crate::key::Clock;

/// Runbooks.
#[cfg(all(doc, feature = "file-store", feature = "local-kek"))]
pub mod runbooks {
    #[doc = include_str!("../../docs/setting-up.md")]
    pub mod setting_up {}

    #[doc = include_str!("../../docs/rotation.md")]
    pub mod rotation {}

    #[doc = include_str!("../../docs/disaster-recovery.md")]
    pub mod disaster_recovery {}

    #[doc = include_str!("../../docs/costs.md")]
    pub mod costs {}

    #[doc = include_str!("../../docs/moving-data.md")]
    pub mod moving_data {}
}
