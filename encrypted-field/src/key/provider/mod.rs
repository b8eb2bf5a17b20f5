//! Where keys come from. Each provider ends in a [`KeyringBuilder`](super::KeyringBuilder), which does the checks.

mod encoding;
pub(super) mod env;
#[cfg(feature = "key-file")]
pub(super) mod file;
mod passphrase;
