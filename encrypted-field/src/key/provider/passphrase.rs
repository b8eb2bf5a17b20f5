//! A key from a passphrase: Argon2id (RFC 9106), once, when keys are loaded, and never per value.

use zeroize::Zeroizing;

use super::encoding::{BYTE_ORDER_MARK, HAS_BYTE_ORDER_MARK, HAS_QUOTES};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

/// Fewest bytes of a salt (RFC 9106 section 3.1 recommends 16).
const MIN_SALT: usize = 16;
/// Fewest bytes of a passphrase. Length is no proof of entropy, but below this there is none.
const MIN_PASSPHRASE: usize = 12;

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

impl Key {
    /// An active key from a passphrase, by Argon2id version 0x13 with 64 MiB, 3 passes and 4 lanes
    /// (the second recommended option of RFC 9106 section 4). It takes about a tenth of a second
    /// and 64 MiB, once, when keys are loaded.
    ///
    /// The passphrase is one line of at least 12 bytes. Every byte counts, even a space at the end.
    /// Line breaks, a byte order mark before it and quotes around it are errors. They come from
    /// files and tools, and without them the same passphrase would give another key. The salt is at
    /// least 16 random bytes (RFC 9106 section 3.1), and is no secret.
    ///
    /// To rotate away from this key, keep it as a retired key beside the new one. Argon2id is not
    /// an approved function of FIPS 140-3, not even with the feature `fips`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: the passphrase or the salt is shorter than that or not as said
    /// above, or the feature `passphrase` is off.
    pub fn from_passphrase(id: u32, passphrase: &str, salt: &[u8]) -> Result<Self> {
        Ok(Self::new(id, *stretch(passphrase, salt)?))
    }
}

/// 32 bytes from a passphrase, as [`Key::from_passphrase`] makes them.
pub(crate) fn stretch(passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    if salt.len() < MIN_SALT {
        return Err(invalid(format!(
            "the salt has {} bytes and needs {MIN_SALT}; `openssl rand -base64 16` makes one",
            salt.len()
        )));
    }
    if passphrase.len() < MIN_PASSPHRASE {
        return Err(invalid(format!("the passphrase is shorter than {MIN_PASSPHRASE} bytes")));
    }
    if let Some(what) = came_along(passphrase) {
        return Err(invalid(format!("the passphrase: {what}")));
    }
    argon2id(passphrase, salt)
}

/// Additions to the passphrase on its way to here. Without them, as somebody types it later, it is
/// another key.
fn came_along(passphrase: &str) -> Option<&'static str> {
    let mut ends = passphrase.chars();
    if passphrase.starts_with(BYTE_ORDER_MARK) {
        Some(HAS_BYTE_ORDER_MARK)
    } else if passphrase.contains(['\n', '\r']) {
        Some("a line break stands in it or at its end; write the file with `printf '%s'`")
    } else if matches!(
        (ends.next(), ends.next_back()),
        (Some('"'), Some('"')) | (Some('\''), Some('\''))
    ) {
        Some(HAS_QUOTES)
    } else {
        None
    }
}

#[cfg(feature = "passphrase")]
fn argon2id(passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    use argon2::{Algorithm, Argon2, Block, Params, Version};

    let mut key = Zeroizing::new([0; 32]);
    Params::new(64 * 1024, 3, 4, Some(key.len()))
        .and_then(|params| {
            // Our own memory, because the last blocks give the key and argon2 does not wipe what it
            // allocates.
            let mut memory = Zeroizing::new(vec![Block::new(); params.block_count()]);
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
                passphrase.as_bytes(),
                salt,
                &mut *key,
                &mut memory[..],
            )
        })
        .map_err(|e| invalid(format!("Argon2id: {e}")))?;
    Ok(key)
}

#[cfg(not(feature = "passphrase"))]
fn argon2id(_: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    Err(invalid("passphrases need the feature `passphrase` of encrypted-field".into()))
}
