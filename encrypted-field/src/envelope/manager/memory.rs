//! What this process knows of the store. Nothing here waits for anything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::clock::{Reference, SKEW, seconds};
use crate::envelope::backend::Mark;
use crate::envelope::history::{self, History};
use crate::envelope::record::{Entry, Head, ScopeDigest, ScopeKeys, StoreMac, refuse_shared_id};
use crate::envelope::view::{Process, View};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Clock, KeyState};

/// Keys of which is remembered when they were first seen in their state.
const MOST_SEEN: usize = 1 << 16;
/// States that a key must have been in for a while before it may go on to the next.
const WATCHED: [KeyState; 3] = [KeyState::Pending, KeyState::Retired, KeyState::Disabled];

/// The newest head that was seen.
#[derive(Clone)]
pub(super) struct Newest {
    pub(super) head: Arc<Head>,
    pub(super) mac: StoreMac,
    /// When it was first seen, by a clock that nobody sets.
    pub(super) seen: Duration,
    /// How old it was then, by its date.
    age: Duration,
    /// Until when it counts as fresh. `None` for ever.
    pub(super) fresh_until: Option<Duration>,
}

/// The state of the store as it is known here.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) newest: Option<Newest>,
    /// The mark that the anchor had the last time that it was read.
    pub(super) anchor: Option<Mark>,
    /// The scopes that are in use here, as of the last refresh or later.
    pub(super) known: Option<Arc<View>>,
    /// The scopes that each process loads, as they were last seen, and the age of the head as of
    /// which.
    process: Option<Arc<Process>>,
    process_age: (u64, u64),
    /// The `next_id` of the head as of which those in use are known.
    pub(super) process_next_id: u64,
    history: History,
    /// When this process first saw a key in its state, by a clock that nobody sets, and since when
    /// it has it by its dates.
    first_seen: HashMap<(u32, KeyState), (Option<u64>, Duration)>,
    /// When all that is known was read.
    pub(super) read_all: Option<Duration>,
    /// The clock of the store or of a key service, at the last load.
    pub(super) reference: Option<Reference>,
    /// A store that is refused. Nothing of it is used or changed until a refresh finds it in order.
    pub(super) refused: Option<Refused>,
    /// How old a head has become at most before a newer one was seen.
    oldest: Duration,
}

/// A store that is refused.
#[derive(Clone)]
pub(super) struct Refused {
    pub(super) why: String,
    /// When it was refused first.
    pub(super) since: SystemTime,
    /// Its head, which is authentic. `None` if the store is empty.
    pub(super) head: Option<Head>,
}

impl Memory {
    /// Checks that an authentic head may follow what was seen. `false` if a newer one was seen
    /// since the load began.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`].
    pub(super) fn check(&self, head: &Head, began_at: (u64, u64)) -> Result<bool> {
        if let Some(newest) = &self.newest {
            if head.age() < newest.head.age() && head.age() >= began_at {
                return Ok(false);
            }
            history::refuse_older(&newest.head, &newest.mac, head)?;
        }
        if let Some(anchor) = self.anchor {
            refuse_below(head, anchor)?;
        }
        Ok(true)
    }

    /// Whether a head is news, so that what is known has to be compared before anything of it is
    /// used.
    pub(super) fn is_news(&self, head: &Head) -> bool {
        let is_known = |newest: &Newest| *newest.head == *head;
        !self.newest.as_ref().is_some_and(is_known) && self.process.is_some()
    }

