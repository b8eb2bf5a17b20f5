//! The key manager: what loads, publishes, rotates and destroys the keys of a store.

mod backends;
mod builder;
mod changes;
mod consistency;
mod initialize;
mod lease;
mod load;
mod refresh;
mod restore;
mod rewrap;
mod ring;
mod rotation;
mod scopes;
mod shredding;
mod status;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;

pub use builder::KeyManagerBuilder;
pub use consistency::{Consistency, WrapProblem};
pub use restore::Restored;
pub use rewrap::Rewrapped;
pub use rotation::Maintenance;
pub use shredding::Shredded;
pub use status::{KeyStatus, StoreStatus};

use super::key_set::KeySet;
use super::runtime::{Call, Runtime};
use super::{CachePolicy, RotationPolicy};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Clock, KeyState, Keyring};
use crate::secret::SecretBytes;
use backends::{Kek, Store};
use lease::Health;
use refresh::Refresher;
use ring::{Loaded, Rung};
use scopes::Scopes;

/// Keeps the data keys of an application in a [store](super::KeyStore), wrapped under one or more
/// [key-encryption keys](super::KeyEncryptionKey), and has them ready.
///
/// ```
/// # #[cfg(all(feature = "local-kek", feature = "file-store"))]
/// # fn main() -> encrypted_field::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("encrypted-field-manager-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let file = folder.join("keys.json");
/// use std::time::SystemTime;
/// use encrypted_field::envelope::{FileStore, KeyManager, LocalKek};
///
/// let kek = LocalKek::new(encrypted_field::generate_key()?)?;
/// let keys = KeyManager::builder("production", FileStore::new(&file)).kek("primary", kek).build()?;
///
/// keys.initialize(SystemTime::now()).wait()?;   // once, by an operator: makes the first key
/// keys.install().wait()?;                       // at each start: loads, and refreshes and rotates from now on
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "local-kek", feature = "file-store")))]
/// # fn main() {}
/// ```
///
/// Methods that talk to the store or a key service give a [`Call`]: `.await` it, or `.wait()` for it. A manager is cheap to
/// clone, and its clones are one.
#[derive(Clone)]
pub struct KeyManager(Arc<Inner>);

struct Inner {
    /// In every wrap and every MAC.
    key_set: Box<str>,
    store: Store,
    /// By preference.
    keks: Vec<Kek>,
    /// Names of KEKs of the store that this process does not have on purpose.
    offline_keks: Vec<String>,
    rotation: RotationPolicy,
    cache: CachePolicy,
    /// For a new store.
    propagation: Duration,
    refuse_compromised: bool,
    subkey_per_value: bool,
    min_revision: u64,
    min_epoch: u64,
    clock: Clock,
    runtime: Runtime,
    /// Taken for as long as a load or a change lasts: within a process they would only be in each other's way.
    turn: futures_util::lock::Mutex<()>,
    /// Of those who find the keys expired, one refreshes them.
    expired: futures_util::lock::Mutex<()>,
    state: Mutex<State>,
    health: Arc<Health>,
    /// What is loaded at start, as it is in use now.
    current: ArcSwapOption<Rung>,
    scopes: Scopes,
    refresher: Refresher,
    is_installed: AtomicBool,
}

/// What is known of the store.
#[derive(Default)]
struct State {
    set: Option<Arc<KeySet>>,
    store_key: Option<SecretBytes>,
    /// Keys that are unwrapped, outside of scopes that are loaded on demand.
    loaded: Loaded,
    /// When this process first saw a key pending or disabled, by a clock that nobody sets.
    first_seen: HashMap<(u32, KeyState), Duration>,
    /// When all of the store was read.
    read_all: Duration,
    /// When it was looked for a scope that is not there.
    looked_for_scope: Option<Duration>,
    /// Why rotation did not go on.
    maintenance_failure: Option<String>,
}

impl KeyManager {
    /// A manager of the key set `name` in `store`. The name is bound into everything that is stored, so that keys of `staging` are
    /// of no use in `production`; it can't be changed later.
    pub fn builder(name: impl Into<String>, store: impl super::KeyStore) -> KeyManagerBuilder {
        KeyManagerBuilder::new(name.into(), store)
    }

    /// The keys as they were loaded last, without those of scopes that are loaded on demand. Ask for it each time: what is not the
    /// latest any more is good for no longer than [`CachePolicy::max_age`] says.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`] before they were loaded.
    pub fn keyring(&self) -> Result<Arc<Keyring>> {
        let current = self.0.current.load();
        let ring = current.as_ref().map(|current| Arc::clone(&current.ring));
        ring.ok_or_else(|| {
            Error::new(ErrorKind::NoKeys).detail("they were not loaded yet; call `load` or `install`")
        })
    }

    /// The name of the key set.
    pub fn name(&self) -> &str {
        &self.0.key_set
    }

    /// Runs `work` with this manager, when the call is awaited or waited for.
    fn call<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Call::new(&self.0.runtime, work(Arc::clone(&self.0)))
    }
}

/// The right to load and to change, and since when this process has it.
struct Turn<'a> {
    _guard: futures_util::lock::MutexGuard<'a, ()>,
    at: Duration,
    date: SystemTime,
}

impl Inner {
    async fn turn(&self) -> Turn<'_> {
        let guard = self.turn.lock().await;
        // From before the store is read: what changes while it is read may not be in it.
        Turn { _guard: guard, at: self.clock.monotonic(), date: self.clock.wall() }
    }

    /// Never held while waiting for anything.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, without asking.
    fn known(&self) -> Option<Arc<KeySet>> {
        self.state().set.clone()
    }

    fn store_error(&self, kind: ErrorKind, detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        Error::new(kind).detail(detail).within(&self.store.who())
    }
}

impl fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyManager")
            .field("key_set", &self.0.key_set)
            .field("store", &self.0.store.who())
            .field("keks", &self.0.keks)
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970 (UTC).
fn seconds(date: SystemTime) -> u64 {
    date.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The date of so many seconds since 1970 (UTC); far in the future where there is none.
fn date(seconds: u64) -> SystemTime {
    // 9999-12-31: what is later is no date that anybody meant.
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799))
}
