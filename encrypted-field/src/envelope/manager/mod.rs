//! The key manager: what loads, publishes, rotates and destroys the keys of a store.
//!
//! ```text
//! KeyManager ── Inner: coordinates
//!   Changes ─────── makes drafts of what changes, and writes them
//!   Scopes ──────── the rings of scopes that were entered ──┐
//!   ProcessRing ─── the ring of the process ────────────────┤── RingMaker: unwraps keys, makes rings
//!   Loader ──────── reads the store and verifies it
//!   Memory ──────── what this process knows of the store, and what may not be undone
//!   Refresher ───── the thread, and what is asked of it
//!   Health, Lease ─ for how long keys are good
//!   Backends ────── calls to the store, the KEKs and the anchor, bounded in time
//! ```
//!
//! Each part knows those below it and nothing above. The operations of [`KeyManager`] stand in
//! files of their own.

mod backends;
mod builder;
mod changes;
mod clock;
mod consistency;
mod initialize;
mod kek_check;
mod lease;
mod loading;
mod lookup;
mod maintenance;
mod memory;
mod outage;
mod pages;
mod refreshing;
mod restore;
mod rewrap;
mod ring;
mod rings;
mod rotation;
mod scope_destruction;
mod scopes;
mod states;
mod status;
mod turns;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, SystemTime};

pub use builder::KeyManagerBuilder;
pub use consistency::{Consistency, WrapProblem};
pub use maintenance::Maintenance;
pub use outage::Failure;
pub use restore::RestoredStore;
pub use rewrap::RewrapReport;
pub use scope_destruction::DestroyedScope;
pub use status::{
    Health, KekStatus, KeyPage, KeyStatus, MissingWraps, Problem, RefusedStore, Status, StoreStatus,
};

use super::CachePolicy;
use super::draft::Note;
use super::runtime::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{Keyring, Scope, await_ring};
use crate::key_id::KeyId;
use changes::Changes;
use kek_check::KekChecks;
use loading::Loader;
use maintenance::Patrol;
use outage::Outage;
use refreshing::{Refresher, Turn};
use ring::Finder;
use rings::ProcessRing;
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
/// use encrypted_field::envelope::{FileStore, KeyManager, LocalKek};
///
/// let kek = LocalKek::new(encrypted_field::generate_key()?)?;
/// let keys = KeyManager::builder("production", FileStore::new(&file)).kek("primary", kek).build()?;
///
/// keys.initialize().wait()?;   // once, by an operator: makes the first key
/// keys.install().wait()?;      // at each start: loads, and refreshes and rotates from now on
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "local-kek", feature = "file-store")))]
/// # fn main() {}
/// ```
///
/// The first day: [`initialize`](Self::initialize), once, and then [`install`](Self::install) in
/// each process. Nothing else is needed.
///
/// | starting | by whom | what it does |
/// |---|---|---|
/// | [`initialize`](Self::initialize) | an operator, once | makes the store and its first key |
/// | [`initialize_with`](Self::initialize_with) | in place of it | makes the store of keys that are in use already |
/// | [`install`](Self::install) | each process, at its start | loads, and keeps the keys of this process up to date |
/// | [`start`](Self::start) | each process, at its start | as `install`, for a second key set, whose ring is passed by hand |
/// | [`load`](Self::load) | a command or a test | loads once. A service that calls only this stops within the hour |
/// | [`maintain`](Self::maintain) | a cron job, where no process runs `install` all the time | does once what their thread does about rotation |
///
/// | new scopes | for what | the key |
/// |---|---|---|
/// | [`create`](Self::create) | a `scope = "…"` that each process loads | is pending, and becomes active by itself after the propagation time, 70 minutes; or by `activate_at_once` |
/// | [`provision`](Self::provision), [`provision_all`](Self::provision_all) | tenants, which are loaded on demand | is active at once |
///
/// | rotating by hand | when | the key |
/// |---|---|---|
/// | [`publish`](Self::publish) | first | is the next one of a scope of either kind: pending, and loaded by every process |
/// | [`activate`](Self::activate) | after the propagation time | seals from now on; the one before it is retired |
/// | [`activate_at_once`](Self::activate_at_once) | where the one before it is compromised | as that, without waiting for other processes |
///
/// Methods that talk to the store or a key service give a [`Call`]: `.await` it, or `.wait()` for
/// it. A manager is cheap to clone, and its clones are one.
#[derive(Clone)]
pub struct KeyManager {
    inner: Arc<Inner>,
    /// The note that is kept with each change that is made through this clone.
    note: Arc<Note>,
}

