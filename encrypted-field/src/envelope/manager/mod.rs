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
mod lease;
mod loading;
mod lookup;
mod maintenance;
mod memory;
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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

pub use builder::KeyManagerBuilder;
pub use consistency::{Consistency, WrapProblem};
pub use maintenance::Maintenance;
pub use restore::RestoredStore;
pub use rewrap::RewrapReport;
pub use scope_destruction::DestroyedScope;
pub use status::{KeyPage, KeyStatus, StoreStatus};

use super::CachePolicy;
use super::draft::Note;
use super::runtime::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{Keyring, Scope};
use changes::Changes;
use lease::Health;
use loading::Loader;
use maintenance::Patrol;
use refreshing::{Refresher, Turn};
use ring::Finder;
use rings::{ProcessRing, not_loaded};
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
/// Which call is for what:
///
/// | call | when | what it does |
/// |---|---|---|
/// | [`initialize`](Self::initialize) | once, by an operator | makes the store and its first key |
/// | [`initialize_with`](Self::initialize_with) | in place of it | makes the store of keys that are in use already |
/// | [`install`](Self::install) | at each start | loads, and keeps the keys of this process up to date |
/// | [`start`](Self::start) | at each start | as `install`, for a second key set, whose ring is passed by hand |
/// | [`load`](Self::load) | in a command | loads once: nothing is refreshed, rotated or signed by it |
/// | [`maintain`](Self::maintain) | without `install` or `start` | does once what their thread does about rotation |
/// | [`create`](Self::create) | for a new `scope = "…"` | makes the first key of a scope that each process loads: pending |
/// | [`provision`](Self::provision) | for a new tenant | makes the first key of a scope that is loaded on demand: active |
/// | [`publish`](Self::publish) | to rotate by hand | makes the next key of a scope of either kind: pending |
/// | [`activate`](Self::activate) | after that | makes a pending key the one that seals |
///
/// Methods that talk to the store or a key service give a [`Call`]: `.await` it, or `.wait()` for
/// it. A manager is cheap to clone, and its clones are one.
#[derive(Clone)]
pub struct KeyManager {
    inner: Arc<Inner>,
    /// What is kept with each change that is made through this clone.
    note: Arc<Note>,
}

struct Inner {
    loader: Arc<Loader>,
    changes: Changes,
    process: ProcessRing,
    scopes: Scopes,
    health: Arc<Health>,
    refresher: Refresher,
    patrol: Patrol,
    /// Scopes with keys that are dated into the future, and one of these.
    dated_ahead: Mutex<BTreeMap<Box<str>, u32>>,
    /// Whether the thread does what is due, or only refreshes.
    maintains: bool,
    /// Whether it was told that the head is frozen.
    is_frozen_told: AtomicBool,
    /// What the thread keeps with its changes.
    note: Arc<Note>,
    cache: CachePolicy,
    /// Taken for as long as a refresh or a change lasts: within a process they would only be in
    /// each other's way.
    turn: futures_util::lock::Mutex<()>,
    /// Of those who find the keys expired, one refreshes them.
    expired: futures_util::lock::Mutex<()>,
}

impl KeyManager {
    /// A manager of the key set `name` in `store`. The name is bound into everything that is
    /// stored, so that keys of `staging` are of no use in `production`; it can't be changed later.
    pub fn builder(name: impl Into<String>, store: impl super::KeyStore) -> KeyManagerBuilder {
        KeyManagerBuilder::new(name.into(), store)
    }

    /// The same manager, which keeps with each change who made it and why: at most 200 and 500
    /// bytes, cut off beyond. Both are stored in the clear, and authenticated; [`KeyStatus`] shows
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
    /// Where the head was not signed for too long, this succeeds, and values open; sealing fails
    /// with [`ErrorKind::KeyStoreFrozen`] until somebody [maintains](Self::maintain) the store.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnavailable`], [`ErrorKind::KeyServiceUnavailable`] and the others of
    /// both; [`ErrorKind::KeyStoreTampered`], [`ErrorKind::KeyStoreRolledBack`],
    /// [`ErrorKind::WrappedKeyRejected`]. Keys that were loaded before stay in use, for as long as
    /// [`CachePolicy::max_age`] says.
    pub fn load(&self) -> Call<()> {
        self.call(|inner, _| async move {
            let refreshed = inner.refresh().await;
            inner.tell_if_frozen();
            refreshed
        })
    }

    /// Loads the keys and makes them the [keys of this process](crate::install), and keeps them up
    /// to date from now on: a thread of the library's refreshes them, does what the
    /// [policy](super::RotationPolicy) says about rotation, and signs the head of the store anew
    /// where nobody else has.
    ///
    /// Where loading fails, the thread goes on trying, for a program that starts nevertheless.
    /// After a `fork`, call it again in the child: threads don't follow there. One manager of a
    /// process is installed; [`start`](Self::start) others.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`ErrorKind::KeyConflict`] as [`install`](crate::install).
    pub fn install(&self) -> Call<()> {
        let manager = self.clone();
        self.call(|inner, _| async move {
            keep(&manager)?;
            inner.process.install();
            inner.start().await
        })
    }

