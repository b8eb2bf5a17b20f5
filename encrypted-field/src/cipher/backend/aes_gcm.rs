//! Backend `aes-gcm`: pure Rust, constant time, with AES-NI/CLMUL or the ARMv8 instructions if the
//! processor has them. Both types zeroize themselves on drop.

use aes::Aes256Enc;
use aes::cipher::{Array, BlockCipherEncrypt as _};
use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};

use super::cmac::BlockCipher;
use crate::error::{ErrorKind, Result};

pub(in crate::cipher) const NAME: &str = "aes-gcm";

pub(in crate::cipher) struct Aes(Aes256Enc);

impl BlockCipher for Aes {
    fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Enc::new(key.into()))
    }

    fn encrypt(&self, blocks: &mut [[u8; 16]]) {
        self.0.encrypt_blocks(Array::cast_slice_from_core_mut(blocks));
    }
}

/// AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag.
pub(in crate::cipher) struct Gcm(Aes256Gcm);

impl Gcm {
    pub(in crate::cipher) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts in place under a nonce that was never used with this key, and writes the tag.
    #[inline]
    pub(in crate::cipher) fn seal_as_is(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8; 16],
    ) -> Result<()> {
        let sealed = self.0.encrypt_inout_detached(nonce.into(), aad, buffer.into());
        *tag = sealed.map_err(|_| ErrorKind::TooLarge)?.into();
        Ok(())
    }

    /// Decrypts ciphertext and tag in place. If the tag is wrong, the buffer's content is
    /// unspecified.
    #[inline]
    pub(in crate::cipher) fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &mut [u8]) -> bool {
        let Some((ciphertext, tag)) = sealed.split_last_chunk_mut::<16>() else { return false };
        self.0.decrypt_inout_detached(nonce.into(), aad, ciphertext.into(), (&*tag).into()).is_ok()
    }
}
