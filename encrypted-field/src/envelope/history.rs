//! What this process has seen of a store, and what may therefore not be undone. Nothing here waits
//! for anything.
//!
//! The rules are those of `KEY-STORE.md` section 2, "What must not go back".

use std::collections::HashMap;

use super::record::{Entry, Head, ScopeKeys, StoreMac};
use super::view::Process;
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyState;

/// Scopes that are remembered after their keys were forgotten.
const MOST_SCOPES: usize = 1 << 16;

/// How new a scope was that this process has used.
#[derive(Clone, Copy)]
struct Seen {
    /// The age of the head as of which it was seen.
    head: (u64, u64),
    revision: u64,
}

/// When each scope was last seen, also those whose keys are not loaded any more.
#[derive(Default)]
pub(super) struct History {
    scopes: HashMap<Box<str>, Seen>,
}

impl History {
    /// Whether a scope was seen that is loaded on demand.
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.scopes.contains_key(scope)
    }

    /// A scope that is loaded on demand, as it is now: `before` is how it was, where that is known
    /// still.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`].
    pub(super) fn saw_scope(
        &mut self,
        head: &Head,
        scope: &str,
        before: Option<&ScopeKeys>,
        now: Option<&ScopeKeys>,
    ) -> Result<()> {
        let seen = self.scopes.get(scope).copied();
        if seen.is_some_and(|seen| head.age() < seen.head) {
            // Two looks of this process have ended in the other order: the older one is no
            // evidence.
            return Ok(());
        }
        if let Some(seen) = seen.filter(|seen| !is_accepted(head, seen.head.0)) {
            match now {
                None => return Err(rolled_back(format!("scope \"{scope}\" was seen before and is missing"))),
                Some(now) if now.revision < seen.revision => {
                    return Err(rolled_back(format!(
                        "scope \"{scope}\" has revision {}, after {} was seen",
                        now.revision, seen.revision
                    )));
                }
                Some(_) => {}
            }
        }
        let Some(now) = now else { return Ok(()) };
        if let Some(before) = before {
            let epoch = seen.map_or(head.epoch, |seen| seen.head.0);
            refuse_undone(before, now, is_accepted(head, epoch))?;
        }
        if self.scopes.len() >= MOST_SCOPES && !self.scopes.contains_key(scope) {
            // Some at a time, and by chance: whoever sets a store back can't choose which.
            let mut keep = false;
            self.scopes.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        self.scopes.insert(scope.into(), Seen { head: head.age(), revision: now.revision });
        Ok(())
    }
}

/// That a head may follow one that was seen.
///
/// # Errors
/// [`ErrorKind::KeyStoreRolledBack`].
pub(super) fn refuse_older(known: &Head, known_mac: &StoreMac, head: &Head) -> Result<()> {
    if head.store != known.store {
        return Err(rolled_back(format!(
            "it is another store, {}, in place of {}; its keys are others under the same ids",
            head.store, known.store
        )));
    }
    let (before, now) = (known.age(), head.age());
    if now < before {
        return Err(rolled_back(format!(
            "it has revision {} of epoch {}, after {} of {} was seen",
            now.1, now.0, before.1, before.0
        )));
    }
    if head != known && !is_accepted(head, known.epoch) {
        if head.revision <= known.revision {
            return Err(rolled_back(format!(
                "it has revision {} with other content than was seen, after {} was seen",
                head.revision, known.revision
            )));
        }
        if head.revision == known.revision + 1 && head.previous != Some(known.hash(known_mac)) {
            return Err(rolled_back(format!(
                "its revision {} does not follow the revision {} that was seen",
                head.revision, known.revision
            )));
        }
    }
    if head.next_id < known.next_id {
        return Err(rolled_back(format!(
            "its next id is {}, and {} was seen; accept it with that or a higher one",
            head.next_id, known.next_id
        )));
    }
    Ok(())
}

/// That the scopes that are loaded with each process have lost nothing. `epoch` is that in which
/// they were seen before.
///
/// # Errors
/// [`ErrorKind::KeyStoreRolledBack`].
pub(super) fn refuse_lost(before: &Process, epoch: u64, now: &Process, head: &Head) -> Result<()> {
    if before.hash == now.hash {
        return Ok(());
    }
    let accepted = is_accepted(head, epoch);
    for keys in before.iter() {
        match now.get(&keys.scope) {
            Some(now) => refuse_undone(keys, now, accepted)?,
            None if accepted => {}
            None => {
                return Err(rolled_back(format!("scope \"{}\" was seen before and is missing", keys.scope)));
            }
        }
    }
    Ok(())
}

/// Whether somebody has accepted since that the store was set back.
fn is_accepted(head: &Head, seen_in_epoch: u64) -> bool {
    head.restored.is_some_and(|restored| restored.epoch > seen_in_epoch)
}

fn refuse_undone(before: &ScopeKeys, now: &ScopeKeys, accepted: bool) -> Result<()> {
    for was in &before.keys {
        match now.get(was.id) {
            Some(is) => refuse_undone_key(was, is, accepted)?,
            // A later release has changed it: this one can't tell how.
            None if accepted || now.has(was.id) => {}
            None => return Err(rolled_back(format!("key {} was seen before and is missing", was.id))),
        }
    }
    Ok(())
}

fn refuse_undone_key(was: &Entry, is: &Entry, accepted: bool) -> Result<()> {
    if !was.is_same_key(is) {
        return Err(rolled_back(format!("key {} is another key than the one that was seen", was.id)));
    }
    if accepted {
        return Ok(());
    }
    if is != was && is.changed.revision <= was.changed.revision {
        return Err(rolled_back(format!("key {} is not newer than it was seen, and another", was.id)));
    }
    let is_final = match was.state {
        KeyState::Destroyed => is.state == KeyState::Destroyed,
        _ if was.compromised.is_some() => {
            is.compromised.is_some()
                && matches!(is.state, KeyState::Compromised | KeyState::Disabled | KeyState::Destroyed)
        }
        _ => true,
    };
    if is_final {
        return Ok(());
    }
    Err(rolled_back(format!("key {} was {} and is {}", was.id, was.state.name(), is.state.name())))
}

fn rolled_back(detail: String) -> Error {
    Error::new(ErrorKind::KeyStoreRolledBack).detail(detail)
}
