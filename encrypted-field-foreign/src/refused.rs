//! Why a stored value is refused, where several formats say the same.

use encrypted_field::plaintext::PlaintextError;

/// The most bytes of a plaintext that a field can hold: FORMAT.md, section 9.
pub(crate) const MAX_PLAINTEXT: usize = 1 << 28;
/// No format here stores a plaintext in more than twice its size and this.
const MAX_STORED: usize = 2 * MAX_PLAINTEXT + (1 << 16);

pub(crate) const NOT_AUTHENTIC: PlaintextError =
    PlaintextError::new("does not authenticate: encrypted under another key, or changed");
pub(crate) const TAG_LENGTH: PlaintextError =
    PlaintextError::new("the authentication tag is not 16 bytes");
pub(crate) const IV_LENGTH: PlaintextError =
    PlaintextError::new("the nonce or IV does not have the length of this format");
pub(crate) const TOO_SHORT: PlaintextError =
    PlaintextError::new("too short for a value of this format");
pub(crate) const TOO_LONG: PlaintextError =
    PlaintextError::new("longer than a field can hold: the limit is 2^28 bytes of plaintext");
pub(crate) const UNKNOWN_KEY: PlaintextError =
    PlaintextError::new("names a key that was not given; add the key of this version or tag");

/// Each reader begins with this, so that what it does is bounded by what a field can hold.
pub(crate) fn bounded(stored: &[u8]) -> Result<(), PlaintextError> {
    if stored.len() > MAX_STORED { Err(TOO_LONG) } else { Ok(()) }
}

/// The first `n` bytes, and the rest.
pub(crate) fn split(bytes: &[u8], n: usize) -> Result<(&[u8], &[u8]), PlaintextError> {
    bytes.split_at_checked(n).ok_or(TOO_SHORT)
}

/// All but the last `n` bytes, and these.
pub(crate) fn split_last(bytes: &[u8], n: usize) -> Result<(&[u8], &[u8]), PlaintextError> {
    split(bytes, bytes.len().checked_sub(n).ok_or(TOO_SHORT)?)
}
