//! A key from a passphrase: Argon2id (RFC 9106), once, when keys are loaded; never per value.

use zeroize::Zeroizing;

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
    /// An active key from a passphrase: Argon2id version 0x13, 64 MiB, 3 passes, 4 lanes (the
    /// second recommended option of RFC 9106 section 4). Takes about a tenth of a second and 64
    /// MiB, once, when keys are loaded.
    ///
    /// The passphrase has at least 12 bytes, the salt at least 16 random ones (RFC 9106 section
    /// 3.1), which are no secret. To rotate away from it, keep it as a retired key beside the new
    /// one. Argon2id is no approved function of FIPS 140-3, with the feature `fips` neither.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: shorter than that, or the feature `passphrase` is off.
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
    argon2id(passphrase, salt)
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
