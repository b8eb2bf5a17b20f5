//! A UUID is its 16 bytes (RFC 9562).

use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Encoded, Plaintext, PlaintextError, legacy_str, overwrite_with, plain_value, shown};

impl Plaintext for Uuid {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("uuid");
    overwrite_with!(Self::nil());

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.as_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_slice(&bytes).map_err(|_| PlaintextError::new("not 16 bytes"))
    }

    /// Text in any form that `Uuid` parses, or 16 bytes.
    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        if let Ok(uuid) = Self::from_slice(stored) {
            return Ok(uuid);
        }
        legacy_str(stored)?.parse().map_err(|_| PlaintextError::new("not a UUID"))
    }

    fn to_legacy(&self) -> Result<Encoded<'_>, PlaintextError> {
        shown(self)
    }
}
