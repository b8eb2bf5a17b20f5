//! XAES-256-GCM over a backend's AES-256-GCM.
//!
//! The composition is [`xaes`]. The primitives are those of [`backend`]: `Cmac` (AES-256-CMAC of
//! messages of one block), `Gcm` (AES-256-GCM with a 96-bit nonce and a 128-bit tag),
//! `hkdf_expand`, `random` and `check`.
//!
//! Beyond AES-GCM, a value costs the derivation of a key from its nonce. [`epochs`] saves it when
//! sealing and [`known`] when opening, for values in columns. Other values leave for somebody
//! else's hands, who could tell from a shared prefix when others were made. So they have a prefix
//! of their own.

mod backend;
mod epochs;
mod known;
#[cfg(any(feature = "diesel-async", feature = "envelope"))]
pub(crate) mod mac;
mod xaes;

pub(crate) use backend::{check, hkdf_expand};
pub(crate) use xaes::Subkey;

use epochs::Epochs;
use known::KnownSubkeys;
use xaes::{Prefix, Xaes256Gcm};

use crate::error::Result;

/// The cipher that this build seals and opens with: `aes-gcm`, `aws-lc-rs` or `aws-lc-rs (FIPS)`.
/// All give the same bytes.
pub const CIPHER_BACKEND: &str = backend::NAME;

/// Fills `buffer` with random bytes: the operating system's, or those of the FIPS module.
#[inline]
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

    /// Seals `body` in place: room for the nonce (24 bytes), the plaintext, room for the tag (16
    /// bytes). The nonce is fresh, `alone` in all of its bits. On an error what the body holds is
    /// unspecified.
    ///
    /// # Errors
    /// [`Randomness`](crate::ErrorKind::Randomness), [`TooLarge`](crate::ErrorKind::TooLarge).
    #[inline(always)]
    pub(crate) fn seal(&self, alone: bool, aad: &[u8], body: &mut [u8]) -> Result<()> {
        match &self.epochs {
            Some(epochs) if !alone => {
                epochs.with_subkey(&self.xaes, |subkey| subkey.seal(aad, body))?
            }
            _ => self.seal_alone(aad, body),
        }
    }

    /// Never part of its caller, for the reason below.
    #[inline(never)]
    fn seal_alone(&self, aad: &[u8], body: &mut [u8]) -> Result<()> {
        self.xaes.random_subkey()?.seal(aad, body)
    }

    /// Runs `open` with the key for nonces that begin like this one. If it gives `Some`, a value
    /// has authenticated. A value that was sealed `alone` shares its key with no other, so that key
    /// is not looked for and not kept.
    #[inline(always)]
    pub(crate) fn open<R>(
        &self,
        alone: bool,
        nonce: &[u8; 24],
        open: impl FnOnce(&Subkey) -> Option<R>,
    ) -> Option<R> {
        let prefix = prefix(nonce);
        if !alone && let Some(subkey) = self.known.get(&prefix) {
            return open(&subkey);
        }
        self.open_unknown(alone, prefix, open)
    }

    /// Never part of its caller. A subkey leaves bytes on the stack as it is moved, and the next
    /// call overwrites them. In a frame that lives longer, they would stay.
    #[inline(never)]
    fn open_unknown<R>(
        &self,
        alone: bool,
        prefix: Prefix,
        open: impl FnOnce(&Subkey) -> Option<R>,
    ) -> Option<R> {
        let subkey = self.xaes.subkey(prefix);
        let opened = open(&subkey)?;
        // Asked before it is moved, because the bytes that a move leaves on the stack can't be
        // wiped.
        if !alone && self.known.is_due(&prefix) {
            self.known.keep(subkey);
        }
        Some(opened)
    }

    /// Seals in place under the nonce that stands in `body`, for vectors.
    #[cfg(all(test, not(feature = "fips")))]
    pub(crate) fn seal_as_is(&self, aad: &[u8], body: &mut [u8]) {
        let prefix = body
            .first_chunk()
            .copied()
            .unwrap_or_else(|| unreachable!("a body begins with a nonce"));
        self.xaes.subkey(prefix).seal_as_is(aad, body);
    }
}

#[inline]
fn prefix(nonce: &[u8; 24]) -> Prefix {
    let mut prefix = [0; 12];
    prefix.copy_from_slice(&nonce[..12]);
    prefix
}
