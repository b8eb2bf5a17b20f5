//! What this process knows of the store. Nothing here waits for anything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Reference, SKEW, seconds};
use crate::envelope::backend::Mark;
use crate::envelope::history::{self, History};
use crate::envelope::record::{Head, ScopeDigest, ScopeKeys, StoreMac, tampered};
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
    /// Whether it was too old already when it was first seen.
    pub(super) was_old: bool,
}

/// What is known of the store.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) newest: Option<Newest>,
    /// What the anchor said the last time that it was read.
    pub(super) anchor: Option<Mark>,
    /// The scopes that are in use here, as of the last refresh or later.
    pub(super) known: Option<Arc<View>>,
    /// The age of the head as of which the scopes that each process loads are known, and its
    /// `next_id`.
    process_age: (u64, u64),
    pub(super) process_next_id: u64,
    history: History,
    /// When this process first saw a key in its state, by a clock that nobody sets.
    first_seen: HashMap<(u32, KeyState), Duration>,
    /// When all that is known was read.
    pub(super) read_all: Option<Duration>,
    /// The clock of the store or of a key service, at the last load.
    pub(super) reference: Option<Reference>,
}

impl Memory {
    /// Makes an authentic head the newest one that was seen. `None` where a newer one was seen
    /// since the load began.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`].
    pub(super) fn accept(
        &mut self,
        head: Head,
        mac: &StoreMac,
        began_at: (u64, u64),
        clock: &Clock,
    ) -> Result<Option<Arc<Head>>> {
        if let Some(newest) = &self.newest {
            if head.age() < newest.head.age() && head.age() >= began_at {
                return Ok(None);
            }
            history::refuse_older(&newest.head, &newest.mac, &head)?;
            if *newest.head == head {
                return Ok(Some(Arc::clone(&newest.head)));
            }
        }
        if let Some(anchor) = self.anchor {
            refuse_below(&head, anchor)?;
        }
        let head = Arc::new(head);
        let now = match &self.reference {
            Some(reference) => reference.now(),
            None => seconds(clock.wall()),
        };
        let limit = head.heartbeat.saturating_mul(2).saturating_add(SKEW);
        let was_old = head.heartbeat > 0 && head.signed.saturating_add(limit) < now;
        let (mac, seen) = (mac.clone(), clock.monotonic());
        self.newest = Some(Newest { head: Arc::clone(&head), mac, seen, was_old });
        Ok(Some(head))
    }

    /// Whether a scope was seen that is loaded on demand.
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.history.knows(scope)
    }

    /// When this process first saw a key in the state that it has.
    pub(super) fn first_seen(&self, id: u32, state: KeyState) -> Option<Duration> {
        self.first_seen.get(&(id, state)).copied()
    }

    /// Compares what was looked at with what was seen before, and keeps in mind what it was.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`], [`ErrorKind::KeyStoreTampered`].
    pub(super) fn saw(&mut self, view: &View, now: Duration) -> Result<()> {
        self.compare(view)?;
        if self.first_seen.len() > MOST_SEEN {
            self.first_seen.clear();
        }
        let in_process = view.process.iter().flat_map(|process| process.iter());
        let on_demand = view.scopes.values().flatten().map(|(_, keys)| keys);
        for entry in in_process.chain(on_demand).flat_map(|keys| &keys.keys) {
            for state in WATCHED {
                if state == entry.state {
                    self.first_seen.entry((entry.id, state)).or_insert(now);
                } else {
                    self.first_seen.remove(&(entry.id, state));
                }
            }
        }
        Ok(())
    }

    fn compare(&mut self, view: &View) -> Result<()> {
        let known = self.known.as_deref();
        let process = view.process.as_ref().or_else(|| known?.process.as_ref());
        refuse_shared_ids(process.map(|process| &**process), view)?;
        // Two looks of this process may end in the other order: the older one is no evidence.
        if let Some(known) = known
            && view.head.age() >= self.process_age
            && let (Some(before), Some(now)) = (&known.process, &view.process)
        {
            history::refuse_lost(before, self.process_age.0, now, &view.head)?;
        }
        for (scope, now) in &view.scopes {
            let keys = |keys: &Option<(_, Arc<ScopeKeys>)>| keys.as_ref().map(|(_, keys)| Arc::clone(keys));
            let before = known.and_then(|known| known.scopes.get(scope).and_then(keys));
            let now = keys(now).or_else(|| view.process.as_ref()?.get(scope).cloned());
            self.history.saw_scope(&view.head, scope, before.as_deref(), now.as_deref())?;
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

    /// What this process has written.
    pub(super) fn wrote(&mut self, after: View, now: Duration) {
        if self.newest.as_ref().is_none_or(|newest| newest.head.age() < after.head.age()) {
            let (head, mac) = (Arc::clone(&after.head), after.mac.clone());
            self.newest = Some(Newest { head, mac, seen: now, was_old: false });
        }
        if after.process.is_some() {
            self.knows_process_as_of(&after.head);
        }
        let known = self.known.get_or_insert_with(|| {
            let (head, mac) = (Arc::clone(&after.head), after.mac.clone());
            Arc::new(View::new(head, mac))
        });
        // Its head stays the one that all of it was last compared with: others may have changed
        // what was not looked at here.
        let known = Arc::make_mut(known);
        if after.process.is_some() {
            known.process = after.process;
        }
        for (scope, keys) in after.scopes {
            // Of scopes that are not in use nothing is kept.
            if let Some(in_use) = known.scopes.get_mut(&scope) {
                *in_use = keys;
            }
        }
    }

    /// One more scope that is in use, of `most` that are kept.
    pub(super) fn entered(&mut self, view: &View, scope: &str, most: usize) {
        let (Some(known), Some(keys)) = (&mut self.known, view.scopes.get(scope)) else { return };
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
        self.process_age = self.process_age.max(head.age());
        self.process_next_id = self.process_next_id.max(head.next_id);
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
