//! Where keys come from. Each provider ends in a [`KeyringBuilder`](super::KeyringBuilder), which
//! does the checks.

pub(crate) mod encoding;
pub(crate) mod env;
#[cfg(feature = "key-file")]
pub(crate) mod file;
pub(crate) mod passphrase;
#[cfg(any(feature = "file-store", feature = "key-file", feature = "local-kek"))]
#[cfg_attr(
    not(all(feature = "file-store", feature = "key-file", feature = "local-kek")),
    allow(dead_code)
)]
pub(crate) mod storage;
