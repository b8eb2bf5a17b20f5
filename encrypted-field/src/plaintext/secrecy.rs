//! `SecretString` of `secrecy`, as a `String`. The field dereferences to it, so that its text is
//! still read by `expose_secret` alone. It wipes itself when it is dropped.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Encoded, Plaintext, PlaintextError, plain_value};

impl Plaintext for SecretString {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("text");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.expose_secret().as_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Box::<str>::decode(bytes).map(Self::new)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        Box::<str>::from_legacy(stored).map(Self::new)
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}
