//! Building a key ring. It checks everything that can be wrong with a set of keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use ctutils::CtEq as _;

use super::material::Material;
use super::ring::{ActiveKeys, KeyEntry};
use super::{Key, KeyState, Keyring, Purpose, derive, weak};
use crate::cipher;
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// Collects keys for a [`Keyring`]. Made by [`Keyring::builder`].
#[derive(Debug, Default)]
#[must_use]
pub struct KeyringBuilder {
    keys: Vec<Key>,
    refuse_compromised: bool,
    subkey_per_value: bool,
}

impl KeyringBuilder {
    /// The key that seals from now on, in the default scope.
    pub fn active(self, id: u32, bytes: [u8; 32]) -> Self {
        self.key(Key::new(id, bytes))
    }

    /// A key that was active before, in the default scope. It opens, and does not seal.
    pub fn retired(self, id: u32, bytes: [u8; 32]) -> Self {
        self.key(Key::new(id, bytes).state(KeyState::Retired))
    }

    /// A key with a scope, a purpose and a state.
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Several keys.
    pub fn keys(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Values under keys in the state [`KeyState::Compromised`] no longer open.
    pub fn refuse_compromised(mut self) -> Self {
        self.refuse_compromised = true;
        self
    }

    /// Derives a subkey for every value that is sealed, so that all 192 bits of each nonce are its
    /// own.
    ///
    /// Without this, up to 4096 values for columns share the first 96 bits. Mostly they are the
    /// values of one thread. This shows that they were written together, and sealing a short value
    /// takes down to half the time. `FORMAT.md`, section 15, has the reasons and the bounds.
    /// Detached values never share these bits.
    ///
    /// Keys of a provider go through a builder:
    ///
    /// ```no_run
    /// # fn main() -> encrypted_field::Result<()> {
    /// use encrypted_field::{Keyring, key::EnvKeys};
    /// let keys = EnvKeys::new().keys(|name| std::env::var_os(name))?;
    /// encrypted_field::install(Keyring::builder().keys(keys).subkey_per_value().build()?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subkey_per_value(mut self) -> Self {
        self.subkey_per_value = true;
        self
    }

    /// Checks the keys and makes them ready for use.
    ///
    /// # Errors
    /// - [`ErrorKind::FipsMode`], with the feature `fips`.
    /// - [`ErrorKind::InvalidKeys`]: no key at all, id 0, an id twice, the same bytes under two
    ///   ids, two active keys in one scope and purpose, retired keys without an active one, bytes
    ///   that are not random (all equal, counting, repeating, text), or a check value that does not
    ///   match.
    pub fn build(self) -> Result<Keyring> {
        cipher::check()?;
        if self.keys.is_empty() {
            return Err(invalid("none were given; add at least an active one"));
        }
        let mut entries = HashMap::with_capacity(self.keys.len());
        let mut active = ActiveKeys::default();
        let mut checks = HashMap::with_capacity(self.keys.len());
        for key in &self.keys {
            let entry = Arc::new(self.entry(key)?);
            if key.state == KeyState::Active
                && let Some(other) = active.insert(&key.scope, key.purpose, &entry)
            {
                return Err(invalid(format!(
                    "keys {} and {} are both active for {}; retire the older one",
                    other.id,
                    key.id,
                    place(&key.scope, key.purpose)
                )));
            }
            if let Some(check) = entry.check
                && let Some(other) = checks.insert(check, entry.id)
                && other != entry.id
            {
                let detail = format!(
                    "it has the same bytes as key {other}; a key has one id and one purpose"
                );
                return Err(invalid(detail).key(entry.id));
            }
            match entries.entry(entry.id) {
                Entry::Vacant(slot) => slot.insert(entry),
                Entry::Occupied(_) => {
                    return Err(invalid("this id is given twice; give each key an id of its own")
                        .key(entry.id));
                }
            };
        }
        for key in self.keys.iter().filter(|key| key.state == KeyState::Retired) {
            if active.get(&key.scope, key.purpose).is_none() {
                return Err(invalid(format!(
                    "key {} is retired and no key is active for {}; add the active one",
                    key.id,
                    place(&key.scope, key.purpose)
                )));
            }
        }
        Ok(Keyring::new(entries, active))
    }

    fn entry(&self, key: &Key) -> Result<KeyEntry> {
        let id =
            KeyId::new(key.id).ok_or_else(|| invalid("key id 0 is reserved; ids begin at 1"))?;
        let refused = match key.state {
            KeyState::Disabled => Some("it is disabled".into()),
            KeyState::Destroyed => Some("it was destroyed".into()),
            KeyState::Compromised if self.refuse_compromised => Some("it is compromised".into()),
            _ => None,
        };
        let (check, material) = match &key.bytes {
            Some(bytes) => {
                if let Some(reason) = weak::reason(bytes.expose()) {
                    let detail = format!("{reason}; make one with `openssl rand -base64 32`");
                    return Err(invalid(detail).key(id));
                }
                let check = derive::check_value(bytes);
                if let Some(expected) = key.expected_check
                    && !check.ct_eq(&expected).to_bool()
                {
                    return Err(invalid(
                        "these are not the bytes that its check value was made of",
                    )
                    .key(id));
                }
                let material = (key.state != KeyState::Destroyed)
                    .then(|| Material::of(key.purpose, bytes, !self.subkey_per_value));
                (Some(check), material)
            }
            None if key.state == KeyState::Destroyed => (key.expected_check, None),
            None => return Err(invalid("it has no bytes").key(id)),
        };
        Ok(KeyEntry {
            id,
            scope: key.scope.as_str().into(),
            purpose: key.purpose,
            state: key.state,
            refused,
            check,
            material,
            seal_until: None,
        })
    }
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidKeys).detail(detail)
}

/// Where a key serves, for messages.
pub(super) fn place(scope: &str, purpose: Purpose) -> String {
    match scope {
        "" => format!("the default scope, purpose {}", purpose.name()),
        scope => format!("scope \"{scope}\", purpose {}", purpose.name()),
    }
}
