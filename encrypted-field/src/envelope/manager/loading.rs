//! Reading the store: what is loaded is authenticated, compared with what was seen before, and
//! remembered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backends::Backends;
use super::clock::Reference;
use super::memory::{Memory, Newest, refuse_below};
use crate::envelope::record::{Entry, Head, Part, ScopeDigest, StoreMac, node_name, tampered};
use crate::envelope::view::{Found, PROCESS, View, all_names_to, names_to};
use crate::envelope::{CachePolicy, Query, Record, WrapContext};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::secret::SecretBytes;

/// All that is known is read anew after this, to see that it still stands there.
const READ_ALL_AFTER: Duration = Duration::from_hours(24);
/// How often a load is tried where others change the store meanwhile.
pub(super) const ATTEMPTS: usize = 20;

/// Whether the key service is to be asked although nothing new is in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// To see that this process still has its permission.
    Always,
    /// Only for what can't be read otherwise.
    IfNeeded,
}

/// What a store must be at least.
#[derive(Clone, Copy)]
pub(super) struct Floor {
    pub(super) revision: u64,
    pub(super) epoch: u64,
}

impl Floor {
    fn is_set(self) -> bool {
        self.revision > 0 || self.epoch > 0
    }
}

/// Reads the store, and knows what was read.
pub(super) struct Loader {
    pub(super) backends: Arc<Backends>,
    pub(super) floor: Floor,
    cache: CachePolicy,
    memory: Mutex<Memory>,
}

/// A part of the store as it was at one moment.
pub(super) struct Read {
    pub(super) head: Arc<Head>,
    pub(super) mac: StoreMac,
    pub(super) found: Found,
}

impl Loader {
    pub(super) fn new(backends: Arc<Backends>, floor: Floor, cache: CachePolicy) -> Self {
        Self { backends, floor, cache, memory: Mutex::default() }
    }

    /// Never held while waiting for anything.
    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scopes that are in use, as they are known, without asking.
    pub(super) fn known(&self) -> Option<Arc<View>> {
        self.memory().known.clone()
    }

    /// The newest head that was seen.
    pub(super) fn newest(&self) -> Option<Newest> {
        self.memory().newest.clone()
    }

    pub(super) fn reference(&self) -> Option<Reference> {
        self.memory().reference.clone()
    }

    /// Below this, every id of a scope that each process loads is known.
    pub(super) fn process_next_id(&self) -> u64 {
        self.memory().process_next_id
    }

    /// When this process first saw a key in the state that it has.
    pub(super) fn first_seen(&self, entry: &Entry) -> Option<Duration> {
        self.memory().first_seen(entry)
    }

    /// The scopes that each process loads, and those of `in_use`, as they are now.
    pub(super) async fn refresh(&self, in_use: &[Box<str>]) -> Result<Arc<View>> {
        let now = self.backends.clock.monotonic();
        let (known, read_all) = {
            let memory = self.memory();
            (memory.known.clone(), memory.read_all)
        };
        let is_due = read_all.is_none_or(|at| now >= at.saturating_add(READ_ALL_AFTER));
        let cache = known.as_deref().filter(|_| !is_due);
        self.read_anchor().await?;
        let mut query = Query::head().names([PROCESS.to_owned()]);
        let scopes: Vec<&str> = in_use.iter().map(|scope| &**scope).collect();
        query = match cache {
            Some(known) => {
                let nodes = known.nodes.keys().map(|digits| node_name(digits));
                let records = scopes.iter().map(|scope| Part::Demand.record(&ScopeDigest::of(scope)));
                let process = known.process.iter().flat_map(|process| process.records());
                query.names(nodes).names(records).names(process).after(known.head.revision)
            }
            None => query.names(names_to(&scopes, known.as_deref().map(|known| &*known.head))),
        };
        let read = self.read(query, Ask::Always).await?;
        if let Some(known) = known.as_ref().filter(|known| cache.is_some() && known.head == read.head)
            && scopes.iter().all(|scope| known.scopes.contains_key(*scope))
        {
            self.memory().refused = None;
            return Ok(Arc::clone(known));
        }
        let view = self.look(read, cache, true, &scopes).await?;
        let mut memory = self.memory();
        if is_due {
            memory.read_all = Some(now);
        }
        // It is in order, as far as this process knows it.
        memory.refused = None;
        Ok(memory.remember(view, in_use))
    }

