//! In place of a backend if none is enabled. It says so, and has the names that the rest of the
//! crate uses, so that this is the only error.

use crate::error::{ErrorKind, Result};

compile_error!(
    "encrypted-field needs a cipher backend: enable its feature `aes-gcm` (on by default), `aws-lc-rs` or `fips`"
);

pub(in crate::cipher) const NAME: &str = "none";

pub(crate) fn check() -> Result<()> {
    Err(ErrorKind::FipsMode.into())
}

pub(in crate::cipher) fn random(_: &mut [u8]) -> Result<()> {
    check()
}

pub(crate) fn hkdf_expand(_: &[u8; 32], _: &[&[u8]], _: &mut [u8; 32]) {}

pub(in crate::cipher) struct Cmac;

impl Cmac {
    pub(in crate::cipher) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(in crate::cipher) fn sign_blocks(&self, _: &mut [[u8; 16]]) {}
}

pub(in crate::cipher) struct Gcm;

impl Gcm {
    pub(in crate::cipher) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(in crate::cipher) fn seal(
        &self,
        _: &mut [u8; 12],
        _: &[u8],
        _: &mut [u8],
        _: &mut [u8; 16],
    ) -> Result<()> {
        check()
    }

    pub(in crate::cipher) fn open(&self, _: &[u8; 12], _: &[u8], _: &mut [u8]) -> bool {
        false
    }
}
