//! In place of a backend where none is enabled: says so, and has what the rest of the crate names, so that this is the
//! only error.

use crate::error::{ErrorKind, Result};

compile_error!(
    "encrypted-field needs a cipher backend: enable its feature `aes-gcm` (on by default), `aws-lc-rs` or `fips`"
);

pub(super) const NAME: &str = "none";

pub(crate) fn check() -> Result<()> {
    Err(ErrorKind::FipsMode.into())
}

pub(super) fn random(_: &mut [u8]) -> Result<()> {
    check()
}

pub(crate) fn hkdf_expand(_: &[u8; 32], _: &[&[u8]], _: &mut [u8; 32]) {}

pub(super) struct Cmac;

impl Cmac {
    pub(super) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(super) fn sign_blocks(&self, _: &mut [[u8; 16]]) {}
}

pub(super) struct Gcm;

impl Gcm {
    pub(super) fn new(_: &[u8; 32]) -> Self {
        Self
    }

    pub(super) fn seal(&self, _: &mut [u8; 12], _: &[u8], _: &mut [u8], _: &mut [u8; 16]) -> Result<()> {
        check()
    }

    pub(super) fn open(&self, _: &[u8; 12], _: &[u8], _: &mut [u8]) -> bool {
        false
    }
}
