//! `orion`: its `aead` module, which is what it recommends; that takes no associated data.

use orion::aead::{SecretKey, open, seal};

use crate::round_trip::{Library, changed_bytes};
use crate::{Result, TOKEN};

pub(crate) struct Orion(SecretKey);

impl Orion {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(SecretKey::generate()?))
    }
}

impl Library for Orion {
    type Sealed = Vec<u8>;
    type Opened = Vec<u8>;

    fn seal(&self) -> Result<Vec<u8>> {
        Ok(seal(&self.0, TOKEN.as_bytes())?)
    }

    fn open(&self, sealed: Vec<u8>) -> Result<Vec<u8>> {
        Ok(open(&self.0, &sealed)?)
    }

    fn changed(sealed: Vec<u8>) -> Result<Vec<u8>> {
        Ok(changed_bytes(sealed))
    }
}
