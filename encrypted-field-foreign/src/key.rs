//! Keys as other software has them in its configuration.

use base64::engine::general_purpose::{STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT};
use encrypted_field::plaintext::Zeroizing;

use crate::encoding;

/// Why something can't be a key: a fixed text, which can't hold it.
pub(crate) type Reason = &'static str;

pub(crate) type Key32 = Zeroizing<[u8; 32]>;

/// 32 bytes in hex, or in base64 of either alphabet, with padding or without.
pub(crate) fn parse(text: &str) -> Result<Key32, Reason> {
    const REASON: Reason = "a key is 32 bytes, as 64 hexadecimal digits or 44 characters of base64";
    let key = exactly(&from_hex_or_base64(text).ok_or(REASON)?).ok_or(REASON)?;
    not_made_up(&*key)?;
    Ok(key)
}

fn from_hex_or_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() == 64 {
        // Keys, other than stored values, may be in capitals.
        return encoding::hex(Zeroizing::new(text.to_ascii_lowercase()).as_bytes());
    }
    encoding::decode(&STANDARD_PAD_INDIFFERENT, text.as_bytes())
        .or_else(|| encoding::decode(&URL_SAFE_PAD_INDIFFERENT, text.as_bytes()))
}

/// A copy of the bytes, if there are as many.
pub(crate) fn exactly<const N: usize>(bytes: &[u8]) -> Option<Zeroizing<[u8; N]>> {
    let mut key = Zeroizing::new([0; N]);
    if bytes.len() != N {
        return None;
    }
    key.copy_from_slice(bytes);
    Some(key)
}

/// Refuses a placeholder. A key that is weak in another way, such as text, is taken: whoever has
/// used one gets away from it by reading the values once more.
pub(crate) fn not_made_up(key: &[u8]) -> Result<(), Reason> {
    match key.split_first() {
        None => Err("it is empty; give the one that has encrypted the column"),
        Some((first, rest)) if !rest.is_empty() && rest.iter().all(|byte| byte == first) => {
            Err("all its bytes are equal; give the one that has encrypted the column")
        }
        Some(_) => Ok(()),
    }
}

pub(crate) fn at_least_one<T>(keys: Vec<T>) -> Result<Vec<T>, Reason> {
    if keys.is_empty() { Err("is missing; give the key of the column") } else { Ok(keys) }
}
