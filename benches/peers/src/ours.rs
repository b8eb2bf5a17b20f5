//! This library: a field type of an application, in the two forms that columns have.

use encrypted_field::{EncryptedFieldExt as _, Keyring, Secret, generate_key};

use crate::round_trip::{Library, changed_bytes, changed_text};
use crate::{Result, TOKEN};

#[derive(encrypted_field::Encrypted)]
#[encrypted(context = "bench.token")]
struct Token(Secret<String>);

/// A token that was decrypted.
pub(crate) struct Opened(Token);

impl AsRef<[u8]> for Opened {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The form for `BYTEA` and `BLOB`.
pub(crate) struct Binary {
    ring: Keyring,
    token: Token,
}

impl Binary {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { ring: ring()?, token: Token::from(TOKEN) })
    }
}

impl Library for Binary {
    type Sealed = Vec<u8>;
    type Opened = Opened;

    fn seal(&self) -> Result<Vec<u8>> {
        Ok(self.token.to_stored_with(&self.ring)?)
    }

    fn open(&self, sealed: Vec<u8>) -> Result<Opened> {
        Ok(Opened(Token::from_stored_with(&self.ring, sealed)?))
    }

    fn changed(sealed: Vec<u8>) -> Result<Vec<u8>> {
        Ok(changed_bytes(sealed))
    }
}

/// The form for `TEXT`.
pub(crate) struct Text {
    ring: Keyring,
    token: Token,
}

impl Text {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { ring: ring()?, token: Token::from(TOKEN) })
    }
}

impl Library for Text {
    type Sealed = String;
    type Opened = Opened;

    fn seal(&self) -> Result<String> {
        Ok(self.token.to_stored_text_with(&self.ring)?)
    }

    fn open(&self, sealed: String) -> Result<Opened> {
        Ok(Opened(Token::from_stored_text_with(&self.ring, sealed)?))
    }

    fn changed(sealed: String) -> Result<String> {
        Ok(changed_text(sealed))
    }
}

fn ring() -> Result<Keyring> {
    Ok(Keyring::builder().active(1, generate_key()?).build()?)
}
