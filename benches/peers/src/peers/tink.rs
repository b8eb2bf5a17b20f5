//! `tink-aead`: a primitive made of a keyset with one key, as its README shows. It takes associated
//! data.

use tink_core::Aead;
use tink_core::keyset::Handle;

use crate::round_trip::{Library, changed_bytes};
use crate::{CONTEXT, Result, TOKEN};

pub(crate) struct Tink(Box<dyn Aead>);

impl Tink {
    pub(crate) fn new() -> Result<Self> {
        tink_aead::init();
        let keyset = Handle::new(&tink_aead::aes256_gcm_key_template())?;
        Ok(Self(tink_aead::new(&keyset)?))
    }
}

impl Library for Tink {
    type Sealed = Vec<u8>;
    type Opened = Vec<u8>;

    fn seal(&self) -> Result<Vec<u8>> {
        Ok(self.0.encrypt(TOKEN.as_bytes(), CONTEXT.as_bytes())?)
    }

    fn open(&self, sealed: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.0.decrypt(&sealed, CONTEXT.as_bytes())?)
    }

    fn changed(sealed: Vec<u8>) -> Result<Vec<u8>> {
        Ok(changed_bytes(sealed))
    }
}
