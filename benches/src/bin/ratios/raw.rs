//! What ours is held against: AES-256-GCM of aws-lc-rs with a prepared key, the same associated
//! data, the result in one fresh allocation.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// As long as that of a field with the context `tokens.secret` (`FORMAT.md`, section 6).
const AAD: [u8; 42] = *b"encrypted-field/v1\0 .... . .... tokens.sec";

pub struct Raw(LessSafeKey);

impl Raw {
    pub fn new() -> Self {
        let key = encrypted_field::generate_key().unwrap();
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap()))
    }

    /// With a nonce from the operating system.
    pub fn seal(&self, plain: &[u8]) -> (Vec<u8>, [u8; 12]) {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).unwrap();
        let mut out = Vec::with_capacity(plain.len() + 16);
        out.extend_from_slice(plain);
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce_once, Aad::from(&AAD), &mut out).unwrap();
        (out, nonce)
    }

    pub fn open(&self, sealed: &[u8], nonce: [u8; 12]) -> Vec<u8> {
        let mut out = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let len = self.0.open_in_place(nonce, Aad::from(&AAD), &mut out).unwrap().len();
        out.truncate(len);
        out
    }
}
