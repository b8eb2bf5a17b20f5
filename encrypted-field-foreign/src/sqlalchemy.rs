//! SQLAlchemy-Utils: `EncryptedType` and `StringEncryptedType` with an engine that authenticates.

use encrypted_field::plaintext::{PlaintextError, Zeroizing};
use sha2::{Digest as _, Sha256};

use crate::crypto::Gcm;
use crate::encoding::base64;
use crate::fernet::{FernetKey, open};
use crate::foreign_format::redacted;
use crate::key::{Key32, not_made_up};
use crate::refused::{bounded, split};
use crate::settings::Settings;
use crate::{ForeignFormat, SettingsError};

const NAME: &str = "sqlalchemy-utils";

/// `EncryptedType` and `StringEncryptedType` of SQLAlchemy-Utils. The key is `SHA-256(text)`.
///
/// ```text
/// AesGcmEngine    base64( nonce 12 | tag 16 | AES-256-GCM )
/// FernetEngine    a Fernet token
/// ```
///
/// The plaintext is text: `true` and `false`, ISO dates, JSON, and what Python's `repr` gives.
/// `AesEngine`, the default there, does not authenticate. It is refused: decrypt such a column with
/// SQLAlchemy-Utils, and encrypt it as a plaintext column.
pub struct SqlAlchemyUtils(Engine);

enum Engine {
    AesGcm(Gcm),
    Fernet(FernetKey),
}

redacted!(SqlAlchemyUtils);

impl SqlAlchemyUtils {
    /// `AesGcmEngine`, with the key of the column's type: a text of any length.
    pub fn aes_gcm(key: &str) -> Result<Self, SettingsError> {
        Ok(Self(Engine::AesGcm(Gcm::new(&*digest(key)?))))
    }

    /// `FernetEngine`, with the key of the column's type.
    pub fn fernet(key: &str) -> Result<Self, SettingsError> {
        Ok(Self(Engine::Fernet(FernetKey::from_bytes(digest(key)?))))
    }

    pub(crate) fn from_settings(settings: &mut Settings<'_>) -> Result<Self, SettingsError> {
        let key = settings.required("key")?;
        match settings.optional("engine") {
            None | Some("AesGcmEngine") => Self::aes_gcm(key),
            Some("FernetEngine") => Self::fernet(key),
            Some("AesEngine") => Err(settings.error(
                "engine",
                "AesEngine does not authenticate its values, so nobody can tell a changed one; \
                 decrypt the column with SQLAlchemy-Utils first",
            )),
            Some(_) => Err(settings.error("engine", "is AesGcmEngine or FernetEngine")),
        }
    }
}

fn digest(key: &str) -> Result<Key32, SettingsError> {
    not_made_up(key.as_bytes())
        .map_err(|reason| SettingsError::new(NAME, reason).setting("key"))?;
    Ok(Zeroizing::new(Sha256::digest(key).into()))
}

impl ForeignFormat for SqlAlchemyUtils {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        match &self.0 {
            Engine::Fernet(key) => open(std::slice::from_ref(key), stored),
            Engine::AesGcm(cipher) => {
                bounded(stored)?;
                let value = base64(stored)?;
                let (nonce, rest) = split(&value, 12)?;
                let (tag, ciphertext) = split(rest, 16)?;
                cipher.open(nonce, b"", ciphertext, tag)
            }
        }
    }

    fn name(&self) -> &'static str {
        NAME
    }
}