    /// Scopes that are loaded on demand, or not there; and where it is wanted those that each
    /// process loads. What is known is not changed by it.
    pub(super) async fn look_up(&self, scopes: &[&str], with_process: bool, ask: Ask) -> Result<View> {
        let known = self.known();
        let newest = self.newest();
        let query = Query::head().names(names_to(scopes, newest.as_ref().map(|newest| &*newest.head)));
        self.refuse_refused()?;
        let read = self.read(query, ask).await?;
        self.look(read, known.as_deref(), with_process, scopes).await
    }

    /// The scopes that each process loads, with every record looked at as it stands in the store.
    pub(super) async fn fresh_process(&self) -> Result<View> {
        self.refuse_refused()?;
        let read = self.read(Query::head().names([PROCESS.to_owned()]), Ask::Always).await?;
        self.look(read, None, true, &[]).await
    }

    /// Verifies what was read; what is missing is read after it, as often as it takes.
    async fn look(
        &self,
        mut read: Read,
        cache: Option<&View>,
        with_process: bool,
        scopes: &[&str],
    ) -> Result<View> {
        let of_store = |e| self.backends.of_store(e);
        let mut with_process = with_process;
        let mut is_deep = false;
        // The records of the scopes that each process loads, as far as they are needed.
        let mut process: BTreeSet<String> = BTreeSet::new();
        for _ in 0..ATTEMPTS {
            let mut view = View::new(Arc::clone(&read.head), read.mac.clone());
            let mut is_whole = true;
            for scope in scopes {
                is_whole &= view.look_at_scope(scope, &read.found, cache).map_err(of_store)?.is_none();
            }
            // One that was there and is not may have become one that each process loads.
            let is_gone = |scope: &&&str| view.scopes.get(**scope).is_some_and(Option::is_none);
            with_process |= scopes.iter().filter(is_gone).any(|scope| self.memory().knows(scope));
            // Before anything of a newer store is used, all that is known of it is compared.
            with_process |= self.memory().is_news(&read.head);
            if with_process {
                let missing = view.look_at_process(&read.found, cache).map_err(of_store)?;
                is_whole &= missing.is_empty();
                process.extend(missing);
            }
            if is_whole {
                self.saw(&view)?;
                return Ok(view);
            }
            // Once more with all that is needed, so that it is all of one moment.
            let mut query = Query::head().names(names_to(scopes, Some(&read.head)));
            if is_deep {
                query = query.names(all_names_to(scopes));
            }
            is_deep = true;
            if with_process {
                query = query.names([PROCESS.to_owned()]).names(process.iter().cloned());
            }
            read = self.read_after(query, &read).await?;
        }
        Err(self.busy())
    }

    pub(super) fn busy(&self) -> Error {
        self.backends.store_error(ErrorKind::KeyStoreBusy, "it was changed each time that it was read")
    }

    /// One load, whose head is authentic and follows what was seen.
    pub(super) async fn read(&self, query: Query, ask: Ask) -> Result<Read> {
        self.read_with(query, ask, None).await
    }

    /// One more of the same look: the key service was asked already.
    pub(super) async fn read_after(&self, query: Query, before: &Read) -> Result<Read> {
        self.read_with(query, Ask::IfNeeded, Some((&before.head, &before.mac))).await
    }

    async fn read_with(&self, query: Query, ask: Ask, before: Option<(&Head, &StoreMac)>) -> Result<Read> {
        if self.newest().is_none() {
            self.read_anchor().await?;
        }
        for _ in 0..ATTEMPTS {
            let began_with = self.newest();
            let loaded = self.backends.load(&query).await?;
            if loaded.records.is_empty() {
                return Err(self.empty(began_with.is_some()).await);
            }
            let head = Head::read(&loaded.records).map_err(|e| self.backends.of_store(e))?;
            let found = Found::new(loaded.records, query.clone()).map_err(|e| self.backends.of_store(e))?;
            let known = began_with.as_ref().map(|newest| (&*newest.head, &newest.mac));
            let mac = self.authenticate(&head, before.or(known), ask).await?;
            self.memory().reference = self.reference_of(loaded.time);
            let began_at = began_with.map_or((0, 0), |newest| newest.head.age());
            let checked = self.refuse_unfit(&head).and_then(|()| self.memory().check(&head, began_at));
            // Unless another load of this process was faster, and this one is out of date, and not
            // set back.
            if checked.map_err(|e| self.refuse(e))? {
                return Ok(Read { head: Arc::new(head), mac, found });
            }
        }
        Err(self.busy())
    }

