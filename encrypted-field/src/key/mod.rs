//! For applications that build a key ring themselves: keys, the ring, and where keys come from.

mod builder;
#[cfg(feature = "envelope")]
mod clock;
#[cfg(any(feature = "envelope", feature = "key-file"))]
pub(crate) mod date;
pub(crate) mod derive;
mod global;
pub(crate) mod material;
pub(crate) mod provider;
mod ring;
mod scope;
mod source;
pub(crate) mod weak;

use std::fmt;

pub use builder::KeyringBuilder;
#[cfg(feature = "envelope")]
pub use clock::Clock;
pub use global::{HeldKeyring, install, keyring};
pub(crate) use global::{in_use, on_new_sealing_keys, with_current};
pub use provider::env::EnvKeys;
#[cfg(feature = "key-file")]
pub use provider::file::{KeyFile, KeyFileEntry};
pub(crate) use ring::KeyEntry;
pub use ring::{KeyInfo, Keyring};
pub use scope::{InScope, Scope};
pub(crate) use source::Found;
#[cfg(feature = "envelope")]
pub(crate) use {
    global::{await_ring, install_next},
    scope::check_name,
    source::KeySource,
};

use crate::cipher;
use crate::error::Result;
use crate::secret::SecretBytes;

/// What a key is for. A key serves one purpose only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Purpose {
    /// Fields of rows, and values that are sealed outside of rows.
    #[default]
    Field,
    /// Blind indexes.
    Index,
    /// Files and streams.
    File,
}

impl Purpose {
    pub(crate) const ALL: [Self; 3] = [Self::Field, Self::Index, Self::File];

    /// Its name in `ENCRYPTED_FIELD_KEYS` and in key files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Index => "index",
            Self::File => "file",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// The state of a key in its life (NIST SP 800-57 part 1, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Opens values, and does not seal yet. Every process gets the key in this state before the
    /// first one seals with it.
    Pending,
    /// Seals and opens. There is one such key per scope and purpose.
    Active,
    /// Opens only.
    Retired,
    /// Refused. This can be undone, so it is a dry run for destroying the key.
    Disabled,
    /// Its bytes are gone. The id stays known, so that nobody uses it again.
    Destroyed,
    /// Somebody else may have it. It opens. Its values are stale, and each read of one is an
    /// [event](crate::event::Event::CompromisedRead). See [`KeyringBuilder::refuse_compromised`].
    Compromised,
}

impl KeyState {
    pub(crate) const ALL: [Self; 6] = [
        Self::Pending,
        Self::Active,
        Self::Retired,
        Self::Disabled,
        Self::Destroyed,
        Self::Compromised,
    ];

    /// Its name in key files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Disabled => "disabled",
            Self::Destroyed => "destroyed",
            Self::Compromised => "compromised",
        }
    }

    #[cfg_attr(not(any(feature = "key-file", feature = "envelope")), allow(dead_code))]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A data key for a [`Keyring`]: 256 random bits with an id, a scope, a purpose and a state.
#[derive(Clone)]
pub struct Key {
    /// Checked when the ring is built, so that one place reports id 0.
    pub(crate) id: u32,
    pub(crate) bytes: Option<SecretBytes>,
    pub(crate) scope: String,
    pub(crate) purpose: Purpose,
    pub(crate) state: KeyState,
    pub(crate) expected_check: Option<[u8; 32]>,
}

impl Key {
    /// An active key of the default scope (`""`) for fields. Take `bytes` from a cryptographic
    /// random generator, such as [`generate_key`] or `openssl rand`.
    pub fn new(id: u32, bytes: [u8; 32]) -> Self {
        Self {
            id,
            bytes: Some(SecretBytes::new(bytes)),
            scope: String::new(),
            purpose: Purpose::Field,
            state: KeyState::Active,
            expected_check: None,
        }
    }

    /// The tombstone of a destroyed key. Its id stays taken. The errors of its values say that the
    /// key was destroyed.
    pub fn destroyed(id: u32) -> Self {
        Self {
            id,
            bytes: None,
            scope: String::new(),
            purpose: Purpose::Field,
            state: KeyState::Destroyed,
            expected_check: None,
        }
    }

    /// The scope whose fields it serves. A field names its scope with
    /// `#[encrypted(…, scope = "…")]`, or takes the one that is [entered](crate::Scope).
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Its state.
    #[must_use]
    pub fn state(mut self, state: KeyState) -> Self {
        self.state = state;
        self
    }

    /// The check value that these bytes must have (see [`Key::check_value`]). It finds a wrong key
    /// under a right id when keys are loaded, and not when rows fail.
    #[must_use]
    pub fn check(mut self, check_value: [u8; 32]) -> Self {
        self.expected_check = Some(check_value);
        self
    }

    /// `HKDF-Expand-SHA-256(key, "encrypted-field/v1/check\0", 32)`. It identifies the key without
    /// revealing it. Keep it beside the id. `None` for a destroyed key.
    pub fn check_value(&self) -> Option<[u8; 32]> {
        self.bytes.as_ref().map(derive::check_value)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("purpose", &self.purpose)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A new data key: 32 bytes (256 bits) from the operating system. With the feature `fips` they come
/// from its module.
///
/// Keep the key with your secrets before you write anything under it. If a key is lost, its values
/// are lost.
///
/// # Errors
/// [`ErrorKind::Randomness`](crate::ErrorKind::Randomness).
pub fn generate_key() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    cipher::random(&mut bytes)?;
    Ok(bytes)
}
