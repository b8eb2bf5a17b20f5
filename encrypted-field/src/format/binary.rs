//! The binary form: `EF 66 31 | key id u32 | suite u8 | nonce 24 | ciphertext | tag 16`.

use zeroize::Zeroizing;

use super::recognise::{Form, refusal};
use super::{
    BINARY_MARKER as MARKER, Header, NONCE_LEN, PAYLOAD_HEAD, PAYLOAD_OVERHEAD, Suite, TAG_LEN,
    check_len,
};
use crate::error::Result;
use crate::key_id::KeyId;

/// Marker and key id.
const PREFIX: usize = MARKER.len() + 4;
/// Bytes before the ciphertext.
pub(crate) const HEAD: usize = PREFIX + PAYLOAD_HEAD;

/// Bytes of a stored value in binary form.
pub(crate) const fn stored_len(plaintext_len: usize) -> usize {
    PREFIX + PAYLOAD_OVERHEAD + plaintext_len
}

/// The binary form of a plaintext. `seal` is given room for the nonce, the plaintext, and room for
/// the tag, and seals in place. The buffer is wiped unless it becomes the result.
///
/// # Errors
/// Those of `seal`.
#[inline(always)]
pub(crate) fn sealed(
    key_id: KeyId,
    suite: Suite,
    plaintext: &[u8],
    seal: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut head = [0; HEAD];
    head[..MARKER.len()].copy_from_slice(&MARKER);
    head[MARKER.len()..PREFIX].copy_from_slice(&key_id.get().to_be_bytes());
    head[PREFIX] = suite.byte();
    let mut buffer = Zeroizing::new(Vec::with_capacity(stored_len(plaintext.len())));
    buffer.extend_from_slice(&head);
    buffer.extend_from_slice(plaintext);
    buffer.extend_from_slice(&[0; TAG_LEN]);
    seal(&mut buffer[HEAD - NONCE_LEN..])?;
    Ok(std::mem::take(&mut *buffer))
}

/// Reads the header. `stored[HEAD..]` is then ciphertext and tag.
#[inline(always)]
pub(crate) fn parse(stored: &[u8]) -> Result<Header> {
    header(stored).ok_or_else(|| refusal(Form::Binary, stored))
}

#[inline(always)]
fn header(stored: &[u8]) -> Option<Header> {
    let (id, payload) = stored.strip_prefix(&MARKER)?.split_first_chunk::<4>()?;
    let key_id = KeyId::new(u32::from_be_bytes(*id))?;
    let (suite, rest) = payload.split_first()?;
    let suite = Suite::from_byte(*suite).ok()?;
    check_len(payload.len()).ok()?;
    Some(Header { key_id, suite, nonce: *rest.first_chunk()? })
}
