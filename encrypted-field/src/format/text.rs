//! The text form: `ef1:<key id>:` and unpadded base64url (RFC 4648 section 5), canonical only.
//!
//! Encoding and decoding work in place, inside the one buffer that becomes the stored value or the
//! plaintext.

use zeroize::Zeroizing;

use super::base64url::{self, RAW_CHUNK, TEXT_CHUNK, encoded_len, padded_len};
use super::recognise::{Form, refusal, unreadable};
use super::{
    Header, NONCE_LEN, PAYLOAD_HEAD, PAYLOAD_OVERHEAD, Suite, TEXT_MARKER as MARKER, check_len,
    malformed,
};
use crate::error::Result;
use crate::key_id::KeyId;

fn decimal_len(key_id: KeyId) -> usize {
    key_id.get().ilog10() as usize + 1
}

/// Key id and colon, into as many bytes as they have. By hand: formatting takes as long as
/// encrypting a token.
fn write_prefix_end(out: &mut [u8], key_id: KeyId) {
    let mut rest = key_id.get();
    let mut places = out.iter_mut().rev();
    places.next().into_iter().for_each(|colon| *colon = b':');
    for place in places {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

/// The text form of a plaintext. `seal` is given room for the nonce, the plaintext, and room for
/// the tag, and seals in place.
///
/// The payload stands raw at the end of the buffer that becomes the text, and is encoded forward
/// over itself. Output never overtakes input: 4/3 of what was read, and the start of the text, are
/// at most where reading stands. The buffer is wiped unless it becomes the result. It has the room
/// that the text takes and no more, or Diesel would have it moved. It is never moved here: results
/// that were handed on through memory took a twentieth of the time.
///
/// # Errors
/// Those of `seal`.
#[inline(always)]
pub(crate) fn sealed(
    key_id: KeyId,
    suite: Suite,
    plaintext: &[u8],
    seal: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<String> {
    let prefix = MARKER.len() + decimal_len(key_id) + 1;
    let payload = PAYLOAD_OVERHEAD + plaintext.len();
    let text = prefix + encoded_len(payload);
    let raw = text - payload;
    // Not `vec![0; …]`: memory that the allocator zeroes is found far more slowly (glibc).
    let mut buffer = Zeroizing::new(Vec::with_capacity(text));
    buffer.extend_from_slice(MARKER);
    buffer.resize(raw, 0);
    write_prefix_end(&mut buffer[MARKER.len()..prefix], key_id);
    buffer.extend_from_slice(&[suite.byte()]);
    buffer.extend_from_slice(&[0; NONCE_LEN]);
    buffer.extend_from_slice(plaintext);
    buffer.resize(text, 0);
    seal(&mut buffer[raw + 1..])?;

    let (mut from, mut to) = (raw, prefix);
    while from < text {
        let len = RAW_CHUNK.min(text - from);
        let mut chunk = [0; padded_len(RAW_CHUNK)];
        chunk[..len].copy_from_slice(&buffer[from..from + len]);
        let end = to + encoded_len(len);
        base64url::encode(len, &chunk, &mut buffer[to..end]);
        (from, to) = (from + len, end);
    }
    match String::from_utf8(std::mem::take(&mut *buffer)) {
        Ok(text) => Ok(text),
        Err(_) => unreachable!("marker, digits and base64url are ASCII"),
    }
}

/// Key id and where the payload begins.
fn prefix(stored: &[u8]) -> Option<(KeyId, usize)> {
    let rest = stored.strip_prefix(MARKER)?;
    // u32::MAX has ten digits.
    let digits = rest.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    let (id, after) = rest.split_at(digits);
    if after.first() != Some(&b':') || id.first().is_none_or(|first| *first == b'0') {
        return None;
    }
    let id =
        id.iter().try_fold(0u32, |id, b| id.checked_mul(10)?.checked_add(u32::from(b - b'0')))?;
    Some((KeyId::new(id)?, MARKER.len() + digits + 1))
}

/// Reads the header. The buffer is left holding ciphertext and tag alone, decoded in place. A value
/// that is not ours is left as it is.
pub(crate) fn parse(stored: &mut Vec<u8>) -> Result<Header> {
    let mut chunk = [0; RAW_CHUNK];
    let head = head(stored, &mut chunk);
    let (key_id, suite, payload, n) = head.ok_or_else(|| refusal(Form::Text, stored))?;
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&chunk[1..PAYLOAD_HEAD]);

    let first = TEXT_CHUNK.min(stored.len() - payload);
    let (mut read, mut write) = (payload + first, n - PAYLOAD_HEAD);
    stored[..write].copy_from_slice(&chunk[PAYLOAD_HEAD..n]);
    while read < stored.len() {
        let end = stored.len().min(read + TEXT_CHUNK);
        let Some(n) = base64url::decode(&stored[read..end], &mut chunk) else {
            // The bytes from `read` on are not written over yet.
            let error = unreadable(&stored[read..], read - payload);
            return Err(error.unwrap_or_else(|| malformed("not base64url")).key(key_id));
        };
        stored[write..write + n].copy_from_slice(&chunk[..n]);
        (read, write) = (end, write + n);
    }
    check_len(PAYLOAD_HEAD + write).map_err(|e| e.key(key_id))?;
    stored.truncate(write);
    Ok(Header { key_id, suite, nonce })
}

/// Key id, suite, where the payload begins, and how many bytes of it were decoded. The first chunk
/// holds the whole head, so its end is known before anything is written back.
#[inline]
fn head(stored: &[u8], chunk: &mut [u8; RAW_CHUNK]) -> Option<(KeyId, Suite, usize, usize)> {
    let (key_id, payload) = prefix(stored)?;
    let first = &stored[payload..stored.len().min(payload + TEXT_CHUNK)];
    let n = base64url::decode(first, chunk)?;
    let suite = Suite::from_byte(*chunk[..n].first()?).ok()?;
    (n >= PAYLOAD_HEAD).then_some((key_id, suite, payload, n))
}