    /// All that is stored and its head, authentic but not compared with anything: for a store that
    /// somebody accepts.
    pub(super) async fn read_unchecked(&self) -> Result<View> {
        let mut names = BTreeSet::from([PROCESS.to_owned()]);
        for _ in 0..ATTEMPTS {
            let query = Query::head().names(names.iter().cloned());
            let loaded = self.backends.load(&query).await?;
            if loaded.records.is_empty() {
                return Err(self.empty(true).await);
            }
            let head = Head::read(&loaded.records).map_err(|e| self.backends.of_store(e))?;
            let mac = self.authenticate(&head, None, Ask::Always).await?;
            self.memory().reference = self.reference_of(loaded.time);
            let mut view = View::new(Arc::new(head), mac);
            let found = Found::new(loaded.records, query).map_err(|e| self.backends.of_store(e))?;
            let missing = view.look_at_process(&found, None).map_err(|e| self.backends.of_store(e))?;
            if missing.is_empty() {
                return Ok(view);
            }
            names.extend(missing);
        }
        Err(self.busy())
    }

    /// That the store is empty, and may be made.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`], [`ErrorKind::KeyStoreRolledBack`].
    pub(super) async fn check_empty(&self) -> Result<()> {
        let query = Query::head().names([PROCESS.to_owned(), node_name("")]);
        let loaded = self.backends.load(&query).await?;
        if loaded.records.iter().any(Record::is_head) {
            let detail = "it has keys already; `load` them";
            return Err(self.backends.store_error(ErrorKind::KeyLifecycle, detail));
        }
        if !loaded.records.is_empty() {
            let error = tampered("it has records and no head: restore it from a backup");
            return Err(self.backends.of_store(error));
        }
        self.memory().reference = self.reference_of(loaded.time);
        let had_keys = self.memory().newest.is_some();
        match self.is_lost(had_keys).await? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// What to say of an empty store.
    async fn empty(&self, had_keys: bool) -> Error {
        match self.is_lost(had_keys).await {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) => self.backends.store_error(
                ErrorKind::KeyStoreUnusable,
                "it is empty; if it never had keys, make its first one with `initialize`, once; if it had, restore it from a backup",
            ),
        }
    }

    /// Why an empty store can't be a new one.
    async fn is_lost(&self, had_keys: bool) -> Result<Option<Error>> {
        let why = if had_keys {
            "had keys before"
        } else if self.floor.is_set() {
            "must have some by the minimum revision or epoch that is configured"
        } else if self.read_anchor().await? {
            "must have some by its anchor"
        } else {
            return Ok(None);
        };
        let detail = format!("it is empty, and {why}: its keys are lost; restore it from a backup");
        Ok(Some(self.refuse(Error::new(ErrorKind::KeyStoreRolledBack).detail(detail))))
    }

    /// What the head is authenticated with.
    async fn authenticate(
        &self,
        head: &Head,
        known: Option<(&Head, &StoreMac)>,
        ask: Ask,
    ) -> Result<StoreMac> {
        if let Some((known, mac)) = known
            && ask == Ask::IfNeeded
            && (known.store, known.epoch) == (head.store, head.epoch)
            && known.store_key == head.store_key
            && head.check(mac).map_err(|e| self.backends.of_store(e))?
        {
            return Ok(mac.clone());
        }
        let key_set = &*self.backends.key_set;
        let is_it = |key: &SecretBytes| head.check_store_key(key, key_set);
        let context = WrapContext::store(key_set, head.store, head.epoch);
        let store_key = self.backends.unwrap(&context, &head.store_key, &is_it).await;
        let store_key = store_key.map_err(|e| match e.kind() {
            ErrorKind::KeyStoreTampered | ErrorKind::KeyStoreUnusable => self.backends.of_store(e),
            _ => e.within("the key that authenticates the store"),
        })?;
        Ok(StoreMac::new(&store_key, key_set))
    }

