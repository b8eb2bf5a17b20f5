//! A key-encryption key in the memory of this process.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::{BackendError, BackendErrorKind, KeyEncryptionKey, WrapContext};
use crate::cipher::{self, Cipher};
use crate::error::{Error, ErrorKind, Result};
use crate::key::derive::wrapping_key;
use crate::key::provider::storage::{self, Readers};
use crate::key::provider::{encoding, passphrase};
use crate::key::weak;
use crate::secret::{self, SecretBytes};

const NONCE: usize = 24;
const LEN: usize = NONCE + 32 + 16;

/// A key-encryption key of 32 bytes, held in memory: from the environment, a file, or a passphrase.
///
/// Whoever has the store and these bytes has the data keys. This KEK is right for a single host,
/// and for break-glass copies that lie in a safe. A key service keeps its bytes to itself and can
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
    /// -base64 32` prints them. It is read through `var`, such as `|name| std::env::var_os(name)`.
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

    /// From a file that holds 32 bytes in base64 with padding. Like a
    /// [key file](crate::key::KeyFile), it must be readable by nobody but its owner, who is the
    /// user of the process or root (mode `0600` or `0400`).
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: missing, or readable by others. [`ErrorKind::InvalidKeys`]: not
    /// base64, not 32 bytes, not random.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(path.as_ref(), Readers::Owner("`LocalKek::from_group_readable_file`"))
    }

    /// As [`from_file`](Self::from_file), and accepts a file that its group may read (mode `0640`
    /// or `0440`). Kubernetes mounts a secret in this way for a pod with `fsGroup` and
    /// `defaultMode: 0440`: the file belongs to root, and the process reads it as a member of the
    /// group. Docker mounts secrets with mode 0444, which is refused. Say `mode: 0440` there, and a
    /// `gid` of the process.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_group_readable_file(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(path.as_ref(), Readers::Group)
    }

    fn read(path: &Path, readers: Readers) -> Result<Self> {
        let read = || {
            let text = storage::read(path, readers)?;
            let text = std::str::from_utf8(&text).map_err(|_| invalid("it is not UTF-8"))?;
            Self::decoded(text, "from a file")
        };
        read().map_err(|e| e.within(&path.display().to_string()))
    }

    /// From a passphrase, by Argon2id as in [`Key::from_passphrase`](crate::Key::from_passphrase).
    /// The key is derived once, here.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: the passphrase is shorter than 12 bytes or the salt than 16, the
    /// passphrase has line breaks, a byte order mark or quotes around it, or the feature
    /// `passphrase` is off.
    pub fn from_passphrase(text: &str, salt: &[u8]) -> Result<Self> {
        Self::checked(&SecretBytes::new(*passphrase::stretch(text, salt)?), "from a passphrase")
    }

    fn decoded(text: &str, from: &'static str) -> Result<Self> {
        let bytes = encoding::decode_32_given(text).map_err(invalid)?;
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
    async fn wrap(
        &self,
        context: &WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, BackendError> {
        let mut wrapped = Zeroizing::new(vec![0; LEN]);
        wrapped[NONCE..NONCE + 32].copy_from_slice(key);
        let sealed = self.cipher.seal(true, &context.associated_data(), &mut wrapped);
        secret::wipe_stack();
        sealed.map_err(|e| {
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
            // On the heap, where it is wiped. A value that is moved over the stack is not.
            let mut sealed = Zeroizing::new(sealed.to_vec());
            let aad = context.associated_data();
            self.cipher
                .open(true, nonce, |subkey| subkey.open(nonce, &aad, &mut sealed).then_some(()))?;
            sealed.truncate(32);
            Some(sealed)
        };
        let opened = open();
        secret::wipe_stack();
        opened.ok_or_else(|| {
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
