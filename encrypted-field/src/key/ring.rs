//! The key ring: an immutable snapshot of keys, found by id in constant time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::material::Material;
use super::source::{Found, KeySource};
use super::{HeldKeyring, KeyState, KeyringBuilder, Purpose, global};
use crate::cipher::Cipher;
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// Keys by id. At most one key per scope and purpose is active, and seals. The others only open.
///
/// A ring never changes. To rotate, build another ring and [`install`](crate::install) it.
pub struct Keyring {
    keys: HashMap<KeyId, Arc<KeyEntry>>,
    active: ActiveKeys,
    /// `None` for keys that were given once and for all.
    source: Option<Arc<dyn KeySource>>,
}

/// One key, ready for use.
pub(crate) struct KeyEntry {
    pub(crate) id: KeyId,
    pub(crate) scope: Box<str>,
    pub(crate) purpose: Purpose,
    pub(crate) state: KeyState,
    /// Why nothing may be opened with it.
    pub(crate) refused: Option<Cow<'static, str>>,
    pub(crate) check: Option<[u8; 32]>,
    /// `None` if it has no bytes, or they must not be used. The same key in another state shares
    /// it, and so keeps what it knows of subkeys.
    pub(crate) material: Option<Material>,
    /// It seals nothing after this, by the clock of the ring's source.
    pub(crate) seal_until: Option<Duration>,
}

impl KeyEntry {
    /// Whether it is a key of `scope`.
    #[inline]
    pub(crate) fn is_of(&self, scope: &str) -> bool {
        is_same_scope(&self.scope, scope)
    }

    /// The cipher for fields of `scope`. Scope, purpose and state are checked here, before any
    /// cryptography.
    #[inline]
    pub(crate) fn field_cipher(&self, scope: &str) -> Result<&Cipher> {
        let kind = if !self.is_of(scope) {
            ErrorKind::ScopeMismatch
        } else if self.purpose != Purpose::Field {
            ErrorKind::PurposeMismatch
        } else {
            match (&self.material, &self.refused) {
                (Some(Material::Field(cipher)), None) => return Ok(cipher),
                (Some(Material::Index(_) | Material::File(_)), _) => ErrorKind::PurposeMismatch,
                (_, reason) => {
                    let reason = reason.clone().unwrap_or("it has no bytes".into());
                    return Err(Error::new(ErrorKind::KeyUnusable).detail(reason).key(self.id));
                }
            }
        };
        Err(Error::new(kind).key(self.id))
    }
}

/// Most scopes are empty, and comparing two empty strings costs more than sealing a few bytes: an
/// empty `Box<str>` points nowhere, and the C library's comparison loads no bytes from there, which
/// a processor with AVX-512 does slowly.
#[inline]
fn is_same_scope(a: &str, b: &str) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// The active key of each scope and purpose. The default scope has its own place, because it is the
/// usual one.
#[derive(Default)]
pub(super) struct ActiveKeys {
    default: [Option<Arc<KeyEntry>>; 3],
    scoped: HashMap<Box<str>, [Option<Arc<KeyEntry>>; 3]>,
}

impl ActiveKeys {
    /// Gives the key that stood there before.
    pub(super) fn insert(
        &mut self,
        scope: &str,
        purpose: Purpose,
        key: &Arc<KeyEntry>,
    ) -> Option<Arc<KeyEntry>> {
        let slots = match scope {
            "" => &mut self.default,
            scope => self.scoped.entry(scope.into()).or_default(),
        };
        slots[purpose as usize].replace(Arc::clone(key))
    }

    #[inline]
    pub(super) fn get(&self, scope: &str, purpose: Purpose) -> Option<&Arc<KeyEntry>> {
        let slots = if scope.is_empty() { Some(&self.default) } else { self.scoped.get(scope) };
        slots?[purpose as usize].as_ref()
    }
}

