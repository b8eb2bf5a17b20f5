//! XAES-256-GCM over a backend's AES-256-GCM.
//!
//! The composition is [`xaes`]; the primitives are a backend's. A backend is one file that gives `Cmac` (AES-256-CMAC
//! of messages of one block), `Gcm` (AES-256-GCM with a 96-bit nonce and a 128-bit tag), `hkdf_expand`, `random` and
//! `check`. What a message costs beyond AES-GCM, a key derived from its nonce, is saved by [`epochs`] when sealing and by
//! [`known`] when opening.

#[cfg(all(feature = "aes-gcm", not(any(feature = "aws-lc-rs", feature = "fips"))))]
#[path = "backend/aes_gcm.rs"]
mod backend;
#[cfg(all(feature = "aws-lc-rs", not(feature = "fips")))]
#[path = "backend/aws_lc.rs"]
mod backend;
#[cfg(feature = "fips")]
#[path = "backend/fips.rs"]
mod backend;
#[cfg(not(any(feature = "aes-gcm", feature = "aws-lc-rs", feature = "fips")))]
#[path = "backend/missing.rs"]
mod backend;
#[cfg(all(test, feature = "aes-gcm", feature = "aws-lc-rs", not(feature = "fips")))]
mod cross_check;
mod epochs;
mod known;
#[cfg(not(feature = "fips"))]
mod portable;
mod xaes;

pub(crate) use backend::{check, hkdf_expand};
pub(crate) use xaes::{Sealed, Subkey};

use epochs::Epochs;
use known::KnownSubkeys;
use xaes::{Prefix, Xaes256Gcm};

use crate::error::{Error, ErrorKind, Result};

/// The cipher that this build seals and opens with: `aes-gcm`, `aws-lc-rs` or `aws-lc-rs (FIPS)`. All give the same
/// bytes.
pub const CIPHER_BACKEND: &str = backend::NAME;

/// Fills `buffer` with random bytes: the operating system's, or those of the validated module.
pub(crate) fn random(buffer: &mut [u8]) -> Result<()> {
    backend::random(buffer)
}

/// One field key, ready for use, with what is kept to use it cheaply.
pub(crate) struct Cipher {
    xaes: Xaes256Gcm,
    /// `None`: a subkey for every value.
    epochs: Option<Epochs>,
    known: KnownSubkeys,
}

impl Cipher {
    pub(crate) fn new(key: &[u8; 32], epochs: bool) -> Self {
        Self {
            xaes: Xaes256Gcm::new(key),
            epochs: epochs.then(Epochs::default),
            known: KnownSubkeys::default(),
        }
    }

    /// Encrypts in place under a fresh nonce. On an error what the buffer holds is unspecified.
    ///
    /// # Errors
    /// [`ErrorKind::Randomness`], [`ErrorKind::TooLarge`].
    pub(crate) fn seal(&self, aad: &[u8], buffer: &mut [u8]) -> Result<Sealed> {
        match &self.epochs {
            Some(epochs) => epochs.with_subkey(&self.xaes, |subkey| subkey.seal(aad, buffer))?,
            None => self.xaes.random_subkey()?.seal(aad, buffer),
        }
    }

    /// Runs `open` with the key for nonces that begin like this one; its `Some` says that a value authenticated.
    pub(crate) fn open<R>(&self, nonce: &[u8; 24], open: impl FnOnce(&Subkey) -> Option<R>) -> Option<R> {
        let prefix = prefix(nonce);
        if let Some(subkey) = self.known.get(&prefix) {
            return open(&subkey);
        }
        let subkey = self.xaes.subkey(prefix);
        let opened = open(&subkey)?;
        self.known.authenticated(subkey);
        Some(opened)
    }

    /// Encrypts in place under a given nonce, for vectors.
    #[cfg(all(test, not(feature = "fips")))]
    pub(crate) fn seal_with_nonce(&self, nonce: &[u8; 24], aad: &[u8], buffer: &mut [u8]) -> [u8; 16] {
        self.xaes.subkey(prefix(nonce)).seal_with_nonce(nonce, aad, buffer)
    }
}

fn prefix(nonce: &[u8; 24]) -> Prefix {
    let mut prefix = [0; 12];
    prefix.copy_from_slice(&nonce[..12]);
    prefix
}

fn no_randomness(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Randomness).caused_by(source)
}