struct Inner {
    loader: Arc<Loader>,
    changes: Changes,
    process: ProcessRing,
    scopes: Scopes,
    health: Arc<lease::Health>,
    refresher: Refresher,
    patrol: Patrol,
    checks: Mutex<KekChecks>,
    /// When a status was last asked for that was not healthy.
    last_ill: Mutex<Option<SystemTime>>,
    /// Scopes with keys that are dated into the future, and one of these.
    dated_ahead: Mutex<BTreeMap<Box<str>, u32>>,
    /// Whether the thread does what is due, or only refreshes.
    maintains: bool,
    /// Whether it was told that the head is frozen.
    is_frozen_told: AtomicBool,
    /// The note that the thread keeps with its changes.
    note: Arc<Note>,
    cache: CachePolicy,
    /// Taken for as long as a refresh or a change lasts: within a process they would only be in
    /// each other's way.
    turn: futures_util::lock::Mutex<()>,
    /// The outage that keeps the keys from being refreshed.
    outage: Outage,
}

impl KeyManager {
    /// A manager of the key set `name` in `store`. The name is bound into everything that is
    /// stored, so that keys of `staging` are of no use in `production`. It can't be changed later.
    pub fn builder(name: impl Into<String>, store: impl super::KeyStore) -> KeyManagerBuilder {
        KeyManagerBuilder::new(name.into(), store)
    }

    /// The same manager, which keeps with each change who made it and why: at most 200 and 500
    /// bytes, cut off beyond. Both are stored in the clear, and authenticated. [`KeyStatus`] shows
    /// them.
    ///
    /// ```
    /// # use encrypted_field::{KeyId, Result, envelope::KeyManager};
    /// # fn run(keys: &KeyManager, id: KeyId) -> Result<()> {
    /// keys.noting("alice", "laptop stolen, ticket 42").mark_compromised(id).wait()
    /// # }
    /// ```
    #[must_use]
    pub fn noting(&self, by: &str, why: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), note: Arc::new(Note::new(by, why)) }
    }

    /// Loads the keys, or what has changed of them. One read of the store and one call to a key
    /// service, and one more for each key that is new here (16 at a time).
    ///
    /// If the head was not signed for too long, this succeeds, and values open. But sealing fails
    /// with [`ErrorKind::KeyStoreFrozen`] until somebody [maintains](Self::maintain) the store.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnavailable`], [`ErrorKind::KeyServiceUnavailable`] and the others of
    /// both. [`ErrorKind::KeyStoreTampered`], [`ErrorKind::KeyStoreRolledBack`],
    /// [`ErrorKind::WrappedKeyRejected`]. Keys that were loaded before stay in use, for as long as
    /// [`CachePolicy::max_age`] says.
    pub fn load(&self) -> Call<()> {
        self.call(|inner, _| async move {
            let refreshed = inner.refresh().await;
            inner.tell_if_frozen();
            refreshed
        })
    }

    /// Loads the keys, makes them the [keys of this process](crate::install), and keeps them up to
    /// date from now on. A thread of the library refreshes them, does what the
    /// [policy](super::RotationPolicy) says about rotation, and signs the head of the store anew if
    /// nobody else has.
    ///
    /// If loading fails, the thread goes on trying, for a program that starts nevertheless. After a
    /// `fork`, call it again in the child: threads don't follow there. One manager of a process is
    /// installed. [`start`](Self::start) others.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`ErrorKind::KeyConflict`] as [`install`](crate::install).
    pub fn install(&self) -> Call<()> {
        let manager = self.clone();
        self.call(|inner, _| async move {
            keep(&manager)?;
            let weak = Arc::downgrade(&inner);
            await_ring(move || {
                weak.upgrade().map_or_else(never_loaded, |inner| inner.not_loaded())
            });
            inner.process.install();
            inner.start().await
        })
    }

    /// As [`install`](Self::install), but leaves the keys of the process as they are. This is for a
    /// second key set, whose [`keyring`](Self::keyring) is passed by hand. Ends when the last clone
    /// of the manager is dropped.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn start(&self) -> Call<()> {
        self.call(|inner, _| async move { inner.start().await })
    }

    /// The keys as they were loaded last, without those of scopes that are loaded on demand. Ask
    /// for it each time. A ring that is not the latest any more is good for no longer than
    /// [`CachePolicy::max_age`] says.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`] before they were loaded. If loading them has failed so far, the error
    /// is the one of that failure.
    pub fn keyring(&self) -> Result<Arc<Keyring>> {
        self.inner.process.get().ok_or_else(|| self.inner.not_loaded())
    }

    /// The scope of this name, with its keys loaded, ready to be [entered](Scope::enter). If they
    /// are loaded already, this asks nobody. Otherwise it is one read of the store, and one call to
    /// a key service for each of its keys (not those disabled or destroyed). Ask for it at each
    /// request. A scope that is held for longer than [`CachePolicy::max_age`] may have expired.
    ///
    /// ```
    /// # use encrypted_field::envelope::KeyManager;
    /// # async fn handle(keys: &KeyManager, tenant: &str) -> encrypted_field::Result<()> {
    /// keys.scope(tenant).await?.enter(async || {
    ///     // … queries of this tenant's rows
    /// }).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoActiveKey`] if it has no key: [`provision`](Self::provision) its first one.
    /// [`ErrorKind::KeyNotLoaded`] if it was not there a moment ago. [`ErrorKind::InvalidScope`]
    /// for the empty name, and for scopes that are loaded with the process, because those are no
    /// tenant's. Those of the store and the key services.
    pub fn scope(&self, name: &str) -> Call<Scope> {
        let name = name.to_owned();
        self.call(|inner, _| async move { inner.scope(&name).await })
    }

    /// The name of the key set.
    pub fn name(&self) -> &str {
        &self.inner.loader.backends.key_set
    }

    /// Runs `work` with this manager, when the call is awaited or waited for.
    fn call<T, F>(&self, work: impl FnOnce(Arc<Inner>, Arc<Note>) -> F) -> Call<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = &self.inner.loader.backends.runtime;
        Call::new(runtime, work(Arc::clone(&self.inner), Arc::clone(&self.note)))
    }
}

