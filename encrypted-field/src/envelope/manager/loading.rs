//! Reading the store. The result is authenticated, compared with what was seen before, and
//! remembered.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backends::Backends;
use super::clock::Reference;
use super::memory::{Memory, Newest, refuse_below};
use crate::envelope::backend::OtherKek;
use crate::envelope::record::{Entry, Head, Part, ScopeDigest, StoreMac, node_name, tampered};
use crate::envelope::view::{Found, PROCESS, View, all_names_to, names_to};
use crate::envelope::{CachePolicy, Query, Record, WrapContext};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::secret::SecretBytes;

/// All that is known is read anew after this, to see that it still stands there.
const READ_ALL_AFTER: Duration = Duration::from_hours(24);
/// How often a load is tried if others change the store meanwhile.
pub(super) const ATTEMPTS: usize = 20;

/// Whether the key service must be asked although nothing new is in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// To see that this process still has its permission.
    Always,
    /// Only if the content can't be read otherwise.
    IfNeeded,
}

/// The least revision and epoch that a store must have.
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
                let records =
                    scopes.iter().map(|scope| Part::Demand.record(&ScopeDigest::of(scope)));
                let process = known.process.iter().flat_map(|process| process.records());
                query.names(nodes).names(records).names(process).after(known.head.revision)
            }
            None => query.names(names_to(&scopes, known.as_deref().map(|known| &*known.head))),
        };
        let read = self.read(query, Ask::Always).await?;
        if let Some(known) =
            known.as_ref().filter(|known| cache.is_some() && known.head == read.head)
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

    /// Looks at scopes that are loaded on demand, or not there. If wanted, it also looks at those
    /// that each process loads. It does not change what is known.
    pub(super) async fn look_up(
        &self,
        scopes: &[&str],
        with_process: bool,
        ask: Ask,
    ) -> Result<View> {
        let known = self.known();
        let newest = self.newest();
        let query =
            Query::head().names(names_to(scopes, newest.as_ref().map(|newest| &*newest.head)));
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

    /// Verifies what was read. Missing records are read after it, as often as it takes.
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
                is_whole &=
                    view.look_at_scope(scope, &read.found, cache).map_err(of_store)?.is_none();
            }
            // If a scope was there and is not any more, it may have become one that each process
            // loads.
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
        self.backends
            .store_error(ErrorKind::KeyStoreBusy, "it was changed each time that it was read")
    }

    /// One load, whose head is authentic and follows what was seen.
    pub(super) async fn read(&self, query: Query, ask: Ask) -> Result<Read> {
        self.read_with(query, ask, None).await
    }

    /// One more attempt of the same look. The key service was asked already.
    pub(super) async fn read_after(&self, query: Query, before: &Read) -> Result<Read> {
        self.read_with(query, Ask::IfNeeded, Some((&before.head, &before.mac))).await
    }

    async fn read_with(
        &self,
        query: Query,
        ask: Ask,
        before: Option<(&Head, &StoreMac)>,
    ) -> Result<Read> {
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
            let found =
                Found::new(loaded.records, query.clone()).map_err(|e| self.backends.of_store(e))?;
            let known = began_with.as_ref().map(|newest| (&*newest.head, &newest.mac));
            let mac = self.authenticate(&head, before.or(known), ask).await?;
            self.memory().reference = self.reference_of(loaded.time);
            let began_at = began_with.map_or((0, 0), |newest| newest.head.age());
            let checked =
                self.refuse_unfit(&head).and_then(|()| self.memory().check(&head, began_at));
            // Unless another load of this process was faster, and this one is out of date, and not
            // set back.
            if checked.map_err(|e| self.refuse(e, Some(&head)))? {
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
            let missing =
                view.look_at_process(&found, None).map_err(|e| self.backends.of_store(e))?;
            if missing.is_empty() {
                return Ok(view);
            }
            names.extend(missing);
        }
        Err(self.busy())
    }

    /// Checks that the store is empty, and may be made.
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
            let error = tampered("it has records, and no \"head\" among them");
            return Err(self.backends.of_store(error));
        }
        self.memory().reference = self.reference_of(loaded.time);
        let had_keys = self.memory().newest.is_some();
        match self.is_lost(had_keys).await? {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The error for an empty store.
    async fn empty(&self, had_keys: bool) -> Error {
        match self.is_lost(had_keys).await {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) => self.backends.store_error(
                ErrorKind::KeyStoreUnusable,
                "it is empty; if it ever had keys, restore it from a backup; only if it never had, make its first one with `initialize`, once",
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
        Ok(Some(self.refuse(Error::new(ErrorKind::KeyStoreRolledBack).detail(detail), None)))
    }

    /// The key that authenticates the head.
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
            ErrorKind::WrappedKeyRejected => {
                let why = self.why_rejected(head, OtherKek::is_behind(&e));
                e.within("the key that authenticates the store").and(&why)
            }
            _ => e.within("the key that authenticates the store"),
        })?;
        Ok(StoreMac::new(&store_key, key_set))
    }

    /// The error if no KEK of this process unwraps the store key, and what to look at first. A wrap
    /// is bound to the key set: a KEK that rejects it can't tell that it is of another one.
    fn why_rejected(&self, head: &Head, is_other_kek: bool) -> String {
        const MOST_NAMES: usize = 8;
        let (key_set, ours) = (&*self.backends.key_set, &self.backends.keks);
        let quoted = |names: Vec<&str>| {
            let names = names.into_iter().take(MOST_NAMES).map(|name| format!("{name:?}"));
            names.collect::<Vec<_>>().join(", ")
        };
        let tried: Vec<&str> = ours.iter().map(|kek| &*kek.name).collect();
        let tried: Vec<&str> =
            tried.into_iter().filter(|name| head.store_key.contains_key(*name)).collect();
        let others =
            head.store_key.keys().map(String::as_str).filter(|name| !self.backends.has_kek(name));
        let others: Vec<&str> = others.collect();
        let (newest, anchor) = {
            let memory = self.memory();
            (memory.newest.clone(), memory.anchor)
        };
        let is_of = |known: &Head| (known.store, known.epoch) == (head.store, head.epoch);
        let why = if is_other_kek {
            format!(
                "its service knows that another KEK has wrapped it, so the name of the key set \"{key_set}\" is not what is wrong: check \
                 that the KEK {} is the one that the store knows by this name, then where the store is",
                quoted(tried.clone())
            )
        } else if let Some(newest) = newest {
            if is_of(&newest.head) && newest.head.store_key == head.store_key {
                format!(
                    "this process has unwrapped it before, so the name of the key set \"{key_set}\" is right: {} is another KEK than it \
                     was, or its service takes another key for it; give that one back",
                    quoted(tried.clone())
                )
            } else {
                format!(
                    "this process has used the store before, with these KEKs and as the key set \"{key_set}\": the store was changed \
                     since, or replaced; restore it from a backup"
                )
            }
        } else if let Some(anchor) = anchor.filter(|anchor| anchor.store != head.store) {
            format!(
                "most likely it is not the store that is meant: its anchor is of the store {}; see that both are the right ones, then \
                 that the key set is \"{key_set}\", then the KEK {}",
                anchor.store,
                quoted(tried.clone())
            )
        } else if tried.len() > 1 {
            format!(
                "none of the KEKs {} unwraps it, so most likely the store is not one of the key set \"{key_set}\": check the name of \
                 the key set first, then where the store is, then these KEKs",
                quoted(tried.clone())
            )
        } else {
            format!(
                "it was tried under the KEK {} alone, so a wrong KEK and a wrong key set look the same: check that it is the one that \
                 the store knows by this name, then that the store is one of the key set \"{key_set}\", then where the store is",
                quoted(tried.clone())
            )
        };
        let also = if others.is_empty() {
            String::new()
        } else {
            format!(
                ", also wrapped under {}, of which one would tell a wrong KEK from a wrong key set",
                quoted(others)
            )
        };
        format!("{why} (store {}, epoch {}{also})", head.store, head.epoch)
    }

    fn refuse_unfit(&self, head: &Head) -> Result<()> {
        let Floor { revision, epoch } = self.floor;
        let below = |what: &str, is: u64, least: u64| {
            let detail =
                format!("it has {what} {is}, below the minimum {least} that is configured");
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
        } else if head.heartbeat > 0
            && Duration::from_secs(head.heartbeat) < self.cache.least_heartbeat()
        {
            format!(
                "its head is signed every {} s, and this process refreshes every {} s: it would take the store for frozen; make the \
                 refresh interval of its cache at most {} s",
                head.heartbeat,
                self.cache.refresh.as_secs(),
                head.heartbeat * 2 / 3
            )
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::KeyStoreUnusable).detail(detail))
    }

    /// The shortest heartbeat with which this process works.
    pub(super) fn least_heartbeat(&self) -> Duration {
        self.cache.least_heartbeat()
    }

    /// Whether the anchor knows a newer head than the one that a change starts from. Another
    /// process may just have written it, so this alone is no rollback. The next look at the store
    /// tells.
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
                event::emit(&Event::AnchorFailed {
                    key_set: &self.backends.key_set,
                    error: &error,
                });
                None
            }
            Err(error) => return Err(error),
        };
        let mut memory = self.memory();
        memory.anchor = anchor.or(memory.anchor);
        Ok(memory.anchor.is_some())
    }

    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`] if the store was refused, and no refresh has found it in
    /// order since.
    pub(super) fn refuse_refused(&self) -> Result<()> {
        match self.memory().refused.clone() {
            None => Ok(()),
            Some(refused) => Err(Error::new(ErrorKind::KeyStoreRolledBack).detail(refused.why)),
        }
    }

    /// If a store was set back, an event says so, too.
    fn refuse(&self, error: Error, head: Option<&Head>) -> Error {
        let error = self.backends.of_store(error);
        if error.kind() == ErrorKind::KeyStoreRolledBack {
            self.memory().refuse(error.details(), head, self.backends.clock.wall());
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
        seen.map_err(|e| self.refuse(e, Some(&view.head)))
    }

    /// Takes over what this process has written.
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
