//! Strings are their UTF-8, byte strings themselves: neither is copied.

use zeroize::Zeroizing;

use super::{Encoded, Plaintext, PlaintextError, plain_value};
use crate::secret;

impl Plaintext for String {
    plain_value!(str);

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.as_bytes()))
    }

    fn decode(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_utf8(std::mem::take(&mut *bytes)).map_err(|e| {
            secret::wipe(&mut e.into_bytes());
            PlaintextError::new("not UTF-8")
        })
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        std::str::from_utf8(stored).map(Into::into).map_err(|_| PlaintextError::new("not UTF-8"))
    }

    fn wipe(&mut self) {
        secret::wipe(&mut std::mem::take(self).into_bytes());
    }
}

impl Plaintext for Vec<u8> {
    plain_value!([u8]);

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self))
    }

    fn decode(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Ok(std::mem::take(&mut *bytes))
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        Ok(stored.to_vec())
    }

    fn wipe(&mut self) {
        secret::wipe(self);
    }
}