    /// Makes the head of what was compared the newest one.
    fn settle(&mut self, view: &View, clock: &Clock) {
        if self.newest.as_ref().is_some_and(|newest| newest.head.age() >= view.head.age()) {
            return;
        }
        let head = Arc::clone(&view.head);
        let now = match &self.reference {
            Some(reference) => reference.now(),
            None => seconds(clock.wall()),
        };
        // By its date, if that is not in the future. A head that is seen now for the first time may
        // be old already.
        let limit = head.heartbeat.saturating_mul(2);
        let age = now.saturating_sub(head.signed);
        let left = limit.min(limit.saturating_add(SKEW + 1).saturating_sub(age));
        let seen = clock.monotonic();
        let fresh_until =
            (head.heartbeat > 0).then(|| seen.saturating_add(Duration::from_secs(left)));
        self.oldest = self.oldest_head(clock).unwrap_or_default();
        let (mac, age) = (view.mac.clone(), Duration::from_secs(age));
        self.newest = Some(Newest { head, mac, seen, age, fresh_until });
    }

    /// How old the newest head is.
    pub(super) fn head_age(&self, clock: &Clock) -> Option<Duration> {
        let newest = self.newest.as_ref()?;
        // When it was seen first, it had an age by its date. Since then it is measured by a clock
        // that nobody sets.
        Some(newest.age + clock.monotonic().saturating_sub(newest.seen))
    }

    /// How old a head has become at most.
    pub(super) fn oldest_head(&self, clock: &Clock) -> Option<Duration> {
        Some(self.head_age(clock)?.max(self.oldest))
    }

    /// Refuses a store.
    pub(super) fn refuse(&mut self, why: &str, head: Option<&Head>, now: SystemTime) {
        let since = self.refused.as_ref().map_or(now, |refused| refused.since);
        self.refused = Some(Refused { why: why.to_owned(), since, head: head.cloned() });
    }

    /// Whether a scope was seen that is loaded on demand.
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.history.knows(scope)
    }

    /// When this process first saw a key in the state that it has.
    pub(super) fn first_seen(&self, entry: &Entry) -> Option<Duration> {
        let (since_then, seen) = self.first_seen.get(&(entry.id, entry.state))?;
        (*since_then == since(entry)).then_some(*seen)
    }

    /// Compares what was looked at with what was seen before, and keeps in mind what it was.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`], [`ErrorKind::KeyStoreTampered`].
    pub(super) fn saw(&mut self, view: &View, clock: &Clock) -> Result<()> {
        self.compare(view)?;
        self.settle(view, clock);
        if let Some(process) = view.process.as_ref().filter(|_| view.head.age() >= self.process_age)
        {
            (self.process, self.process_age) = (Some(Arc::clone(process)), view.head.age());
        }
        let now = clock.monotonic();
        for (scope, keys) in &view.scopes {
            if let Some((_, keys)) = keys {
                self.history.saw(&view.head, scope, keys);
            }
        }
        if self.first_seen.len() > MOST_SEEN {
            let mut keep = false;
            self.first_seen.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        for entry in view.all_keys().flat_map(|keys| &keys.keys) {
            for state in WATCHED {
                let since = since(entry);
                let seen = self.first_seen.get(&(entry.id, state)).map(|(of, _)| *of);
                if state != entry.state {
                    self.first_seen.remove(&(entry.id, state));
                } else if seen != Some(since) {
                    self.first_seen.insert((entry.id, state), (since, now));
                }
            }
        }
        Ok(())
    }

    fn compare(&self, view: &View) -> Result<()> {
        let known = self.known.as_deref();
        let process = view.process.as_ref().or_else(|| known?.process.as_ref());
        refuse_shared_ids(process.map(|process| &**process), view)?;
        // Two looks of this process may end in the other order. The older one is no evidence.
        if view.head.age() >= self.process_age
            && let (Some(before), Some(now)) = (&self.process, &view.process)
        {
            history::refuse_lost(before, self.process_age.0, now, &view.head)?;
        }
        for (scope, now) in &view.scopes {
            let in_process = || view.process.as_ref()?.get(scope);
            let now = now.as_ref().map(|(_, keys)| keys).or_else(in_process);
            self.history.compare(&view.head, scope, now.map(|keys| &**keys))?;
        }
        Ok(())
    }

    /// Makes it what is known, of the scopes that are in use.
    pub(super) fn remember(&mut self, mut view: View, in_use: &[Box<str>]) -> Arc<View> {
        let digests: Vec<ScopeDigest> = in_use.iter().map(|scope| ScopeDigest::of(scope)).collect();
        let prefixes: HashSet<&str> = digests.iter().flat_map(ScopeDigest::prefixes).collect();
        view.nodes.retain(|digits, _| prefixes.contains(&**digits));
        self.knows_process_as_of(&view.head);
        let view = Arc::new(view);
        self.known = Some(Arc::clone(&view));
        view
    }

    /// Takes over what this process has written.
    pub(super) fn wrote(&mut self, after: View) {
        if after.process.is_some() {
            self.knows_process_as_of(&after.head);
        }
        let known = self.known.get_or_insert_with(|| {
            let (head, mac) = (Arc::clone(&after.head), after.mac.clone());
            Arc::new(View::new(head, mac))
        });
        // The head of the view stays the one that all of the view was last compared with. Others
        // may have changed what was not looked at here.
        let known = Arc::make_mut(known);
        if after.process.is_some() {
            known.process = after.process;
        }
        for (scope, keys) in after.scopes {
            // Nothing is kept of scopes that are not in use.
            if let Some(in_use) = known.scopes.get_mut(&scope) {
                *in_use = keys;
            }
        }
    }

    /// One more scope that is in use, of `most` that are kept.
    pub(super) fn entered(&mut self, view: &View, scope: &str, most: usize) {
        let (Some(known), Some(keys)) = (&mut self.known, view.scopes.get(scope)) else { return };
        if view.head.age() < known.head.age() {
            // A refresh was faster, and the next one sees to this scope.
            return;
        }
        let known = Arc::make_mut(known);
        if known.scopes.len() >= most {
            // They are read again when they are needed. How new they were is remembered.
            known.scopes.clear();
            known.nodes.clear();
        }
        known.scopes.insert(scope.into(), keys.clone());
        known.nodes.extend(view.nodes.iter().map(|(digits, node)| (digits.clone(), node.clone())));
    }

    fn knows_process_as_of(&mut self, head: &Head) {
        self.process_next_id = self.process_next_id.max(head.next_id);
    }
}

