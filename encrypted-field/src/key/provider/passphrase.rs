//! A key from a passphrase: Argon2id (RFC 9106), once, when keys are loaded; never per value.

use crate::error::{Error, ErrorKind, Result};

/// Fewest bytes of a salt (RFC 9106 section 3.1 recommends 16).
const MIN_SALT: usize = 16;
/// Fewest bytes of a passphrase. Length is no proof of entropy, but below this there is none.
const MIN_PASSPHRASE: usize = 12;

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

/// Argon2id version 0x13, 64 MiB, 3 passes, 4 lanes (the second recommended option of RFC 9106 section 4).
pub(super) fn derive(passphrase: &str, salt: &[u8]) -> Result<[u8; 32]> {
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
fn argon2id(passphrase: &str, salt: &[u8]) -> Result<[u8; 32]> {
    use argon2::{Algorithm, Argon2, Params, Version};

    let mut key = [0; 32];
    Params::new(64 * 1024, 3, 4, Some(key.len()))
        .and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                passphrase.as_bytes(),
                salt,
                &mut key,
            )
        })
        .map_err(|e| invalid(format!("Argon2id: {e}")))?;
    Ok(key)
}

#[cfg(not(feature = "passphrase"))]
fn argon2id(_: &str, _: &[u8]) -> Result<[u8; 32]> {
    Err(invalid("passphrases need the feature `passphrase` of encrypted-field".into()))
}
