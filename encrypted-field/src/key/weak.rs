//! Bytes that nobody draws at random: placeholders that were never replaced.

/// Zeros with a one at the end, and the like, have no more different bytes than this. Random keys
/// have more, except with a chance below 2^-110.
const FEW: usize = 8;

/// Why these bytes can't be a key. For random keys the chance of a refusal is below 2^-43.
pub(crate) fn reason(bytes: &[u8; 32]) -> Option<&'static str> {
    if bytes.windows(2).all(|pair| pair[0] == pair[1]) {
        return Some("all bytes are equal");
    }
    let step = bytes[1].wrapping_sub(bytes[0]);
    if bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step) {
        return Some("the bytes count up or down");
    }
    if (1..=16).any(|period| bytes.iter().zip(&bytes[period..]).all(|(a, b)| a == b)) {
        return Some("the bytes repeat");
    }
    if bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) {
        return Some(
            "the bytes are text, not random: a passphrase goes through ENCRYPTED_FIELD_PASSPHRASE",
        );
    }
    let different =
        bytes.iter().enumerate().filter(|(at, byte)| !bytes[..*at].contains(byte)).count();
    if different <= FEW {
        return Some("the bytes are a few values only");
    }
    None
}
