//! Text forms of bytes, each in its one spelling: a value that was changed does not pass for the
//! same value.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};
use encrypted_field::plaintext::{PlaintextError, Zeroizing};

const NOT_BASE64: PlaintextError = PlaintextError::new("not base64, with its padding");
const NOT_BASE64_URL: PlaintextError =
    PlaintextError::new("not base64 of the URL-safe alphabet, with its padding");
const NOT_HEX: PlaintextError = PlaintextError::new("not hexadecimal in lower case");

/// How a column holds bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// As they are, in a binary column.
    Binary,
    /// In lower-case hexadecimal.
    Hex,
    /// In base64 with padding: RFC 4648, section 4.
    Base64,
}

impl Encoding {
    pub(crate) fn decode(self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        match self {
            Self::Binary => Ok(Zeroizing::new(stored.to_vec())),
            Self::Hex => hex(stored).ok_or(NOT_HEX),
            Self::Base64 => base64(stored),
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "binary" => Some(Self::Binary),
            "hex" => Some(Self::Hex),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }
}

pub(crate) fn base64(text: impl AsRef<[u8]>) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    decode(&STANDARD, text.as_ref()).ok_or(NOT_BASE64)
}

pub(crate) fn base64_url(text: impl AsRef<[u8]>) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    decode(&URL_SAFE, text.as_ref()).ok_or(NOT_BASE64_URL)
}

/// Into memory that is wiped, since keys are decoded by this, too.
pub(crate) fn decode(engine: &GeneralPurpose, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = engine.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// In lower case only, so that a digit has one spelling.
pub(crate) fn hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
