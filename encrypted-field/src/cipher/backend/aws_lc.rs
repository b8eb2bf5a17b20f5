//! Backend `aws-lc-rs`: AWS-LC, in C and assembly. It wipes keys when it frees them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, UnboundCipherKey};

use super::cmac::BlockCipher;
use crate::error::{ErrorKind, Result};

pub(in crate::cipher) const NAME: &str = "aws-lc-rs";

/// In a box: each time that a key schedule is moved, it leaves a copy that nothing wipes.
pub(in crate::cipher) struct Aes(Box<EncryptingKey>);

impl BlockCipher for Aes {
    fn new(key: &[u8; 32]) -> Self {
        match UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ecb) {
            Ok(cipher) => Self(Box::new(cipher)),
            Err(_) => unreachable!("32 bytes are the length of an AES-256 key"),
        }
    }

    fn encrypt(&self, blocks: &mut [[u8; 16]]) {
        // Left as they are, they would become a key that is public.
        assert!(self.0.encrypt(blocks.as_flattened_mut()).is_ok(), "whole blocks can be encrypted");
    }
}

/// AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag.
pub(in crate::cipher) struct Gcm(LessSafeKey);

impl Gcm {
    pub(in crate::cipher) fn new(key: &[u8; 32]) -> Self {
        match UnboundKey::new(&AES_256_GCM, key) {
            Ok(key) => Self(LessSafeKey::new(key)),
            Err(_) => unreachable!("32 bytes are the length of an AES-256 key"),
        }
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
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let sealed = self.0.seal_in_place_scatter(nonce, Aad::from(aad), buffer, &[], tag);
        // There is no other reason.
        sealed.map_err(|_| ErrorKind::TooLarge.into())
    }

    /// Decrypts ciphertext and tag in place. If the tag is wrong, the buffer's content is
    /// unspecified.
    #[inline]
    pub(in crate::cipher) fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &mut [u8]) -> bool {
        self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), sealed).is_ok()
    }
}
