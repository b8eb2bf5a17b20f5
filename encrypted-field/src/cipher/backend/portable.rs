//! Shared by the backends that are no FIPS module: CMAC over their AES, HKDF, and the randomness of
//! the operating system.

use hkdf::Hkdf;
use sha2::Sha256;

use super::library::Aes;
pub(in crate::cipher) use super::library::{Gcm, NAME};
use crate::error::Result;

pub(in crate::cipher) type Cmac = super::cmac::Cmac<Aes>;

/// Nothing needs to be checked at start-up.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn check() -> Result<()> {
    Ok(())
}

/// Fills `buffer` from the operating system. A generator in this process would repeat after a fork.
#[inline]
pub(in crate::cipher) fn random(buffer: &mut [u8]) -> Result<()> {
    getrandom::fill(buffer).map_err(super::no_randomness)
}

/// `HKDF-Expand-SHA-256(prk, info, 32)` (RFC 5869 section 2.3).
pub(crate) fn hkdf_expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8; 32]) {
    let expanded =
        Hkdf::<Sha256>::from_prk(prk).map(|hkdf| hkdf.expand_multi_info(info, out).is_ok());
    // Left as it was, it would become a key that is public.
    assert!(
        matches!(expanded, Ok(true)),
        "a key of one hash and an output of one hash are always in range"
    );
}

impl Gcm {
    /// Encrypts in place under a fresh nonce. Writes the nonce and the tag.
    #[inline]
    pub(in crate::cipher) fn seal(
        &self,
        nonce: &mut [u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8; 16],
    ) -> Result<()> {
        random(nonce)?;
        self.seal_as_is(nonce, aad, buffer, tag)
    }
}
