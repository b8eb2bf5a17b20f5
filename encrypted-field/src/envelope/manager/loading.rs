//! Reading the store: what is loaded is authenticated, compared with what was seen before, and remembered.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backends::Backends;
use super::clock::{Reference, SKEW, seconds};
use crate::envelope::backend::Mark;
use crate::envelope::history::{self, History};
use crate::envelope::record::{Due, Head, Part, ScopeDigest, ScopeKeys, StoreMac, node_name, tampered};
use crate::envelope::view::{Found, PROCESS, Process, View, all_names_to, names_to};
use crate::envelope::{Query, WrapContext};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::KeyState;
use crate::secret::SecretBytes;

/// All that is known is read anew after this, to see that it still stands there.
const READ_ALL_AFTER: Duration = Duration::from_hours(24);
/// How often a load is tried where others change the store meanwhile.
const ATTEMPTS: usize = 20;
/// About so many scopes are on a page.
const PAGE: u64 = 256;
/// Keys of which is remembered when they were first seen in their state.
const MOST_SEEN: usize = 1 << 16;
/// States that a key must have been in for a while before it may go on to the next.
const WATCHED: [KeyState; 3] = [KeyState::Pending, KeyState::Retired, KeyState::Disabled];

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
    /// For how long keys are used without a refresh: no store may publish keys faster.
    pub(super) lease: Duration,
    /// The most scopes whose entries are kept.
    most_scopes: usize,
    memory: Mutex<Memory>,
}

/// What is known of the store.
#[derive(Default)]
struct Memory {
    newest: Option<Newest>,
    /// What the anchor said the last time that it was read.
    anchor: Option<Mark>,
    /// The scopes that are in use here, as of the last refresh or later.
    known: Option<Arc<View>>,
    history: History,
    /// The `next_id` of the head as of which the scopes that each process loads are known.
    process_next_id: u64,
    /// When this process first saw a key in its state, by a clock that nobody sets.
    first_seen: HashMap<(u32, KeyState), Duration>,
    /// When all that is known was read.
    read_all: Option<Duration>,
    /// The clock of the store or of a key service, at the last load.
    reference: Option<Reference>,
}

/// The newest head that was seen.
#[derive(Clone)]
pub(super) struct Newest {
    pub(super) head: Arc<Head>,
    mac: StoreMac,
    /// When it was first seen, by a clock that nobody sets.
    pub(super) seen: Duration,
    /// Whether it was too old already when it was first seen.
    pub(super) was_old: bool,
}

/// A part of the store as it was at one moment.
struct Read {
    head: Arc<Head>,
    mac: StoreMac,
    found: Found,
}

impl Loader {
    pub(super) fn new(backends: Arc<Backends>, floor: Floor, lease: Duration, max_scopes: usize) -> Self {
        let most_scopes = max_scopes.saturating_mul(2);
        Self { backends, floor, lease, most_scopes, memory: Mutex::default() }
    }

    /// Never held while waiting for anything.
    fn memory(&self) -> MutexGuard<'_, Memory> {
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
    pub(super) fn first_seen(&self, id: u32, state: KeyState) -> Option<Duration> {
        self.memory().first_seen.get(&(id, state)).copied()
    }

    /// The scopes that each process loads, and those of `in_use`, as they are now.
    pub(super) async fn refresh(&self, in_use: &[Box<str>], ask: Ask) -> Result<Arc<View>> {
        let now = self.backends.clock.monotonic();
        let (known, read_all) = {
            let memory = self.memory();
            (memory.known.clone(), memory.read_all)
        };
        let is_due = read_all.is_none_or(|at| now >= at.saturating_add(READ_ALL_AFTER));
        let cache = known.as_deref().filter(|_| !is_due);
        if is_due {
            self.read_anchor().await?;
        }
        let mut query = Query::head().prefix(PROCESS);
        let scopes: Vec<&str> = in_use.iter().map(|scope| &**scope).collect();
        query = match cache {
            Some(known) => {
                let nodes = known.nodes.keys().map(|digits| node_name(digits));
                let records = scopes.iter().map(|scope| Part::Demand.record(&ScopeDigest::of(scope)));
                query.names(nodes).names(records).after(known.head.revision)
            }
            None => query.names(names_to(&scopes, known.as_deref().map(|known| &*known.head))),
        };
        let read = self.read(query, ask).await?;
        if let Some(known) = known.as_ref().filter(|known| cache.is_some() && known.head == read.head)
            && scopes.iter().all(|scope| known.scopes.contains_key(*scope))
        {
            return Ok(Arc::clone(known));
        }
        let view = self.look(read, cache, true, &scopes, ask).await?;
        if is_due {
            self.memory().read_all = Some(now);
        }
        Ok(self.remember(view, in_use))
    }