/// Since when a key is in its state, by its dates.
fn since(entry: &Entry) -> Option<u64> {
    match entry.state {
        KeyState::Pending => entry.activate_after,
        KeyState::Active => entry.activated,
        KeyState::Retired => entry.retired,
        KeyState::Disabled => entry.disabled,
        KeyState::Destroyed => entry.destroyed,
        KeyState::Compromised => entry.compromised,
    }
}

/// Checks that no two scopes have a key of the same id, among those that were looked at.
///
/// # Errors
/// [`ErrorKind::KeyStoreTampered`].
fn refuse_shared_ids(process: Option<&Process>, view: &View) -> Result<()> {
    if view.scopes.is_empty() {
        return Ok(());
    }
    let in_process = process.into_iter().flat_map(Process::iter);
    let mut ids: HashSet<u32> = in_process.flat_map(|keys| keys.ids()).collect();
    let on_demand = view.scopes.values().flatten().map(|(_, keys)| keys);
    let is_moved =
        |keys: &&Arc<ScopeKeys>| process.is_some_and(|process| process.get(&keys.scope).is_some());
    for keys in on_demand.filter(|keys| !is_moved(keys)) {
        refuse_shared_id(keys, &mut ids)?;
    }
    Ok(())
}

/// Checks that a store is as new as its anchor says.
///
/// # Errors
/// [`ErrorKind::KeyStoreRolledBack`].
pub(super) fn refuse_below(head: &Head, anchor: Mark) -> Result<()> {
    let detail = if head.store != anchor.store {
        format!(
            "it is the store {}, and its anchor is of {}; see that both are the right ones",
            head.store, anchor.store
        )
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
