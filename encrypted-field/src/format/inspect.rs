//! The facts that a stored value tells without a key.

use super::{Header, PAYLOAD_OVERHEAD, TAG_LEN, binary, text};
use crate::error::Result;
use crate::key_id::KeyId;

/// The statements of a stored value about itself, without a key. Nothing of it is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredInfo {
    /// The key that it names.
    pub key_id: KeyId,
    /// The suite byte. The low four bits are the algorithm, the high four bits are flags (see
    /// FORMAT.md).
    pub suite: u8,
    /// The length of the ciphertext without the tag, in bytes. It is the length of the plaintext,
    /// with its padding if it has one.
    pub ciphertext_len: usize,
}

impl StoredInfo {
    fn new(header: &Header, ciphertext_len: usize) -> Self {
        Self { key_id: header.key_id, suite: header.suite.byte(), ciphertext_len }
    }
}

/// Reads the outside of a stored value in binary form.
///
/// ```
/// use encrypted_field::{ErrorKind, format};
/// assert_eq!(format::inspect(b"plain").unwrap_err().kind(), ErrorKind::NotEncrypted);
/// ```
///
/// # Errors
/// The errors that opening gives before it needs a key: `NotEncrypted`, `Malformed`,
/// `WrongStorage`, `UnsupportedVersion`, `UnsupportedSuite`, `Pending`. A legacy reader gets values
/// that are `NotEncrypted`, and no others.
pub fn inspect(stored: &[u8]) -> Result<StoredInfo> {
    let header = binary::parse(stored)?;
    Ok(StoredInfo::new(&header, stored.len() - binary::stored_len(0)))
}

/// Reads the outside of a stored value in text form.
///
/// # Errors
/// As [`inspect`].
pub fn inspect_text(stored: &str) -> Result<StoredInfo> {
    let mut buffer = stored.as_bytes().to_vec();
    let header = text::parse(&mut buffer)?;
    debug_assert!(buffer.len() >= PAYLOAD_OVERHEAD - super::PAYLOAD_HEAD);
    Ok(StoredInfo::new(&header, buffer.len() - TAG_LEN))
}
