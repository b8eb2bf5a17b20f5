//! Where the tests of `encrypted-field-vault` and the examples run: a [stand-in](StandIn) for
//! Vault; for Transit, KV and logins also a real one, where `VAULT_ADDR` and `VAULT_TOKEN` are set:
//!
//! ```text
//! vault server -dev -dev-root-token-id=root &
//! VAULT_ADDR=http://127.0.0.1:8200 VAULT_TOKEN=root cargo test -p encrypted-field-vault
//! ```
//!
//! The token must be allowed to mount engines and auth methods and to write policies. What the
//! tests make has random names that begin with `encrypted-field-test-`; it stays there, so use a
//! server that can be thrown away. Not run against a real one: failures, Kubernetes logins, and
//! TLS.

mod admin;
mod standin;

pub use admin::{Admin, Place};
pub use standin::{Authority, Fault, Identity, StandIn};

/// Runs one test of something asynchronous.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// Random bytes.
pub fn random<const LEN: usize>() -> [u8; LEN] {
    let key = encrypted_field::generate_key().expect("random bytes");
    std::array::from_fn(|i| key[i])
}

/// 32 hexadecimal digits at random.
pub fn random_name() -> String {
    hex::encode(random::<16>())
}
