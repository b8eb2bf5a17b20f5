//! The text form: `ef1:<key id>:` and unpadded base64url (RFC 4648 section 5), canonical only.
//!
//! Encoding and decoding work in place, inside the one buffer that becomes the stored value or the plaintext.

use zeroize::Zeroizing;

use super::base64url::{self, encoded_len};
use super::{
    Header, NONCE_LEN, PAYLOAD_HEAD, PAYLOAD_OVERHEAD, Suite, binary_version, check_len, malformed,
    text_version,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

const MARKER: &[u8] = b"ef1:";

/// Bytes that are encoded at a time, a multiple of 3, and the characters that they become.
const RAW_CHUNK: usize = 192;
const TEXT_CHUNK: usize = RAW_CHUNK / 3 * 4;

/// Bytes of a stored value in text form (all ASCII).
pub(crate) fn stored_len(key_id: KeyId, plaintext_len: usize) -> usize {
    MARKER.len() + decimal_len(key_id) + 1 + encoded_len(PAYLOAD_OVERHEAD + plaintext_len)
}

fn decimal_len(key_id: KeyId) -> usize {
    key_id.get().ilog10() as usize + 1
}

/// Key id and colon, into as many bytes as they have. By hand: formatting takes as long as encrypting a token.
fn write_prefix_end(out: &mut [u8], key_id: KeyId) {
    let mut rest = key_id.get();
    let mut places = out.iter_mut().rev();
    places.next().into_iter().for_each(|colon| *colon = b':');
    for place in places {
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

/// A text form under construction: its payload stands raw at the end of the buffer that will hold the text. Wiped unless
/// it is finished.
pub(crate) struct Draft {
    buffer: Zeroizing<Vec<u8>>,
    prefix: usize,
    raw: usize,
}

impl Draft {
    /// Writes everything but nonce and tag.
    pub(crate) fn new(key_id: KeyId, suite: Suite, plaintext: &[u8]) -> Self {
        let mut buffer = Zeroizing::new(vec![0; stored_len(key_id, plaintext.len())]);
        let prefix = MARKER.len() + decimal_len(key_id) + 1;
        buffer[..MARKER.len()].copy_from_slice(MARKER);
        write_prefix_end(&mut buffer[MARKER.len()..prefix], key_id);
        let raw = buffer.len() - (PAYLOAD_OVERHEAD + plaintext.len());
        let payload = &mut buffer[raw..];
        payload[0] = suite.byte();
        payload[PAYLOAD_HEAD..PAYLOAD_HEAD + plaintext.len()].copy_from_slice(plaintext);
        Self { buffer, prefix, raw }
    }

    /// Room for the nonce, the plaintext, room for the tag: to be sealed in place.
    pub(crate) fn body(&mut self) -> &mut [u8] {
        &mut self.buffer[self.raw + 1..]
    }

    /// Encodes the payload forward over itself: output never overtakes input, since 4/3 of what was read
    /// plus the start of the text is at most where reading stands.
    pub(crate) fn finish(mut self) -> String {
        let (mut read, mut write) = (self.raw, self.prefix);
        let mut chunk = [0; RAW_CHUNK];
        while read < self.buffer.len() {
            let n = RAW_CHUNK.min(self.buffer.len() - read);
            chunk[..n].copy_from_slice(&self.buffer[read..read + n]);
            read += n;
            let end = write + encoded_len(n);
            base64url::encode(&chunk[..n], &mut self.buffer[write..end]);
            write = end;
        }
        debug_assert_eq!(write, self.buffer.len());
        match String::from_utf8(std::mem::take(&mut *self.buffer)) {
            Ok(text) => text,
            Err(_) => unreachable!("marker, digits and base64url are ASCII"),
        }
    }
}

/// Key id and where the payload begins.
pub(crate) fn parse_prefix(stored: &[u8]) -> Result<(KeyId, usize)> {
    match text_version(stored) {
        Some(b"1") => {}
        Some(_) => return Err(ErrorKind::UnsupportedVersion.into()),
        None if binary_version(stored).is_some() => {
            return Err(Error::new(ErrorKind::WrongStorage).detail("binary form in a text column"));
        }
        None => return Err(ErrorKind::NotEncrypted.into()),
    }
    let rest = &stored[MARKER.len()..];
    // u32::MAX has ten digits.
    let digits = rest.iter().take(11).take_while(|b| b.is_ascii_digit()).count();
    if rest.get(digits) != Some(&b':') {
        return Err(malformed("no key id"));
    }
    let payload = MARKER.len() + digits + 1;
    match &rest[..digits] {
        b"0" if stored.len() == payload => Err(ErrorKind::Pending.into()),
        [] | [b'0', ..] => Err(malformed("key id 0, empty or with a leading zero")),
        id => {
            let id = id.iter().try_fold(0u32, |id, b| id.checked_mul(10)?.checked_add(u32::from(b - b'0')));
            let id = id.and_then(KeyId::new).ok_or_else(|| malformed("key id above 4294967295"))?;
            Ok((id, payload))
        }
    }
}

/// Reads the header; the buffer is left holding ciphertext and tag alone, decoded in place.
pub(crate) fn parse(stored: &mut Vec<u8>) -> Result<Header> {
    let (key_id, payload) = parse_prefix(stored)?;
    let (suite, nonce) = decode(stored, payload).map_err(|e| e.key(key_id))?;
    Ok(Header { key_id, suite, nonce })
}

fn decode(stored: &mut Vec<u8>, payload: usize) -> Result<(Suite, [u8; NONCE_LEN])> {
    let mut chunk = [0; RAW_CHUNK];
    // The first chunk holds the whole head, so its end is known before anything is written back.
    let first = TEXT_CHUNK.min(stored.len() - payload);
    let n = decode_chunk(&stored[payload..payload + first], &mut chunk)?;
    let Some(&suite) = chunk[..n].first() else { return Err(malformed("it ends after the key id")) };
    let suite = Suite::from_byte(suite)?;
    if n < PAYLOAD_HEAD {
        return Err(malformed("it ends within the nonce"));
    }
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(&chunk[1..PAYLOAD_HEAD]);
    let (mut read, mut write) = (payload + first, n - PAYLOAD_HEAD);
    stored[..write].copy_from_slice(&chunk[PAYLOAD_HEAD..n]);
    while read < stored.len() {
        let end = stored.len().min(read + TEXT_CHUNK);
        let n = decode_chunk(&stored[read..end], &mut chunk)?;
        stored[write..write + n].copy_from_slice(&chunk[..n]);
        (read, write) = (end, write + n);
    }
    check_len(PAYLOAD_HEAD + write)?;
    stored.truncate(write);
    Ok((suite, nonce))
}

fn decode_chunk(text: &[u8], out: &mut [u8]) -> Result<usize> {
    base64url::decode(text, out)
        .ok_or_else(|| malformed("not canonical base64url; if it was cut off, is the column wide enough?"))
}
