//! In place of a backend where none is enabled: says so, and has what the rest of the crate names, so that this is the
//! only error.

use crate::error::{ErrorKind, Result};

pub(super) use super::portable::{Cmac, random};
pub(crate) use super::portable::{check, hkdf_expand};

compile_error!(
    "encrypted-field needs a cipher backend: enable its feature `aes-gcm` (on by default), `aws-lc-rs` or `fips`"
);

pub(super) const NAME: &str = "none";

pub(super) struct BlockCipher;

impl BlockCipher {
    pub(super) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(super) fn encrypt(&self, _: &mut [[u8; 16]]) {}
}

pub(super) struct Gcm;

impl Gcm {
    pub(super) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(super) fn seal(&self, _: &mut [u8; 12], _: &[u8], _: &mut [u8], _: &mut [u8; 16]) -> Result<()> {
        Err(ErrorKind::TooLarge.into())
    }

    pub(super) fn open(&self, _: &[u8; 12], _: &[u8], _: &mut [u8]) -> bool {
        false
    }
}
