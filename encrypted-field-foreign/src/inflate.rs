//! zlib (RFC 1950), bounded, into memory that is wiped.

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::refused::{MAX_PLAINTEXT, TOO_LONG};

const NOT_ZLIB: PlaintextError =
    PlaintextError::new("authenticates, but what it holds is not compressed by zlib");

/// Room is doubled as it is needed, up to what a field can hold. So the work is bounded by the
/// plaintext, and a few bytes that would inflate to more are refused.
pub(crate) fn inflate(compressed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    inflate_up_to(compressed, MAX_PLAINTEXT)
}

fn inflate_up_to(mut compressed: &[u8], most: usize) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
    let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    let mut text = Zeroizing::new(vec![0; compressed.len().saturating_mul(2).clamp(64, most)]);
    let mut length = 0;
    loop {
        let (status, read, written) = decompress(&mut state, compressed, &mut text, length, flags);
        length += written;
        compressed = compressed.get(read..).unwrap_or_default();
        match status {
            TINFLStatus::Done if compressed.is_empty() => {
                text.truncate(length);
                return Ok(text);
            }
            TINFLStatus::HasMoreOutput if text.len() >= most => return Err(TOO_LONG),
            TINFLStatus::HasMoreOutput => {
                // Not `resize`, which may leave a copy behind that nobody wipes.
                let mut larger = Zeroizing::new(vec![0; text.len().saturating_mul(2).min(most)]);
                larger[..length].copy_from_slice(&text[..length]);
                text = larger;
            }
            _ => return Err(NOT_ZLIB),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zlib.compress(b"CANARY-" * 40, 9)` of Python.
    const COMPRESSED: &str = "78da7376f4730c8ad4751ea550290020ba4cb9";

    fn compressed() -> Vec<u8> {
        hex::decode(COMPRESSED).unwrap()
    }

    #[test]
    fn zlib_is_inflated_and_bounded() {
        let text = "CANARY-".repeat(40).into_bytes();
        assert!(*inflate(&compressed()).unwrap() == text);
        assert!(*inflate_up_to(&compressed(), 280).unwrap() == text);
        assert_eq!(inflate_up_to(&compressed(), 279), Err(TOO_LONG));
    }

    #[test]
    fn what_is_cut_or_goes_on_is_refused() {
        for length in 0..compressed().len() {
            assert_eq!(inflate(&compressed()[..length]), Err(NOT_ZLIB), "{length}");
        }
        let mut longer = compressed();
        longer.push(0);
        assert_eq!(inflate(&longer), Err(NOT_ZLIB));
    }
}
