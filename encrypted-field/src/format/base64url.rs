//! base64url without padding (RFC 4648 section 5), canonical only. The engine refuses padding and
//! set trailing bits, so that each value has one spelling.

use base64::Engine as _;

/// With vector instructions if the processor has them. Without them, decoding took a quarter of
/// opening a token.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
mod engine {
    use std::sync::LazyLock;

    use base64::engine::{Simd, general_purpose::NO_PAD};

    pub(super) static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
mod engine {
    pub(super) use base64::engine::general_purpose::URL_SAFE_NO_PAD as ENGINE;
}

use engine::ENGINE;

/// Characters that so many bytes become.
pub(super) const fn encoded_len(raw: usize) -> usize {
    (raw * 4).div_ceil(3)
}

/// The most bytes that are encoded at a time, and the characters that they become.
pub(super) const RAW_CHUNK: usize = 192;
pub(super) const TEXT_CHUNK: usize = encoded_len(RAW_CHUNK);

/// The vector loop consumes so many bytes at a time, and reads some beyond them.
const STEP: usize = 24;
const BEYOND: usize = 8;

/// How many bytes are encoded for so many: up to where the vector loop takes all of them. What it
/// leaves to the loop of single bytes took as long as half of encrypting a token.
pub(super) const fn padded_len(raw: usize) -> usize {
    raw.next_multiple_of(STEP) + BEYOND
}

/// Encodes the first `len` bytes of `raw` into `text`, which is as long as their characters. Zeros
/// follow them in `raw`, as [`padded_len`] says.
pub(super) fn encode(len: usize, raw: &[u8], text: &mut [u8]) {
    let padded = &raw[..padded_len(len)];
    let mut encoded = [0; encoded_len(padded_len(RAW_CHUNK))];
    // What stands there is stored.
    assert_eq!(
        ENGINE.encode_slice(padded, &mut encoded).ok(),
        Some(encoded_len(padded.len())),
        "the encoding has the length that was computed"
    );
    text.copy_from_slice(&encoded[..text.len()]);
}

/// Bytes written to `raw`. `None` if the text is not canonical or does not fit.
pub(super) fn decode(text: &[u8], raw: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text, raw).ok()
}