impl Inner {
    /// Until when the newest head is good for sealing: twice the time after which it must be signed
    /// anew.
    fn check_freshness(&self) {
        let Some(newest) = self.loader.newest() else { return };
        self.health.fresh_until(newest.fresh_until);
    }

    /// Says it once, and only if nobody here is about to sign the head.
    fn tell_if_frozen(&self) {
        let is_frozen = self.health.is_frozen();
        if is_frozen && !self.is_frozen_told.swap(is_frozen, Ordering::Relaxed) {
            event::emit(&Event::StoreFrozen { key_set: self.key_set() });
        }
        self.is_frozen_told.store(is_frozen, Ordering::Relaxed);
    }

    /// Starts the thread, and loads.
    async fn start(self: &Arc<Self>) -> Result<()> {
        self.refresher.start(self)?;
        self.refresh().await?;
        if self.maintains && self.health.is_frozen() {
            // After a time in which no process ran nobody has signed the head: this one does it, if
            // it may.
            self.maintain_and_tell(&self.note).await;
        }
        self.tell_if_frozen();
        Ok(())
    }

    async fn scope(self: &Arc<Self>, name: &str) -> Result<Scope> {
        if let Some(scope) = self.scopes.ready(name) {
            return Ok(scope);
        }
        if !self.health.is_current() {
            self.refresh_expired().await?;
        }
        self.scopes.enter(name, self.finder()).await
    }

    /// Why there are no keys yet.
    fn not_loaded(&self) -> Error {
        match self.health.refresh_failure() {
            None => never_loaded(),
            Some(failure) => failure.error("the keys could not be loaded so far"),
        }
    }

    fn finder(self: &Arc<Self>) -> Weak<dyn Finder> {
        // In two steps: coercing is not done inside of a call.
        let weak: Weak<Self> = Arc::downgrade(self);
        weak
    }

    fn key_set(&self) -> &str {
        &self.loader.backends.key_set
    }
}

impl refreshing::Work for Inner {
    fn turn(self: Arc<Self>) -> Turn {
        let inner = Arc::clone(&self);
        let work = async move {
            let refreshed = inner.refresh().await;
            let is_due = inner.maintains && refreshed.is_ok();
            let unfinished = is_due && inner.maintain_and_tell(&inner.note).await;
            if refreshed.is_ok() {
                inner.check_keks_if_due().await;
            }
            inner.tell_if_frozen();
            refreshed.map(|()| unfinished)
        };
        let runtime = &self.loader.backends.runtime;
        // A panic of somebody's key-encryption key, store or hook must not end this.
        let done =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.wait(Box::pin(work))));
        match done {
            Ok(Ok(true)) => Turn::Unfinished,
            Ok(Ok(false)) => Turn::Done,
            Ok(Err(_)) => Turn::Failed,
            Err(_) => {
                let detail = "refreshing the keys has panicked";
                self.health.failed(&Error::new(ErrorKind::KeyServiceUnavailable).detail(detail));
                Turn::Failed
            }
        }
    }

    fn interval(&self) -> Duration {
        self.cache.refresh
    }

    fn is_loaded(&self) -> bool {
        self.process.get().is_some()
    }

    fn has(&self, id: KeyId, scope: Option<&str>) -> bool {
        self.in_rings(id, scope).is_some()
    }
}

/// Before anybody has tried.
fn never_loaded() -> Error {
    Error::new(ErrorKind::NoKeys).detail("they were not loaded yet; call `load` or `install`")
}

/// The manager whose keys are those of the process lives as long as it does.
///
/// # Errors
/// [`ErrorKind::KeyConflict`] if another one is.
fn keep(manager: &KeyManager) -> Result<()> {
    static INSTALLED: OnceLock<KeyManager> = OnceLock::new();
    if Arc::ptr_eq(&INSTALLED.get_or_init(|| manager.clone()).inner, &manager.inner) {
        return Ok(());
    }
    let detail = "another key manager is installed in this process; `start` this one, and pass its `keyring` by hand";
    Err(Error::new(ErrorKind::KeyConflict).detail(detail))
}

impl fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backends = &self.inner.loader.backends;
        f.debug_struct("KeyManager")
            .field("key_set", &backends.key_set)
            .field("store", &backends.store.name())
            .field("keks", &backends.keks)
            .finish_non_exhaustive()
    }
}
