//! XAES-256-GCM over a backend's AES-256-GCM.
//!
//! The composition is [`xaes`]; the primitives are a backend's. A backend is one file that gives
//! `BlockCipher` (AES-256 on one block) and `Gcm` (AES-256-GCM with a 96-bit nonce and a 128-bit tag).

#[cfg(feature = "aes-gcm")]
#[path = "aes_gcm.rs"]
mod backend;
#[cfg(not(feature = "aes-gcm"))]
#[path = "missing.rs"]
mod backend;
mod xaes;

pub(crate) use xaes::Xaes256Gcm;

/// Fills `buffer` from the operating system. A userspace generator would repeat after a fork.
pub(crate) fn random(buffer: &mut [u8]) -> crate::error::Result<()> {
    getrandom::fill(buffer)
        .map_err(|e| crate::error::Error::new(crate::error::ErrorKind::Randomness).caused_by(e))
}
