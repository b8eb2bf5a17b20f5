//! Backend `aes-gcm`: pure Rust, constant time, with AES-NI/CLMUL or the ARMv8 instructions where the
//! processor has them. Both types zeroize themselves on drop.

use aes::Aes256Enc;
use aes::cipher::BlockCipherEncrypt as _;
use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};

/// AES-256 in the forward direction.
pub(super) struct BlockCipher(Aes256Enc);

impl BlockCipher {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Enc::new(key.into()))
    }

    pub(super) fn encrypt(&self, block: &mut [u8; 16]) {
        self.0.encrypt_block(block.into());
    }
}

/// AES-256-GCM (NIST SP 800-38D), 96-bit nonce, 128-bit tag.
pub(super) struct Gcm(Aes256Gcm);

impl Gcm {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts in place and gives the tag. `None`: too long for GCM.
    pub(super) fn seal(&self, nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8]) -> Option<[u8; 16]> {
        self.0.encrypt_inout_detached(nonce.into(), aad, buffer.into()).ok().map(Into::into)
    }

    /// Decrypts in place. Where the tag is wrong, the buffer is left as it was.
    pub(super) fn open(&self, nonce: &[u8; 12], aad: &[u8], buffer: &mut [u8], tag: &[u8; 16]) -> bool {
        self.0.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).is_ok()
    }
}
