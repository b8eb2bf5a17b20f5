//! `fernet`: Fernet tokens, made with `RustCrypto`. They have no associated data.

use crate::round_trip::{Library, changed_text};
use crate::{Result, TOKEN};

pub(crate) struct Fernet(fernet::Fernet);

impl Fernet {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(
            fernet::Fernet::new(&fernet::Fernet::generate_key())
                .ok_or("a key that it made itself")?,
        ))
    }
}

impl Library for Fernet {
    type Sealed = String;
    type Opened = Vec<u8>;

    fn seal(&self) -> Result<String> {
        Ok(self.0.encrypt(TOKEN.as_bytes()))
    }

    fn open(&self, sealed: String) -> Result<Vec<u8>> {
        Ok(self.0.decrypt(&sealed)?)
    }

    fn changed(sealed: String) -> Result<String> {
        Ok(changed_text(sealed))
    }
}
