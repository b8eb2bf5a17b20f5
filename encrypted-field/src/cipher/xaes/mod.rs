//! XAES-256-GCM, <https://c2sp.org/XAES-256-GCM>: AES-256-GCM under a key derived from the first 96
//! bits of a 192-bit nonce, so that nonces can be random for any number of messages.
//!
//! ```text
//! M1 = 00 01 58 00 | N[:12]         M2 = 00 02 58 00 | N[:12]
//! Kx = CMAC-AES-256(K, M1) | CMAC-AES-256(K, M2)
//! ciphertext, tag = AES-256-GCM(Kx, N[12:])
//! ```

use zeroize::Zeroizing;

use super::backend::{Cmac, Gcm};
use crate::error::Result;

/// The common part of messages under one subkey: the first 96 bits of their nonces.
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

impl Subkey {
    pub(super) fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// Seals `body` in place: room for the nonce (24 bytes), the plaintext, room for the tag (16
    /// bytes). The last 96 bits of the nonce are fresh. On an error what the body holds is
    /// unspecified.
    #[inline]
    pub(super) fn seal(&self, aad: &[u8], body: &mut [u8]) -> Result<()> {
        let (nonce, plaintext, tag) = parts(body);
        let (prefix, nonce) = halves(nonce);
        *prefix = self.prefix;
        self.gcm.seal(nonce, aad, plaintext, tag)
    }

    /// Decrypts ciphertext and tag in place. If it does not authenticate, the buffer's content is
    /// unspecified.
    #[inline]
    pub(crate) fn open(&self, nonce: &[u8; 24], aad: &[u8], sealed: &mut [u8]) -> bool {
        debug_assert_eq!(nonce[..12], self.prefix);
        let mut gcm_nonce = [0; 12];
        gcm_nonce.copy_from_slice(&nonce[12..]);
        self.gcm.open(&gcm_nonce, aad, sealed)
    }
}

#[cfg(all(test, not(feature = "fips")))]
impl Subkey {
    /// Seals in place under the nonce that stands in `body`, for vectors.
    pub(super) fn seal_as_is(&self, aad: &[u8], body: &mut [u8]) {
        let (nonce, plaintext, tag) = parts(body);
        let (prefix, nonce) = halves(nonce);
        assert_eq!(*prefix, self.prefix);
        assert!(self.gcm.seal_as_is(nonce, aad, plaintext, tag).is_ok());
    }
}

#[inline]
fn parts(body: &mut [u8]) -> (&mut [u8; 24], &mut [u8], &mut [u8; 16]) {
    let parts = body.split_first_chunk_mut().and_then(|(nonce, rest)| {
        let (plaintext, tag) = rest.split_last_chunk_mut()?;
        Some((nonce, plaintext, tag))
    });
    match parts {
        Some(parts) => parts,
        None => unreachable!("a body has room for a nonce and a tag"),
    }
}

#[inline]
fn halves(nonce: &mut [u8; 24]) -> (&mut Prefix, &mut [u8; 12]) {
    match nonce.as_chunks_mut().0 {
        [prefix, rest] => (prefix, rest),
        _ => unreachable!("24 bytes are twice 12"),
    }
}

#[cfg(test)]
mod tests;
