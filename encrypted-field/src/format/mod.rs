//! For tools and statistics: [`inspect()`] reads the key id of a stored value, without a key, and
//! [`is_ours`] tells a stored value from any other.
//!
//! This is the stored value, version 1. `FORMAT.md` is the normative text. Names and order follow
//! it.
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
mod recognise;
#[cfg(test)]
mod tests;
pub(crate) mod text;

use std::borrow::Cow;

pub use inspect::{StoredInfo, inspect, inspect_text};
pub use recognise::is_ours;

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

/// Algorithm (low nibble) and flags (high nibble) of a value. It has only combinations that this
/// version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suite(u8);

impl Suite {
    /// XAES-256-GCM (C2SP), no flags. This version writes it.
    pub(crate) const XAES_256_GCM: Self = Self(0x01);
    pub(crate) const PADDED: u8 = 0x10;
    pub(crate) const BOUND: u8 = 0x20;
    const ALGORITHM: u8 = 0x0F;

    #[inline(always)]
    pub(crate) fn from_byte(byte: u8) -> Result<Self> {
        let flags = byte & !Self::ALGORITHM;
        if byte & Self::ALGORITHM != Self::XAES_256_GCM.0
            || flags & !(Self::PADDED | Self::BOUND) != 0
        {
            return Err(
                Error::new(ErrorKind::UnsupportedSuite).detail(format!("suite 0x{byte:02x}"))
            );
        }
        Ok(Self(byte))
    }

    /// Whether version 1 has this suite or may assign it later: algorithms 1 to 3, and no flags but
    /// the two that there are.
    pub(crate) const fn may_be(byte: u8) -> bool {
        byte & 0b1100_1100 == 0 && byte & 0b11 != 0
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

/// The statements of a stored value about itself, before anything is decrypted. Nothing of it is
/// authenticated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key_id: KeyId,
    pub(crate) suite: Suite,
    pub(crate) nonce: [u8; NONCE_LEN],
}

/// The marker of version 1 in the text form.
const TEXT_MARKER: &[u8] = b"ef1:";
/// The marker of version 1 in the binary form.
const BINARY_MARKER: [u8; 3] = [0xEF, 0x66, 0x31];

/// Whether this begins as values of this version do in the text form.
#[inline]
pub(crate) fn begins_as_text(bytes: &[u8]) -> bool {
    bytes.starts_with(TEXT_MARKER)
}

/// Whether this begins as values of this version do in the binary form.
#[inline]
pub(crate) fn begins_as_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(&BINARY_MARKER)
}

pub(crate) fn malformed(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Malformed).detail(what)
}

/// The six bits of a character of base64url.
const fn sextet(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

fn is_base64url(character: u8) -> bool {
    sextet(character).is_some()
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
