//! XAES-256-GCM, <https://c2sp.org/XAES-256-GCM>: AES-256-GCM under a key derived from the first 96 bits of a
//! 192-bit nonce, so that nonces can be random for any number of messages.
//!
//! ```text
//! M1 = 00 01 58 00 | N[:12]         M2 = 00 02 58 00 | N[:12]
//! Kx = CMAC-AES-256(K, M1) | CMAC-AES-256(K, M2)
//! ciphertext, tag = AES-256-GCM(Kx, N[12:])
//! ```

use zeroize::Zeroizing;

use super::backend::{Cmac, Gcm};
use crate::error::Result;

/// What messages under one subkey have in common: the first 96 bits of their nonces.
pub(super) type Prefix = [u8; 12];

/// One key, ready for use.
pub(super) struct Xaes256Gcm(Cmac);

impl Xaes256Gcm {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Cmac::new(key))
    }

    /// The key for all messages whose nonces begin so.
    pub(super) fn subkey(&self, prefix: Prefix) -> Subkey {
        Subkey { prefix, gcm: Gcm::new(&self.derive(&prefix)) }
    }

    /// The key for messages whose nonces begin like no others.
    pub(super) fn random_subkey(&self) -> Result<Subkey> {
        let mut prefix = [0; 12];
        super::random(&mut prefix)?;
        Ok(self.subkey(prefix))
    }

    fn derive(&self, prefix: &Prefix) -> Zeroizing<[u8; 32]> {
        let mut kx = Zeroizing::new([0; 32]);
        let blocks = kx.as_chunks_mut::<16>().0;
        for (counter, block) in (1..).zip(&mut *blocks) {
            block[..4].copy_from_slice(&[0, counter, b'X', 0]);
            block[4..].copy_from_slice(prefix);
        }
        self.0.sign_blocks(blocks);
        kx
    }
}

/// The derived key Kx of one nonce prefix.
pub(crate) struct Subkey {
    prefix: Prefix,
    gcm: Gcm,
}

/// What sealing gives beside the ciphertext.
pub(crate) struct Sealed {
    pub(crate) nonce: [u8; 24],
    pub(crate) tag: [u8; 16],
}

impl Subkey {
    pub(super) fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Encrypts in place, the last 96 bits of the nonce fresh. On an error what the buffer holds is unspecified.
    pub(super) fn seal(&self, aad: &[u8], buffer: &mut [u8]) -> Result<Sealed> {
        let (gcm_nonce, tag) = self.gcm.seal(aad, buffer)?;
        let mut nonce = [0; 24];
        nonce[..12].copy_from_slice(&self.prefix);
        nonce[12..].copy_from_slice(&gcm_nonce);
        Ok(Sealed { nonce, tag })
    }

    /// Decrypts ciphertext and tag in place. Where it does not authenticate, the buffer's content is unspecified.
    pub(crate) fn open(&self, nonce: &[u8; 24], aad: &[u8], sealed: &mut [u8]) -> bool {
        debug_assert_eq!(nonce[..12], self.prefix);
        let mut gcm_nonce = [0; 12];
        gcm_nonce.copy_from_slice(&nonce[12..]);
        self.gcm.open(&gcm_nonce, aad, sealed)
    }
}

#[cfg(all(test, not(feature = "fips")))]
impl Subkey {
    /// Encrypts in place under a given nonce, for vectors.
    pub(super) fn seal_with_nonce(&self, nonce: &[u8; 24], aad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        let (_, gcm_nonce) = nonce.split_at(12);
        match gcm_nonce.try_into().map(|nonce| self.gcm.seal_with_nonce(nonce, aad, buffer)) {
            Ok(Ok(tag)) => tag,
            _ => panic!("a vector can be sealed"),
        }
    }
}

#[cfg(test)]
#[path = "xaes/tests.rs"]
mod tests;
