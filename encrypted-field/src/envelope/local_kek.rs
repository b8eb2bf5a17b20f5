//! A key-encryption key in the memory of this process.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::{BackendError, BackendErrorKind, KeyEncryptionKey, WrapContext};
use crate::cipher::{self, Cipher};
use crate::error::{Error, ErrorKind, Result};
use crate::key::derive::wrapping_key;
use crate::key::provider::{encoding, passphrase, storage};
use crate::key::weak;
use crate::secret::SecretBytes;

const NONCE: usize = 24;
const LEN: usize = NONCE + 32 + 16;

/// A key-encryption key of 32 bytes, held in memory: from the environment, a file, or a passphrase.
///
/// Whoever has the store and these bytes has the data keys. It is the right one for a single host
/// and for break-glass copies that lie in a safe; a key service keeps its bytes to itself and can
/// take a permission back.
///
/// Wraps with XAES-256-GCM under `HKDF-Expand-SHA-256(kek, "encrypted-field/v1/wrap\0", 32)`, with
/// [`WrapContext::associated_data`]: nonce (24 bytes), ciphertext (32), tag (16).
pub struct LocalKek {
    cipher: Cipher,
    from: &'static str,
}

impl LocalKek {
    /// 32 random bytes, as [`generate_key`](crate::generate_key) makes them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: bytes that are not random. [`ErrorKind::FipsMode`] with the
    /// feature `fips`.
    pub fn new(bytes: [u8; 32]) -> Result<Self> {
        Self::checked(&SecretBytes::new(bytes), "in memory")
    }

    /// From an environment variable that holds 32 bytes in base64 with padding, as `openssl rand
    /// -base64 32` prints them; read through `var`, such as `|name| std::env::var_os(name)`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: not set, not base64, not 32 bytes, not random.
    pub fn from_env(name: &str, var: impl FnOnce(&str) -> Option<OsString>) -> Result<Self> {
        let text = var(name).filter(|value| !value.is_empty()).map(OsString::into_string);
        match text {
            None => Err(invalid("it is not set; `openssl rand -base64 32` makes a key")),
            Some(Err(value)) => {
                drop(Zeroizing::new(value.into_encoded_bytes()));
                Err(invalid("it is not UTF-8"))
            }
            Some(Ok(text)) => Self::decoded(&Zeroizing::new(text), "from the environment"),
        }
        .map_err(|e| e.within(name))
    }

    /// From a file that holds 32 bytes in base64 with padding. Like a [key file](crate::KeyFile),
    /// it must be readable by nobody but its owner, who is the user of the process or root.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: missing, or readable by others. [`ErrorKind::InvalidKeys`]: not
    /// base64, not 32 bytes, not random.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = || {
            let text = storage::read(path, false)?;
            let text = std::str::from_utf8(&text).map_err(|_| invalid("it is not UTF-8"))?;
            Self::decoded(text, "from a file")
        };
        read().map_err(|e| e.within(&path.display().to_string()))
    }

    /// From a passphrase, by Argon2id as [`Key::from_passphrase`](crate::Key::from_passphrase):
    /// once, here.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: the passphrase is shorter than 12 bytes or the salt than 16, or
    /// the feature `passphrase` is off.
    pub fn from_passphrase(text: &str, salt: &[u8]) -> Result<Self> {
        Self::checked(&SecretBytes::new(*passphrase::stretch(text, salt)?), "from a passphrase")
    }

    fn decoded(text: &str, from: &'static str) -> Result<Self> {
        let bytes = encoding::decode_32(text.trim()).map_err(invalid)?;
        Self::checked(&SecretBytes::new(*bytes), from)
    }

    fn checked(kek: &SecretBytes, from: &'static str) -> Result<Self> {
        cipher::check()?;
        if let Some(reason) = weak::reason(kek.expose()) {
            return Err(invalid(format!("{reason}; make one with `openssl rand -base64 32`")));
        }
        // Every wrap with a subkey of its own: there are few, over a long time.
        Ok(Self { cipher: Cipher::new(wrapping_key(kek).expose(), false), from })
    }
}

impl KeyEncryptionKey for LocalKek {
    async fn wrap(&self, context: &WrapContext<'_>, key: &[u8; 32]) -> Result<Vec<u8>, BackendError> {
        let mut wrapped = Zeroizing::new(vec![0; LEN]);
        wrapped[NONCE..NONCE + 32].copy_from_slice(key);
        self.cipher.seal(true, &context.associated_data(), &mut wrapped).map_err(|e| {
            BackendError::new(BackendErrorKind::Unavailable, "it could not be wrapped").caused_by(e)
        })?;
        Ok(std::mem::take(&mut *wrapped))
    }

    async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, BackendError> {
        let open = || {
            let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>()?;
            if sealed.len() != LEN - NONCE {
                return None;
            }
            // On the heap, where it is wiped: what is moved over the stack is not.
            let mut sealed = Zeroizing::new(sealed.to_vec());
            let aad = context.associated_data();
            self.cipher.open(true, nonce, |subkey| subkey.open(nonce, &aad, &mut sealed).then_some(()))?;
            sealed.truncate(32);
            Some(sealed)
        };
        open().ok_or_else(|| {
            let detail = "the wrapped key does not authenticate: it was changed, or wrapped for another key id, scope, purpose or \
                          key set, or under another KEK";
            BackendError::new(BackendErrorKind::Rejected, detail)
        })
    }

    fn describe(&self) -> String {
        format!("local, {}", self.from)
    }
}

impl fmt::Debug for LocalKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKek").field("from", &self.from).finish_non_exhaustive()
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}