    fn refuse_unfit(&self, head: &Head) -> Result<()> {
        let Floor { revision, epoch } = self.floor;
        let below = |what: &str, is: u64, least: u64| {
            let detail = format!("it has {what} {is}, below the minimum {least}");
            Err(Error::new(ErrorKind::KeyStoreRolledBack).detail(detail))
        };
        if head.epoch < epoch {
            return below("epoch", head.epoch, epoch);
        }
        if head.revision < revision {
            return below("revision", head.revision, revision);
        }
        let lease = self.cache.lease();
        let detail = if Duration::from_secs(head.propagation) < lease {
            format!(
                "its keys become active {} s after they are published, and this process may use old ones for {} s; shorten \
                 the maximum age of its cache",
                head.propagation,
                lease.as_secs()
            )
        } else if head.heartbeat > 0 && Duration::from_secs(head.heartbeat) < self.cache.refresh {
            format!(
                "its head is signed every {} s, and this process refreshes every {} s: it would take the store for frozen; shorten the \
                 refresh interval of its cache",
                head.heartbeat,
                self.cache.refresh.as_secs()
            )
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::KeyStoreUnusable).detail(detail))
    }

    /// Whether the anchor knows a newer head than the one a change starts from. Another process may
    /// just have written it, so this alone is no rollback: the next look at the store tells.
    pub(super) async fn is_overtaken(&self, head: &Head) -> Result<bool> {
        self.read_anchor().await?;
        let anchor = self.memory().anchor;
        Ok(anchor.is_some_and(|anchor| refuse_below(head, anchor).is_err()))
    }

    /// Asks the anchor how new the store is at least: before the store is read, for what is changed
    /// meanwhile raises both. Gives whether it says anything.
    async fn read_anchor(&self) -> Result<bool> {
        let anchor = match self.backends.read_anchor().await {
            Ok(anchor) => anchor,
            // A process that has seen the store has a memory of its own, and goes on.
            Err(error) if self.newest().is_some() => {
                event::emit(&Event::AnchorFailed { key_set: &self.backends.key_set, error: &error });
                None
            }
            Err(error) => return Err(error),
        };
        let mut memory = self.memory();
        memory.anchor = anchor.or(memory.anchor);
        Ok(memory.anchor.is_some())
    }

    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`] where the store was refused, and no refresh has found it
    /// in order since.
    pub(super) fn refuse_refused(&self) -> Result<()> {
        match self.memory().refused.clone() {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::KeyStoreRolledBack).detail(why)),
        }
    }

    /// Of a store that was set back: said by an event, too.
    fn refuse(&self, error: Error) -> Error {
        let error = self.backends.of_store(error);
        if error.kind() == ErrorKind::KeyStoreRolledBack {
            self.memory().refused = Some(error.details().to_owned());
            event::emit(&Event::StoreRolledBack { key_set: &self.backends.key_set, error: &error });
        }
        error
    }

    pub(super) fn reference_of(&self, store: Option<std::time::SystemTime>) -> Option<Reference> {
        let clock = &self.backends.clock;
        // Whoever can write to the store may also set its clock.
        let of_store = || store.map(|time| (time, self.backends.store.name()));
        let (time, whose) = self.backends.service_time().or_else(of_store)?;
        Some(Reference::new(time, whose, clock))
    }

    /// Compares what was looked at with what was seen before, and keeps in mind what it was.
    pub(super) fn saw(&self, view: &View) -> Result<()> {
        let seen = self.memory().saw(view, &self.backends.clock);
        seen.map_err(|e| self.refuse(e))
    }

    /// What this process has written.
    pub(super) fn wrote(&self, after: View) -> Result<()> {
        self.saw(&after)?;
        self.memory().wrote(after);
        Ok(())
    }

    /// One more scope that is in use.
    pub(super) fn entered(&self, view: &View, scope: &str) {
        self.memory().entered(view, scope, self.cache.max_scopes.saturating_mul(2));
    }
}
