//! Backend `aws-lc-rs` with the FIPS 140-3 module of AWS-LC. It uses only services of the module
//! that the module counts as approved:
//!
//! - AES-256-CMAC, of which subkeys are composed here as NIST SP 800-108r1 has it;
//! - AES-256-GCM with nonces that the module draws from its own random generator
//!   (`RandomizedNonceKey`);
//! - HKDF-Expand.
//!
//! That generator reseeds after a fork, which it notices by memory that the kernel wipes, or else
//! reseeds each time.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::cmac::{AES_256, Key, sign_to_buffer};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};

use crate::error::{Error, ErrorKind, Result};

pub(in crate::cipher) const NAME: &str = "aws-lc-rs (FIPS)";

/// Checks that the module passed its self-tests and runs in FIPS mode.
pub(crate) fn check() -> Result<()> {
    aws_lc_rs::try_fips_mode().map_err(|reason| Error::new(ErrorKind::FipsMode).detail(reason))
}

pub(in crate::cipher) fn random(buffer: &mut [u8]) -> Result<()> {
    // Keys can be generated before there is a ring. In other cases the building of the ring checks
    // this.
    check()?;
    aws_lc_rs::rand::fill(buffer).map_err(super::no_randomness)
}

/// `HKDF-Expand-SHA-256(prk, info, 32)` (RFC 5869 section 2.3).
pub(crate) fn hkdf_expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8; 32]) {
    struct OneHash;
    impl KeyType for OneHash {
        fn len(&self) -> usize {
            32
        }
    }
    let filled =
        Prk::new_less_safe(HKDF_SHA256, prk).expand(info, OneHash).and_then(|okm| okm.fill(out));
    // Left as it was, it would become a key that is public.
    assert!(filled.is_ok(), "an output of one hash is always in range");
}

/// AES-256-CMAC (NIST SP 800-38B).
pub(in crate::cipher) struct Cmac(Key);

impl Cmac {
    pub(in crate::cipher) fn new(key: &[u8; 32]) -> Self {
        match Key::new(AES_256, key) {
            Ok(key) => Self(key),
            Err(_) => unreachable!("32 bytes are the length of an AES-256 key"),
        }
    }

    /// Replaces each message of one block by its MAC.
    pub(in crate::cipher) fn sign_blocks(&self, blocks: &mut [[u8; 16]]) {
        for block in blocks {
            let message = *block;
            let signed = sign_to_buffer(&self.0, &message, block);
            // Left as it was, it would become a key that is public.
            assert!(signed.is_ok(), "a block can be signed");
        }
    }
}

/// AES-256-GCM (NIST SP 800-38D) with nonces of the module's own, 96 bits, and a 128-bit tag.
pub(in crate::cipher) struct Gcm(RandomizedNonceKey);

impl Gcm {
    pub(in crate::cipher) fn new(key: &[u8; 32]) -> Self {
        match RandomizedNonceKey::new(&AES_256_GCM, key) {
            Ok(key) => Self(key),
            Err(_) => unreachable!("32 bytes are the length of an AES-256 key"),
        }
    }

    /// Encrypts in place under a fresh nonce. Writes the nonce and the tag.
    pub(in crate::cipher) fn seal(
        &self,
        nonce: &mut [u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8; 16],
    ) -> Result<()> {
        let sealed = self.0.seal_in_place_separate_tag(Aad::from(aad), buffer);
        // There is no other reason: without randomness the module ends the process.
        let (fresh, made) = sealed.map_err(|_| Error::from(ErrorKind::TooLarge))?;
        *nonce = *fresh.as_ref();
        tag.copy_from_slice(made.as_ref());
        Ok(())
    }

    /// Decrypts ciphertext and tag in place. If the tag is wrong, the buffer's content is
    /// unspecified.
    pub(in crate::cipher) fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &mut [u8]) -> bool {
        self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), sealed).is_ok()
    }
}