    /// As [`install`](Self::install), but leaves the keys of the process as they are: for a second
    /// key set, whose [`keyring`](Self::keyring) is passed by hand. Ends when the last clone of the
    /// manager is dropped.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn start(&self) -> Call<()> {
        self.call(|inner, _| async move { inner.start().await })
    }

    /// The keys as they were loaded last, without those of scopes that are loaded on demand. Ask
    /// for it each time: what is not the latest any more is good for no longer than
    /// [`CachePolicy::max_age`] says.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`] before they were loaded.
    pub fn keyring(&self) -> Result<Arc<Keyring>> {
        self.inner.process.get().ok_or_else(not_loaded)
    }

    /// The scope of this name, with its keys loaded, ready to be [entered](Scope::enter). Where
    /// they are loaded already this asks nobody; else it is one read of the store, and one call to
    /// a key service for each of its keys (not those disabled or destroyed). Ask for it at each
    /// request: what is held for longer than [`CachePolicy::max_age`] may have expired.
    ///
    /// ```
    /// # use encrypted_field::envelope::KeyManager;
    /// # async fn handle(keys: &KeyManager, tenant: &str) -> encrypted_field::Result<()> {
    /// keys.scope(tenant).await?.enter(async {
    ///     // … queries of this tenant's rows
    /// }).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NoActiveKey`] where it has no key: [`provision`](Self::provision) its first
    /// one. [`ErrorKind::KeyNotLoaded`] where it was not there a moment ago. [`ErrorKind::NoScope`]
    /// for the default scope and for scopes that are loaded with the process: those are no
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
    /// Everything up to date, and the keys confirmed.
    async fn refresh(self: &Arc<Self>) -> Result<()> {
        let _turn = self.turn.lock().await;
        let clock = &self.loader.backends.clock;
        // From before the store is read: what changes while it is read may not be in it.
        let (at, date) = (clock.monotonic(), clock.wall());
        let refreshed = self.refresh_in_turn(at, date).await;
        match &refreshed {
            Ok(()) => event::emit(&Event::KeysRefreshed { key_set: self.key_set() }),
            Err(error) => self.not_refreshed(error),
        }
        refreshed
    }

    async fn refresh_in_turn(self: &Arc<Self>, at: Duration, date: std::time::SystemTime) -> Result<()> {
        let view = self.loader.refresh(&self.scopes.in_use()).await?;
        let process = view.process.as_ref().ok_or_else(not_loaded)?;
        self.process.use_keys(process, self.finder()).await?;
        // Before those of scopes, of which there may be many.
        self.health.confirm(at, date);
        self.process.extend();
        self.check_freshness();
        self.scopes.refresh(&view, &self.finder()).await;
        self.refresher.loaded(at);
        Ok(())
    }

    /// A change of the store: one of this process at a time. What it has written is used here at once.
    /// It confirms no key: only a refresh has looked at all that are in use.
    async fn in_turn<T>(self: &Arc<Self>, change: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let _turn = self.turn.lock().await;
        let changed = change.await;
        self.follow().await;
        changed
    }

    /// Makes use of what this process has written. What can't be used now, the next refresh sees to.
    async fn follow(self: &Arc<Self>) {
        let Some(view) = self.loader.known() else { return };
        let Some(process) = &view.process else { return };
        if let Err(error) = self.process.use_keys(process, self.finder()).await {
            self.not_refreshed(&error);
        }
        self.check_freshness();
        self.scopes.forget_misses();
        self.scopes.refresh(&view, &self.finder()).await;
    }

    fn not_refreshed(&self, error: &Error) {
        self.health.failed(error);
        event::emit(&Event::RefreshFailed { key_set: self.key_set(), kind: error.kind() });
    }

    /// Until when the newest head is good for sealing: twice the time after which it is to be
    /// signed anew.
    fn check_freshness(&self) {
        let Some(newest) = self.loader.newest() else { return };
        self.health.fresh_until(newest.fresh_until);
    }

    /// Says it once, and only where nobody here is about to sign the head.
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
            let _one = self.expired.lock().await;
            if !self.health.is_current() {
                self.refresh().await?;
            }
        }
        self.scopes.enter(name, self.finder()).await
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
            inner.tell_if_frozen();
            refreshed.map(|()| unfinished)
        };
        let runtime = &self.loader.backends.runtime;
        // A panic of somebody's key-encryption key, store or hook must not end this.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.wait(Box::pin(work))));
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
}

/// The manager whose keys are those of the process lives as long as it does.
///
/// # Errors
/// [`ErrorKind::KeyConflict`] where another one is.
fn keep(manager: &KeyManager) -> Result<()> {
    static INSTALLED: OnceLock<KeyManager> = OnceLock::new();
    if Arc::ptr_eq(&INSTALLED.get_or_init(|| manager.clone()).inner, &manager.inner) {
        return Ok(());
    }
    let detail =
        "another key manager is installed in this process; `start` this one, and pass its `keyring` by hand";
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