/// Information on a key, without its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo<'a> {
    /// Its id.
    pub id: KeyId,
    /// Its scope, `""` by default.
    pub scope: &'a str,
    /// What it is for.
    pub purpose: Purpose,
    /// Its state.
    pub state: KeyState,
    /// Its check value (see [`Key::check_value`](crate::Key::check_value)), if it is known.
    pub check_value: Option<[u8; 32]>,
}

impl Keyring {
    /// An empty builder.
    pub fn builder() -> KeyringBuilder {
        KeyringBuilder::default()
    }

    /// Keys from the environment: exactly one of `ENCRYPTED_FIELD_KEYS`, `ENCRYPTED_FIELD_KEY`, or
    /// `ENCRYPTED_FIELD_PASSPHRASE` with `ENCRYPTED_FIELD_SALT`. Each can come from a file, as with
    /// `ENCRYPTED_FIELD_KEYS_FILE`. [`EnvKeys`](crate::key::EnvKeys) has the forms.
    ///
    /// # Errors
    /// As [`EnvKeys::read`](crate::key::EnvKeys::read).
    pub fn from_env() -> Result<Self> {
        crate::key::EnvKeys::new().read(|name| std::env::var_os(name))
    }

    pub(super) fn new(keys: HashMap<KeyId, Arc<KeyEntry>>, active: ActiveKeys) -> Self {
        Self { keys, active, source: None }
    }

    /// Makes this ring the current one on this thread, in place of the installed one, until the
    /// guard is dropped. Guards nest. It is for tests, so that parallel tests don't share a ring.
    ///
    /// Threads that this one starts do not see the ring. Other tasks that an async runtime runs on
    /// this thread see it. So this is enough for `#[tokio::test]`, whose runtime has one thread. It
    /// is not enough for `spawn_blocking` and `flavor = "multi_thread"`: use
    /// [`hold_everywhere`](Self::hold_everywhere) there.
    ///
    /// ```
    /// # fn main() -> encrypted_field::Result<()> {
    /// use encrypted_field::{Keyring, generate_key, keyring};
    /// let ring = Keyring::builder().active(7, generate_key()?).build()?;
    /// let _held = ring.hold();
    /// assert!(keyring()?.get(7).is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the ring is current only until the guard is dropped"]
    pub fn hold(self) -> HeldKeyring {
        global::hold(Arc::new(self))
    }

    /// Makes this ring the current one on all threads, in place of the installed one, until the
    /// guard is dropped. Then the installed one comes back. It is for tests whose code spawns tasks
    /// or threads.
    ///
    /// A thread that calls this waits until no other thread has such a guard. So tests that use it
    /// run one after the other. A ring that another thread [holds](Self::hold) stays current there.
    /// Tests that run meanwhile and hold no ring see this one. Guards nest.
    ///
    /// Tests that can share a key need no guard, and don't wait. Each of them
    /// [installs](crate::install) a ring with the same keys.
    ///
    /// ```
    /// # fn main() -> encrypted_field::Result<()> {
    /// # use encrypted_field::{Keyring, generate_key, keyring};
    /// # let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    /// // In a `#[tokio::test(flavor = "multi_thread")]`:
    /// # runtime.block_on(async {
    /// let ring = Keyring::builder().active(7, generate_key()?).build()?;
    /// let _held = ring.hold_everywhere();
    /// let task = tokio::spawn(async { keyring().is_ok_and(|ring| ring.get(7).is_some()) });
    /// assert!(task.await.unwrap());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use = "the ring is current only until the guard is dropped"]
    pub fn hold_everywhere(self) -> HeldKeyring {
        global::hold_everywhere(Arc::new(self))
    }

    /// The key that seals in this scope for this purpose.
    pub fn active_key(&self, scope: &str, purpose: Purpose) -> Option<KeyId> {
        self.active.get(scope, purpose).map(|key| key.id)
    }

