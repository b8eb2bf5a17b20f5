//! HMAC-SHA-256 and SHA-256 of the FIPS module.

use aws_lc_rs::digest::{self, SHA256};
#[cfg(feature = "envelope")]
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

/// HMAC-SHA-256 (FIPS 198-1) of the parts one after the other.
#[cfg(feature = "envelope")]
pub(crate) fn hmac_sha256(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Context::with_key(&Key::new(HMAC_SHA256, key));
    for part in parts {
        mac.update(part);
    }
    bytes(mac.sign().as_ref())
}

/// SHA-256 (FIPS 180-4) of the parts one after the other.
pub(crate) fn sha256<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = digest::Context::new(&SHA256);
    for part in parts {
        hash.update(part);
    }
    bytes(hash.finish().as_ref())
}

fn bytes(out: &[u8]) -> [u8; 32] {
    match out.try_into() {
        Ok(bytes) => bytes,
        Err(_) => unreachable!("SHA-256 has 32 bytes"),
    }
}
