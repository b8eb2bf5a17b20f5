//! What the records of a key store are authenticated with.

#[cfg(feature = "fips")]
#[path = "fips.rs"]
mod backend;
#[cfg(not(feature = "fips"))]
#[path = "portable.rs"]
mod backend;

pub(crate) use backend::{hmac_sha256, sha256};

#[cfg(test)]
mod tests;
