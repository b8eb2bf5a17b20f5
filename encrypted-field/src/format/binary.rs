//! The binary form: `EF 66 31 | key id u32 | suite u8 | nonce 24 | ciphertext | tag 16`.

use zeroize::Zeroizing;

use super::{
    Header, NONCE_LEN, PAYLOAD_HEAD, PAYLOAD_OVERHEAD, Suite, TAG_LEN, binary_version, check_len, malformed,
    text_version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

const MARKER: [u8; 3] = [0xEF, 0x66, 0x31];
/// Marker and key id.
const PREFIX: usize = MARKER.len() + 4;
/// Bytes before the ciphertext.
pub(crate) const HEAD: usize = PREFIX + PAYLOAD_HEAD;

/// Bytes of a stored value in binary form.
pub(crate) const fn stored_len(plaintext_len: usize) -> usize {
    PREFIX + PAYLOAD_OVERHEAD + plaintext_len
}

/// A binary form under construction, which lacks what sealing gives. Wiped unless it is finished.
pub(crate) struct Draft(Zeroizing<Vec<u8>>);

impl Draft {
    /// Writes everything but nonce and tag.
    #[inline]
    pub(crate) fn new(key_id: KeyId, suite: Suite, plaintext: &[u8]) -> Self {
        let mut head = [0; HEAD];
        head[..MARKER.len()].copy_from_slice(&MARKER);
        head[MARKER.len()..PREFIX].copy_from_slice(&key_id.get().to_be_bytes());
        head[PREFIX] = suite.byte();
        let mut buffer = Vec::with_capacity(stored_len(plaintext.len()));
        buffer.extend_from_slice(&head);
        buffer.extend_from_slice(plaintext);
        buffer.extend_from_slice(&[0; TAG_LEN]);
        Self(Zeroizing::new(buffer))
    }

    /// Room for the nonce, the plaintext, room for the tag: to be sealed in place.
    pub(crate) fn body(&mut self) -> &mut [u8] {
        &mut self.0[HEAD - NONCE_LEN..]
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }
}

/// Reads the header; `stored[HEAD..]` is then ciphertext and tag.
#[inline]
pub(crate) fn parse(stored: &[u8]) -> Result<Header> {
    match binary_version(stored) {
        Some(b'1') => {}
        Some(version) => {
            let version = char::from(version);
            return Err(Error::new(ErrorKind::UnsupportedVersion).detail(format!("version {version}")));
        }
        None if text_version(stored).is_some() => {
            return Err(Error::new(ErrorKind::WrongStorage).detail("text form in a binary column"));
        }
        None => return Err(ErrorKind::NotEncrypted.into()),
    }
    let Some((id, payload)) = stored[MARKER.len()..].split_first_chunk::<4>() else {
        return Err(malformed("it ends within the key id"));
    };
    let Some(key_id) = KeyId::new(u32::from_be_bytes(*id)) else {
        return Err(if payload.is_empty() { ErrorKind::Pending.into() } else { malformed("key id 0") });
    };
    let Some((&suite, rest)) = payload.split_first() else {
        return Err(malformed("it ends after the key id").key(key_id));
    };
    let suite = Suite::from_byte(suite).map_err(|e| e.key(key_id))?;
    check_len(payload.len()).map_err(|e| e.key(key_id))?;
    let nonce: &[u8; NONCE_LEN] = rest.first_chunk().ok_or_else(|| malformed("it ends within the nonce"))?;
    Ok(Header { key_id, suite, nonce: *nonce })
}
