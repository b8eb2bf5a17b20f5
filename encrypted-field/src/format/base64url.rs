//! base64url without padding (RFC 4648 section 5), canonical only: the engine refuses padding and set trailing bits, so
//! that each value has one spelling.

use base64::Engine as _;

/// With vector instructions where the processor has them: without, decoding took a quarter of opening a token.
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
    raw / 3 * 4 + [0, 2, 3][raw % 3]
}

/// Fills `text`, which is as long as the encoding.
pub(super) fn encode(raw: &[u8], text: &mut [u8]) {
    // What stands there is stored.
    assert_eq!(
        ENGINE.encode_slice(raw, text).ok(),
        Some(text.len()),
        "the encoding has the length that was computed"
    );
}

/// Bytes written to `raw`; nothing where the text is not canonical or does not fit.
pub(super) fn decode(text: &[u8], raw: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text, raw).ok()
}
