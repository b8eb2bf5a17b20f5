//! Key bytes as text: base64 with padding (RFC 4648 section 4), as `openssl rand -base64 32` prints
//! them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Decodes exactly 32 bytes; the error says what is wrong without repeating the text.
pub(crate) fn decode_32(text: &str) -> Result<Zeroizing<[u8; 32]>, String> {
    let bytes = decode(text)?;
    match <[u8; 32]>::try_from(&**bytes) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Err("64 hex digits: write the 32 bytes as base64, `openssl rand -base64 32` makes a new key"
                .into())
        }
        Err(_) => Err(format!(
            "{} bytes; it must be 32 (256 bits), `openssl rand -base64 32` makes them",
            bytes.len()
        )),
    }
}

pub(crate) fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    // Into memory that is wiped also where the text turns out to be wrong half-way.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = STANDARD.decode_slice(text, &mut bytes).map_err(|_| {
        "not base64 with padding (RFC 4648 section 4: A-Z a-z 0-9 + / and = at the end)".to_owned()
    })?;
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg_attr(not(any(feature = "key-file", feature = "envelope")), allow(dead_code))]
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}
