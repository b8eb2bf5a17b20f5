//! What this process has seen of a store, and so must not be undone. Nothing here waits for
//! anything.
//!
//! The rules are those of `KEY-STORE.md` section 2, "What must not go back".

use std::collections::HashMap;

use super::record::{Digest, Entry, Foreign, Head, ScopeKeys, StoreMac};
use super::view::Process;
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyState;

/// Scopes that are remembered after their keys have left memory.
const MOST_SCOPES: usize = 1 << 15;

/// How a scope was that this process has used.
struct Seen {
    /// The age of the head as of which it was seen.
    head: (u64, u64),
    revision: u64,
    keys: Box<[Fingerprint]>,
}

/// The parts of a key that must stay, in few bytes.
struct Fingerprint {
    id: u32,
    /// A hash of all that never changes in the key's life.
    identity: Digest,
    /// A hash of the whole entry.
    content: Digest,
    changed: u64,
    is_destroyed: bool,
    was_compromised: bool,
}

impl Fingerprint {
    fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            identity: entry.identity(),
            content: entry.content(),
            changed: entry.changed.revision,
            is_destroyed: entry.state == KeyState::Destroyed,
            was_compromised: entry.compromised.is_some(),
        }
    }

    /// For an entry that a later release has written. Its meaning is not known, but it must stay.
    fn of_foreign(entry: &Foreign) -> Self {
        Self {
            id: entry.id,
            identity: entry.identity(),
            content: entry.content(),
            changed: entry.changed(),
            is_destroyed: false,
            was_compromised: false,
        }
    }

    fn all_of(keys: &ScopeKeys) -> Box<[Self]> {
        keys.keys
            .iter()
            .map(|entry| Self::of(entry))
            .chain(keys.foreign.iter().map(Self::of_foreign))
            .collect()
    }
}

/// How each scope was that is loaded on demand. This includes scopes whose keys are not loaded any
/// more.
#[derive(Default)]
pub(super) struct History {
    scopes: HashMap<Box<str>, Seen>,
}

impl History {
    /// Whether a scope was seen that is loaded on demand.
    pub(super) fn knows(&self, scope: &str) -> bool {
        self.scopes.contains_key(scope)
    }

    /// Checks that a scope has lost nothing since it was seen.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreRolledBack`].
    pub(super) fn compare(&self, head: &Head, scope: &str, now: Option<&ScopeKeys>) -> Result<()> {
        let Some(seen) = self.scopes.get(scope) else { return Ok(()) };
        if head.age() < seen.head {
            // Two looks of this process have ended in the other order. The older one is no
            // evidence.
            return Ok(());
        }
        let accepted = is_accepted(head, seen.head.0);
        match now {
            Some(now) if now.revision < seen.revision && !accepted => Err(rolled_back(format!(
                "scope \"{scope}\" has revision {}, after {} was seen",
                now.revision, seen.revision
            ))),
            Some(now) => refuse_undone(&seen.keys, now, accepted),
            None if accepted => Ok(()),
            None => Err(rolled_back(format!("scope \"{scope}\" was seen before and is missing"))),
        }
    }

    /// Remembers how it is now. It was compared before, so it is not older.
    pub(super) fn saw(&mut self, head: &Head, scope: &str, now: &ScopeKeys) {
        let is_known = match self.scopes.get_mut(scope) {
            Some(seen) if head.age() < seen.head => return,
            Some(seen) if seen.revision == now.revision && seen.head.0 == head.epoch => {
                seen.head = head.age();
                return;
            }
            seen => seen.is_some(),
        };
        if self.scopes.len() >= MOST_SCOPES && !is_known {
            // Half of them, and by chance: whoever sets a store back can't choose which.
            let mut keep = false;
            self.scopes.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        let seen =
            Seen { head: head.age(), revision: now.revision, keys: Fingerprint::all_of(now) };
        self.scopes.insert(scope.into(), seen);
    }
}

/// Checks that a head may follow one that was seen.
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

/// Checks that the scopes that are loaded with each process have lost nothing. They were seen
/// before in the epoch `epoch`.
///
/// # Errors
/// [`ErrorKind::KeyStoreRolledBack`].
pub(super) fn refuse_lost(before: &Process, epoch: u64, now: &Process, head: &Head) -> Result<()> {
    if before.hash == now.hash {
        return Ok(());
    }
    let accepted = is_accepted(head, epoch);
    for (hash, keys) in before.scopes.values() {
        match now.scopes.get(&keys.scope) {
            Some((same, _)) if same == hash => {}
            Some((_, now)) => refuse_undone(&Fingerprint::all_of(keys), now, accepted)?,
            None if accepted => {}
            None => {
                return Err(rolled_back(format!(
                    "scope \"{}\" was seen before and is missing",
                    keys.scope
                )));
            }
        }
    }
    Ok(())
}

/// Whether somebody has accepted since that the store was set back.
fn is_accepted(head: &Head, seen_in_epoch: u64) -> bool {
    head.restored.is_some_and(|restored| restored.epoch > seen_in_epoch)
}

fn refuse_undone(before: &[Fingerprint], now: &ScopeKeys, accepted: bool) -> Result<()> {
    for was in before {
        let own = now.get(was.id).map(|entry| Fingerprint::of(entry));
        let foreign =
            || now.foreign.iter().find(|entry| entry.id == was.id).map(Fingerprint::of_foreign);
        let Some(is) = own.or_else(foreign) else {
            if accepted {
                continue;
            }
            return Err(rolled_back(format!("key {} was seen before and is missing", was.id)));
        };
        if is.identity != was.identity {
            return Err(rolled_back(format!(
                "key {} is another key than the one that was seen",
                was.id
            )));
        }
        if accepted {
            continue;
        }
        if is.content != was.content && is.changed <= was.changed {
            return Err(rolled_back(format!(
                "key {} is not newer than it was seen, and another",
                was.id
            )));
        }
        // An entry of a later release may say it in its own way.
        let state = now.get(was.id).map(|entry| entry.state);
        let is_final = state.is_none_or(|state| {
            let out_of_use =
                matches!(state, KeyState::Compromised | KeyState::Disabled | KeyState::Destroyed);
            (!was.is_destroyed || is.is_destroyed)
                && (!was.was_compromised || (is.was_compromised && out_of_use))
        });
        if !is_final {
            return Err(rolled_back(format!(
                "key {} was destroyed or compromised, and is not any more",
                was.id
            )));
        }
    }
    Ok(())
}

fn rolled_back(detail: String) -> Error {
    Error::new(ErrorKind::KeyStoreRolledBack).detail(detail)
}