    /// Scopes that are loaded on demand, or not there; and where it is wanted those that each process loads. What is known is not
    /// changed by it.
    pub(super) async fn look_up(&self, scopes: &[&str], with_process: bool, ask: Ask) -> Result<View> {
        let known = self.known();
        let newest = self.newest();
        let mut query = Query::head().names(names_to(scopes, newest.as_ref().map(|newest| &*newest.head)));
        if scopes.is_empty() {
            query = Query::head();
        }
        let read = self.read(query, ask).await?;
        self.look(read, known.as_deref(), with_process, scopes, ask).await
    }

    /// How many pages the scopes that are loaded on demand have, and how many digits the name of a page has.
    pub(super) fn pages(head: &Head) -> (u64, usize) {
        let scopes = head.tree.as_ref().map_or(0, |tree| tree.scopes);
        let mut digits = 0;
        while digits < 8 && scopes >> (4 * digits) > PAGE {
            digits += 1;
        }
        (1 << (4 * digits), digits)
    }

    /// The scopes of one page, whose digests begin with these digits.
    pub(super) async fn page(&self, digits: &str, ask: Ask) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        let above = (0..digits.len()).map(|steps| node_name(&digits[..steps]));
        let mut query = Query::head().names(above).prefix(node_name(digits));
        query = query.prefix(format!("{}{digits}", Part::Demand.prefix()));
        self.beneath(digits, &|_| true, usize::MAX, query, ask).await
    }

    /// Scopes whose dates are wanted, at most about so many.
    pub(super) async fn due(
        &self,
        wanted: &(dyn Fn(Due) -> bool + Sync),
        most: usize,
    ) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.beneath("", wanted, most, Query::head().names([node_name("")]), Ask::IfNeeded).await
    }

    async fn beneath(
        &self,
        digits: &str,
        wanted: &(dyn Fn(Due) -> bool + Sync),
        most: usize,
        query: Query,
        ask: Ask,
    ) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        let known = self.known();
        let mut read = self.read(query, ask).await?;
        let mut view = View::new(Arc::clone(&read.head), read.mac.clone());
        for _ in 0..ATTEMPTS {
            let looked = view.look_beneath(digits, wanted, most, &read.found, known.as_deref());
            match looked.map_err(|e| self.backends.of_store(e))? {
                Ok(scopes) => {
                    self.saw(&view)?;
                    return Ok((view, scopes));
                }
                Err(missing) => {
                    read = self.read(Query::head().names(missing), Ask::IfNeeded).await?;
                    if read.head != view.head {
                        // What was looked at of the older one serves where it has not changed.
                        let before =
                            std::mem::replace(&mut view, View::new(Arc::clone(&read.head), read.mac.clone()));
                        (view.nodes, view.scopes) = (before.nodes, before.scopes);
                    }
                }
            }
        }
        Err(self.busy())
    }

    /// Verifies what was read; what is missing is read after it, as often as it takes.
    async fn look(
        &self,
        mut read: Read,
        cache: Option<&View>,
        with_process: bool,
        scopes: &[&str],
        ask: Ask,
    ) -> Result<View> {
        let of_store = |e| self.backends.of_store(e);
        let mut with_process = with_process;
        let mut is_deep = false;
        for _ in 0..ATTEMPTS {
            let mut view = View::new(Arc::clone(&read.head), read.mac.clone());
            let mut is_whole = true;
            for scope in scopes {
                is_whole &= view.look_at_scope(scope, &read.found, cache).map_err(of_store)?.is_none();
            }
            // One that was there and is not may have become one that each process loads.
            let is_gone = |scope: &&&str| view.scopes.get(**scope).is_some_and(Option::is_none);
            with_process |= scopes.iter().filter(is_gone).any(|scope| self.memory().history.knows(scope));
            let mut lacks_process = false;
            if with_process {
                lacks_process = !view.look_at_process(&read.found, cache).map_err(of_store)?.is_empty();
            }
            if is_whole && !lacks_process {
                self.saw(&view)?;
                return Ok(view);
            }
            // Once more with all that is needed, so that it is all of one moment.
            let mut query = Query::head().names(names_to(scopes, Some(&read.head)));
            if is_deep {
                query = query.names(all_names_to(scopes));
            }
            is_deep = true;
            if lacks_process {
                query = query.prefix(PROCESS);
            }
            read = self.read(query, ask).await?;
        }
        Err(self.busy())
    }

    fn busy(&self) -> Error {
        self.backends.store_error(ErrorKind::KeyStoreBusy, "it was changed each time that it was read")
    }

    /// One load, whose head is authentic and follows what was seen.
    async fn read(&self, query: Query, ask: Ask) -> Result<Read> {
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
            let mac = self.authenticate(&head, began_with.as_ref(), ask).await?;
            self.memory().reference = self.reference_of(loaded.time);
            let began_at = began_with.map_or((0, 0), |newest| newest.head.age());
            match self.accept(head, &mac, began_at).map_err(|e| self.refuse(e))? {
                Some(head) => return Ok(Read { head, mac, found }),
                // Another load of this process was faster; this one is out of date, and not set back.
                None => {}
            }
        }
        Err(self.busy())
    }

    /// All that is stored and its head, authentic but not compared with anything: for a store that somebody accepts.
    pub(super) async fn read_unchecked(&self) -> Result<View> {
        let query = Query::head().prefix(PROCESS);
        let loaded = self.backends.load(&query).await?;
        if loaded.records.is_empty() {
            return Err(self.empty(true).await);
        }
        let head = Head::read(&loaded.records).map_err(|e| self.backends.of_store(e))?;
        let mac = self.authenticate(&head, None, Ask::Always).await?;
        self.memory().reference = self.reference_of(loaded.time);
        let mut view = View::new(Arc::new(head), mac);
        let found = Found::new(loaded.records, query).map_err(|e| self.backends.of_store(e))?;
        let missing = view.look_at_process(&found, None);
        match missing.map_err(|e| self.backends.of_store(e))?.first() {
            None => Ok(view),
            Some(name) => Err(self.backends.of_store(tampered(format!("the record \"{name}\" is missing")))),
        }
    }

    /// That the store is empty, and may be made.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`], [`ErrorKind::KeyStoreRolledBack`].
    pub(super) async fn check_empty(&self) -> Result<()> {
        let loaded = self.backends.load(&Query::head()).await?;
        if !loaded.records.is_empty() {
            let detail = "it has keys already; `load` them";
            return Err(self.backends.store_error(ErrorKind::KeyLifecycle, detail));
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
    async fn authenticate(&self, head: &Head, known: Option<&Newest>, ask: Ask) -> Result<StoreMac> {
        if let Some(Newest { head: known, mac, .. }) = known
            && ask == Ask::IfNeeded
            && (known.store, known.epoch) == (head.store, head.epoch)
            && known.store_key == head.store_key
            && head.check(mac).map_err(|e| self.backends.of_store(e))?
        {
            return Ok(mac.clone());
        }
        let key_set = &*self.backends.key_set;
        let is_it = |key: &SecretBytes| match head.check(&StoreMac::new(key, key_set))? {
            true => Ok(()),
            false => Err(tampered("the head does not authenticate under the store key that this KEK gives")),
        };
        let context = WrapContext::store(key_set, head.store, head.epoch);
        let store_key = self.backends.unwrap(&context, &head.store_key, &is_it).await;
        let store_key = store_key.map_err(|e| match e.kind() {
            ErrorKind::KeyStoreTampered | ErrorKind::KeyStoreUnusable => self.backends.of_store(e),
            _ => e.within("the key that authenticates the store"),
        })?;
        Ok(StoreMac::new(&store_key, key_set))
    }

    /// Makes an authentic head the newest one that was seen. `None` where a newer one was seen since the load began.
    fn accept(&self, head: Head, mac: &StoreMac, began_at: (u64, u64)) -> Result<Option<Arc<Head>>> {
        self.refuse_unfit(&head)?;
        let mut memory = self.memory();
        if let Some(newest) = &memory.newest {
            if head.age() < newest.head.age() && head.age() >= began_at {
                return Ok(None);
            }
            history::refuse_older(&newest.head, &newest.mac, &head)?;
            if *newest.head == head {
                return Ok(Some(Arc::clone(&newest.head)));
            }
        }
        if let Some(anchor) = memory.anchor {
            refuse_below(&head, anchor)?;
        }
        let head = Arc::new(head);
        let now = match &memory.reference {
            Some(reference) => reference.now(),
            None => seconds(self.backends.clock.wall()),
        };
        let limit = head.heartbeat.saturating_mul(2).saturating_add(SKEW);
        let was_old = head.heartbeat > 0 && head.signed.saturating_add(limit) < now;
        let seen = self.backends.clock.monotonic();
        memory.newest = Some(Newest { head: Arc::clone(&head), mac: mac.clone(), seen, was_old });
        Ok(Some(head))
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
        if Duration::from_secs(head.propagation) < self.lease {
            let detail = format!(
                "its keys become active {} s after they are published, and this process may use old ones for {} s; shorten \
                 the maximum age of its cache",
                head.propagation,
                self.lease.as_secs()
            );
            return Err(Error::new(ErrorKind::KeyStoreUnusable).detail(detail));
        }
        Ok(())
    }

    /// Asks the anchor how new the store is at least: before the store is read, for what is changed meanwhile raises both. Gives whether
    /// it says anything.
    async fn read_anchor(&self) -> Result<bool> {
        let anchor = self.backends.read_anchor().await?;
        let mut memory = self.memory();
        memory.anchor = anchor.or(memory.anchor);
        Ok(memory.anchor.is_some())
    }

    /// Of a store that was set back: said by an event, too.
    fn refuse(&self, error: Error) -> Error {
        let error = self.backends.of_store(error);
        if error.kind() == ErrorKind::KeyStoreRolledBack {
            event::emit(&Event::StoreRolledBack { key_set: &self.backends.key_set, error: &error });
        }
        error
    }

    fn reference_of(&self, store: Option<std::time::SystemTime>) -> Option<Reference> {
        let clock = &self.backends.clock;
        let of_store = store.map(|time| (time, self.backends.store.name()));
        let (time, whose) = of_store.or_else(|| self.backends.service_time())?;
        Some(Reference::new(time, whose, clock))
    }

    /// Compares what was looked at with what was seen before, and keeps in mind what it was.
    fn saw(&self, view: &View) -> Result<()> {
        self.compare(view).map_err(|e| self.refuse(e))?;
        let now = self.backends.clock.monotonic();
        let in_process = view.process.iter().flat_map(|process| process.iter());
        let on_demand = view.scopes.values().flatten().map(|(_, keys)| keys);
        let mut memory = self.memory();
        let first_seen = &mut memory.first_seen;
        if first_seen.len() > MOST_SEEN {
            first_seen.clear();
        }
        for entry in in_process.chain(on_demand).flat_map(|keys| &keys.keys) {
            for state in WATCHED {
                if state == entry.state {
                    first_seen.entry((entry.id, state)).or_insert(now);
                } else {
                    first_seen.remove(&(entry.id, state));
                }
            }
        }
        Ok(())
    }

    fn compare(&self, view: &View) -> Result<()> {
        let mut memory = self.memory();
        let Memory { known, history, .. } = &mut *memory;
        let known = known.as_deref();
        let process = view.process.as_ref().or_else(|| known.and_then(|known| known.process.as_ref()));
        refuse_shared_ids(process.map(|process| &**process), view)?;
        if let Some(known) = known
            && let (Some(before), Some(now)) = (&known.process, &view.process)
        {
            history::refuse_lost(before, known.head.epoch, now, &view.head)?;
        }
        for (scope, now) in &view.scopes {
            let keys = |keys: &Option<(_, Arc<ScopeKeys>)>| keys.as_ref().map(|(_, keys)| Arc::clone(keys));
            let before = known.and_then(|known| known.scopes.get(scope).and_then(keys));
            let now = keys(now).or_else(|| view.process.as_ref()?.get(scope).cloned());
            history.saw_scope(&view.head, scope, before.as_deref(), now.as_deref())?;
        }
        Ok(())
    }

    /// Makes it what is known, of the scopes that are in use.
    fn remember(&self, mut view: View, in_use: &[Box<str>]) -> Arc<View> {
        let digests: Vec<ScopeDigest> = in_use.iter().map(|scope| ScopeDigest::of(scope)).collect();
        view.nodes.retain(|digits, _| digests.iter().any(|digest| digest.digits().starts_with(&**digits)));
        let view = Arc::new(view);
        let mut memory = self.memory();
        memory.process_next_id = memory.process_next_id.max(view.head.next_id);
        memory.known = Some(Arc::clone(&view));
        view
    }

    /// What this process has written.
    pub(super) fn wrote(&self, after: View) -> Result<Arc<View>> {
        self.saw(&after)?;
        let seen = self.backends.clock.monotonic();
        let mut memory = self.memory();
        let Memory { newest, known, process_next_id, .. } = &mut *memory;
        if newest.as_ref().is_none_or(|newest| newest.head.age() < after.head.age()) {
            let (head, mac) = (Arc::clone(&after.head), after.mac.clone());
            *newest = Some(Newest { head, mac, seen, was_old: false });
        }
        let known = known.get_or_insert_with(|| {
            let (head, mac) = (Arc::clone(&after.head), after.mac.clone());
            Arc::new(View::new(head, mac))
        });
        // Its head stays the one that all of it was last compared with: others may have changed what was not looked at here.
        let known = Arc::make_mut(known);
        if after.process.is_some() {
            known.process = after.process;
            *process_next_id = after.head.next_id;
        }
        for (scope, keys) in after.scopes {
            // Of scopes that are not in use nothing is kept.
            if let Some(in_use) = known.scopes.get_mut(&scope) {
                *in_use = keys;
            }
        }
        let known = Arc::new(known.clone());
        Ok(known)
    }

    /// One more scope that is in use.
    pub(super) fn entered(&self, view: &View, scope: &str) {
        let mut memory = self.memory();
        let (Some(known), Some(keys)) = (&mut memory.known, view.scopes.get(scope)) else { return };
        let known = Arc::make_mut(known);
        if known.scopes.len() >= self.most_scopes {
            // They are read again when they are needed. How new they were is remembered.
            known.scopes.clear();
            known.nodes.clear();
        }
        known.scopes.insert(scope.into(), keys.clone());
        known.nodes.extend(view.nodes.iter().map(|(digits, node)| (digits.clone(), node.clone())));
    }
}

/// That no two scopes have a key of the same id, of those that were looked at.
///
/// # Errors
/// [`ErrorKind::KeyStoreTampered`].
fn refuse_shared_ids(process: Option<&Process>, view: &View) -> Result<()> {
    if view.scopes.is_empty() {
        return Ok(());
    }
    let in_process = process.into_iter().flat_map(Process::iter);
    let mut ids: HashSet<u32> = in_process.flat_map(|keys| &keys.keys).map(|entry| entry.id).collect();
    let on_demand = view.scopes.values().flatten().map(|(_, keys)| keys);
    let is_moved = |keys: &&Arc<ScopeKeys>| process.is_some_and(|process| process.get(&keys.scope).is_some());
    for keys in on_demand.filter(|keys| !is_moved(keys)) {
        if let Some(twice) = keys.keys.iter().find(|entry| !ids.insert(entry.id)) {
            return Err(tampered(format!("two scopes have key {}", twice.id)));
        }
    }
    Ok(())
}

/// That a store is as new as its anchor says.
///
/// # Errors
/// [`ErrorKind::KeyStoreRolledBack`].
fn refuse_below(head: &Head, anchor: Mark) -> Result<()> {
    let detail = if head.store != anchor.store {
        format!("it is the store {}, and its anchor is of {}", head.store, anchor.store)
    } else if head.age() < anchor.age() {
        format!(
            "it has revision {} of epoch {}, and its anchor has seen {} of {}",
            head.revision, head.epoch, anchor.revision, anchor.epoch
        )
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::KeyStoreRolledBack).detail(detail))
}
