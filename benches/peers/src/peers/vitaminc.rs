//! `vitaminc-encrypt`: a cipher made once, as its documentation advises for many values. It takes
//! associated data. Its result is the sealed leaf that would be stored.

use encrypted_field::generate_key;
use vitaminc_encrypt::{
    Aes256Cipher, AesCipherText, CipherText, Key, LocalCipherText, decrypt, encrypt,
};

use crate::round_trip::{Library, changed_bytes};
use crate::{CONTEXT, Result, TOKEN};

pub(crate) struct VitaminC(Aes256Cipher);

impl VitaminC {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Aes256Cipher::new(&Key::from(generate_key()?))?))
    }
}

impl Library for VitaminC {
    type Sealed = AesCipherText;
    type Opened = String;

    fn seal(&self) -> Result<AesCipherText> {
        Ok(encrypt(TOKEN, &self.0, CONTEXT)?)
    }

    fn open(&self, sealed: AesCipherText) -> Result<String> {
        Ok(decrypt(&self.0, sealed, CONTEXT)?)
    }

    fn changed(sealed: AesCipherText) -> Result<AesCipherText> {
        match sealed {
            CipherText::Single(leaf) => {
                let leaf = changed_bytes(leaf.into_inner().into());
                Ok(CipherText::Single(LocalCipherText::from(leaf)))
            }
            _ => Err("a string is one leaf".into()),
        }
    }
}
