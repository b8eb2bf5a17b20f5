//! Strings are their UTF-8, byte strings themselves: neither is copied. A `char` is the string of
//! it alone.

use std::borrow::Cow;

use zeroize::{Zeroize as _, Zeroizing};

use super::{Encoded, Plaintext, PlaintextError, plain_value};
use crate::secret;

const NOT_UTF_8: PlaintextError = PlaintextError::new("not UTF-8");

fn utf_8(bytes: &[u8]) -> Result<&str, PlaintextError> {
    std::str::from_utf8(bytes).map_err(|_| NOT_UTF_8)
}

impl Plaintext for String {
    plain_value!(str);

    const ENCODING: Option<&'static str> = Some("text");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.as_bytes()))
    }

    #[inline]
    fn decode(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_utf8(std::mem::take(&mut *bytes)).map_err(|e| {
            secret::wipe(&mut e.into_bytes());
            NOT_UTF_8
        })
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        utf_8(stored).map(Into::into)
    }

    fn wipe(&mut self) {
        secret::wipe(&mut std::mem::take(self).into_bytes());
    }
}

impl Plaintext for Box<str> {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("text");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.as_bytes()))
    }

    /// Copied once: `String::into_boxed_str` may move the text and leave it behind unwiped.
    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_legacy(&bytes)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        utf_8(stored).map(Into::into)
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// Comes back as `Cow::Owned`. A borrowed text belongs to the program, and nothing wipes it.
impl Plaintext for Cow<'static, str> {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("text");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self.as_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        String::decode(bytes).map(Cow::Owned)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        String::from_legacy(stored).map(Cow::Owned)
    }

    fn wipe(&mut self) {
        if let Cow::Owned(text) = self {
            Plaintext::wipe(text);
        }
    }
}

impl Plaintext for char {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("text");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        let mut utf_8 = Zeroizing::new([0; 4]);
        Ok(Encoded::inline(self.encode_utf8(&mut *utf_8).as_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_legacy(&bytes)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        utf_8(stored)?.parse().map_err(|_| PlaintextError::new("not one character"))
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

/// Only with this length.
impl<const N: usize> Plaintext for [u8; N] {
    plain_value!(Self);

    const ENCODING: Option<&'static str> = Some("bytes");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_legacy(&bytes)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        stored.try_into().map_err(|_| PlaintextError::new("not as many bytes as the field's type"))
    }

    fn wipe(&mut self) {
        self.zeroize();
    }
}

impl Plaintext for Vec<u8> {
    plain_value!([u8]);

    const ENCODING: Option<&'static str> = Some("bytes");

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::borrowed(self))
    }

    #[inline]
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
