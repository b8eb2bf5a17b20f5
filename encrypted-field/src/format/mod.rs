//! The stored value, version 1. `FORMAT.md` is the normative text; names and order follow it.
//!
//! ```text
//! binary   EF 66 31 | key id u32 | suite u8 | nonce 24 | ciphertext | tag 16
//! text     ef1:<key id>:base64url( suite u8 | nonce 24 | ciphertext | tag 16 )
//! ```

pub(crate) mod aad;
mod base64url;
pub(crate) mod binary;
mod inspect;
pub(crate) mod padding;
#[cfg(test)]
mod tests;
pub(crate) mod text;

pub use inspect::{StoredInfo, inspect, inspect_text};

use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// Bytes of an XAES-256-GCM nonce (192 bits).
pub(crate) const NONCE_LEN: usize = 24;
/// Bytes of the authentication tag (128 bits).
pub(crate) const TAG_LEN: usize = 16;
/// Bytes before the ciphertext in a payload: suite and nonce.
pub(crate) const PAYLOAD_HEAD: usize = 1 + NONCE_LEN;
/// Bytes that a payload adds to its plaintext.
pub(crate) const PAYLOAD_OVERHEAD: usize = PAYLOAD_HEAD + TAG_LEN;
/// The longest plaintext, padding included: 2^28 bytes (256 MiB).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 28;

/// Algorithm (low nibble) and flags (high nibble) of a value; only combinations that this version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite(u8);

impl Suite {
    /// XAES-256-GCM (C2SP), no flags: what this version writes.
    pub(crate) const XAES_256_GCM: Self = Self(0x01);
    pub(crate) const PADDED: u8 = 0x10;
    pub(crate) const BOUND: u8 = 0x20;
    const ALGORITHM: u8 = 0x0F;

    pub(crate) fn from_byte(byte: u8) -> Result<Self> {
        let flags = byte & !Self::ALGORITHM;
        if byte & Self::ALGORITHM != Self::XAES_256_GCM.0 || flags & !(Self::PADDED | Self::BOUND) != 0 {
            return Err(Error::new(ErrorKind::UnsupportedSuite).detail(format!("suite 0x{byte:02x}")));
        }
        Ok(Self(byte))
    }

    pub(crate) const fn byte(self) -> u8 {
        self.0
    }

    pub(crate) const fn algorithm(self) -> u8 {
        self.0 & Self::ALGORITHM
    }

    pub(crate) const fn is_padded(self) -> bool {
        self.0 & Self::PADDED != 0
    }

    pub(crate) const fn is_bound(self) -> bool {
        self.0 & Self::BOUND != 0
    }
}

/// What a stored value says of itself before anything is decrypted. Nothing of it is authenticated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key_id: KeyId,
    pub(crate) suite: Suite,
    pub(crate) nonce: [u8; NONCE_LEN],
}

/// `^ef[0-9]+:`, the text marker in any version: the digits, if it stands there.
#[inline]
pub(crate) fn text_version(stored: &[u8]) -> Option<&[u8]> {
    let rest = stored.strip_prefix(b"ef")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0 && rest.get(digits) == Some(&b':')).then(|| &rest[..digits])
}

/// `EF 66 30..39`, the binary marker in any version: the version digit.
#[inline]
pub(crate) fn binary_version(stored: &[u8]) -> Option<u8> {
    match stored {
        [0xEF, 0x66, version @ b'0'..=b'9', ..] => Some(*version),
        _ => None,
    }
}

/// Whether this is a stored value of ours, in either form and any version.
#[inline]
pub(crate) fn is_ours(stored: &[u8]) -> bool {
    // Few plaintexts begin like either.
    matches!(stored, [b'e' | 0xEF, b'f', ..])
        && (text_version(stored).is_some() || binary_version(stored).is_some())
}

pub(crate) fn malformed(what: &'static str) -> Error {
    Error::new(ErrorKind::Malformed).detail(what)
}

/// Refuses a payload whose ciphertext is longer than any that this version writes.
#[inline]
fn check_len(payload_len: usize) -> Result<()> {
    if payload_len < PAYLOAD_OVERHEAD {
        return Err(malformed(
            "it was cut off; is the column wide enough? MySQL outside strict mode cuts silently",
        ));
    }
    if payload_len - PAYLOAD_OVERHEAD > MAX_PLAINTEXT {
        return Err(malformed("longer than any value of this version"));
    }
    Ok(())
}