    /// Information on one key, without its bytes.
    pub fn get(&self, id: u32) -> Option<KeyInfo<'_>> {
        self.keys.get(&KeyId::new(id)?).map(|key| info(key))
    }

    /// Information on all keys, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = KeyInfo<'_>> {
        self.keys.values().map(|key| info(key))
    }

    /// The key of a value, stored or detached.
    #[inline]
    pub(crate) fn find(&self, id: KeyId, is_stored: bool) -> Result<Found<'_>> {
        if let Some(source) = &self.source {
            source.now().map_err(|e| e.key(id))?;
        }
        // Most values are under the key that is active now, which needs no hashing.
        match &self.active.default[Purpose::Field as usize] {
            Some(key) if key.id == id => Ok(Found::InRing(key)),
            _ => match self.keys.get(&id) {
                Some(key) => Ok(Found::InRing(key)),
                None => self.find_elsewhere(id, is_stored),
            },
        }
    }

    /// Whether this very ring holds the key. Nobody is asked.
    pub(crate) fn contains(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    #[cold]
    fn find_elsewhere(&self, id: KeyId, is_stored: bool) -> Result<Found<'_>> {
        match &self.source {
            Some(source) => source.find(id, is_stored).map(Found::Since),
            None => Err(Error::new(ErrorKind::UnknownKey).key(id)),
        }
    }

    #[inline]
    pub(crate) fn active_field_key(&self, scope: &str) -> Result<&KeyEntry> {
        let key = self.active.get(scope, Purpose::Field).map(|key| &**key);
        let key = key.ok_or_else(|| self.why_not_active(scope))?;
        if let Some(source) = &self.source {
            let now = source.now_to_seal().map_err(|e| e.key(key.id))?;
            if key.seal_until.is_some_and(|until| now > until) {
                return Err(Error::new(ErrorKind::KeyPastLifetime).key(key.id));
            }
        }
        Ok(key)
    }

    #[cold]
    fn why_not_active(&self, scope: &str) -> Error {
        // The keys may be gone altogether.
        if let Some(Err(error)) = self.source.as_ref().map(|source| source.now_to_seal()) {
            return error;
        }
        let own =
            || self.keys.values().filter(|key| key.is_of(scope) && key.purpose == Purpose::Field);
        let are_gone = own().all(|key| key.state == KeyState::Destroyed);
        let name = if scope.is_empty() {
            "the default scope".into()
        } else {
            format!("scope \"{scope}\"")
        };
        match own().max_by_key(|key| key.id).filter(|_| are_gone) {
            Some(key) => {
                let detail = format!("all keys of {name} were destroyed");
                Error::new(ErrorKind::KeyUnusable).detail(detail).key(key.id)
            }
            None => Error::new(ErrorKind::NoActiveKey).detail(format!("{name}, purpose field")),
        }
    }
}

// For keys that come from a key service.
#[cfg(feature = "envelope")]
impl Keyring {
    /// The caller has checked the keys.
    pub(crate) fn from_source(
        entries: impl IntoIterator<Item = Arc<KeyEntry>>,
        source: Arc<dyn KeySource>,
    ) -> Self {
        let mut active = ActiveKeys::default();
        let keys = entries.into_iter().map(|entry| {
            if entry.state == KeyState::Active {
                active.insert(&entry.scope, entry.purpose, &entry);
            }
            (entry.id, entry)
        });
        let keys = keys.collect();
        Self { keys, active, source: Some(source) }
    }

    /// One key, for a ring that is made of this one.
    pub(crate) fn entry(&self, id: KeyId) -> Option<&Arc<KeyEntry>> {
        self.keys.get(&id)
    }
}

fn info(key: &KeyEntry) -> KeyInfo<'_> {
    KeyInfo {
        id: key.id,
        scope: &key.scope,
        purpose: key.purpose,
        state: key.state,
        check_value: key.check,
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut keys: Vec<_> =
            self.keys.values().map(|key| (key.id.get(), key.state.name(), &*key.scope)).collect();
        keys.sort_unstable();
        f.debug_struct("Keyring").field("keys", &keys).finish_non_exhaustive()
    }
}
