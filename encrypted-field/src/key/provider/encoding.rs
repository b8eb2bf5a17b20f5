//! Key bytes as text: base64 with padding (RFC 4648 section 4), as `openssl rand -base64 32` prints
//! them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Quotes that people and tools put around a value.
const QUOTES: [char; 8] = ['"', '\'', '`', '“', '”', '„', '‘', '’'];
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Additions from copying or mounting a secret. They are not part of it.
pub(crate) const HAS_BYTE_ORDER_MARK: &str =
    "a byte order mark stands before it; save it as UTF-8 without one";
pub(crate) const HAS_QUOTES: &str =
    "quotes stand around it; remove them (an env file that Docker reads keeps them)";
pub(crate) const HAS_PREFIX: &str = "the prefix `base64:` stands before it; remove that";

/// The addition before a key or a list of keys. It is no part of it.
pub(crate) fn came_along(text: &str) -> Option<&'static str> {
    if text.starts_with(BYTE_ORDER_MARK) {
        Some(HAS_BYTE_ORDER_MARK)
    } else if text.starts_with(QUOTES) {
        Some(HAS_QUOTES)
    } else {
        None
    }
}

/// 32 bytes as people hand them over: white space around the text, and line breaks in it, don't
/// count.
pub(crate) fn decode_32_given(text: &str) -> Result<Zeroizing<[u8; 32]>, String> {
    decode_32(&on_one_line(text))
}

/// As [`decode_32_given`], for any length.
pub(crate) fn decode_given(text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    decode(&on_one_line(text))
}

/// `openssl rand -base64` breaks its lines after 64 characters, other tools after fewer.
fn on_one_line(text: &str) -> Zeroizing<String> {
    // Room for all of it at once: growing would leave copies behind that are not wiped.
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    text.lines().for_each(|part| line.push_str(part.trim()));
    line
}

/// Decodes exactly 32 bytes. The error says what is wrong without repeating the text.
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
    // Into memory that is wiped even if the text turns out to be wrong half-way.
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = STANDARD.decode_slice(text, &mut bytes).map_err(|_| not_base64(text))?;
    bytes.truncate(len);
    Ok(bytes)
}

/// Says what was most likely done to the text.
fn not_base64(text: &str) -> String {
    let consists_of =
        |others: &[u8]| text.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b));
    let what = if let Some(what) = came_along(text) {
        what
    } else if text.ends_with(QUOTES) {
        HAS_QUOTES
    } else if text.starts_with("base64:") {
        HAS_PREFIX
    } else if text.contains(char::is_whitespace) {
        "white space stands in it; are these two values?"
    } else if text.contains(['-', '_']) && consists_of(b"-_=") {
        "it has the URL-safe alphabet, as Fernet's keys do; write + for -, / for _, and = at its end \
         until its length is a multiple of 4"
    } else if consists_of(b"+/") && text.len() % 4 > 1 {
        "its padding is missing; write = at its end until its length is a multiple of 4"
    } else {
        return "not base64 with padding (RFC 4648 section 4: A-Z a-z 0-9 + / and = at the end)"
            .to_owned();
    };
    format!("not base64 with padding (RFC 4648 section 4): {what}")
}

#[cfg_attr(not(any(feature = "key-file", feature = "envelope")), allow(dead_code))]
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(bytes))
}
