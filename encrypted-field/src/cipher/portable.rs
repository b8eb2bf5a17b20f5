//! What the backends share that are no FIPS module: CMAC over their AES, HKDF, and the randomness of the operating system.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::backend::{BlockCipher, Gcm};
use crate::error::Result;

/// Nothing to be checked at start-up.
#[allow(clippy::unnecessary_wraps)]
pub(crate) fn check() -> Result<()> {
    Ok(())
}

/// Fills `buffer` from the operating system. A generator in this process would repeat after a fork.
#[inline]
pub(crate) fn random(buffer: &mut [u8]) -> Result<()> {
    getrandom::fill(buffer).map_err(super::no_randomness)
}

/// `HKDF-Expand-SHA-256(prk, info, 32)` (RFC 5869 section 2.3).
pub(crate) fn hkdf_expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8; 32]) {
    let expanded = Hkdf::<Sha256>::from_prk(prk).map(|hkdf| hkdf.expand_multi_info(info, out).is_ok());
    // Left as it was, it would become a key that is public.
    assert!(matches!(expanded, Ok(true)), "a key of one hash and an output of one hash are always in range");
}

/// AES-256-CMAC (NIST SP 800-38B) of messages of exactly one block: `AES-256(K, M XOR K1)`.
pub(super) struct Cmac {
    cipher: BlockCipher,
    k1: Zeroizing<[u8; 16]>,
}

impl Cmac {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let cipher = BlockCipher::new(key);
        let mut block = Zeroizing::new([[0; 16]]);
        cipher.encrypt(&mut *block);
        let l = Zeroizing::new(u128::from_be_bytes(block[0]));
        // Without a branch on the secret bit.
        let k1 = (*l << 1) ^ ((*l >> 127) * 0x87);
        Self { cipher, k1: Zeroizing::new(k1.to_be_bytes()) }
    }

    /// Replaces each message of one block by its MAC.
    pub(super) fn sign_blocks(&self, blocks: &mut [[u8; 16]]) {
        for block in &mut *blocks {
            block.iter_mut().zip(self.k1.iter()).for_each(|(m, k)| *m ^= k);
        }
        self.cipher.encrypt(blocks);
    }
}

impl Gcm {
    /// Encrypts in place under a fresh nonce; writes that and the tag.
    #[inline]
    pub(super) fn seal(
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The subkeys that C2SP gives with its XAES-256-GCM vectors.
    #[test]
    fn c2sp_subkey_k1() {
        for (key, k1) in
            [([1; 32], "e531954aca063d5b8d9c47a47d4cc6f0"), ([3; 32], "23810ec50edb99f374409466ed1f4b7b")]
        {
            assert_eq!(hex::encode(*Cmac::new(&key).k1), k1);
        }
    }
}
