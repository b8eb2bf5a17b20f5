//! What may happen to a key, and when (NIST SP 800-57 part 1, section 7). Nothing here waits for anything.
//!
//! ```text
//! pending ──activate──> active ──(the next one)──> retired ──disable──> disabled ──destroy──> destroyed
//!    │                                              │   ^                 │
//!    └───────────────destroy────────────────┐       │   └─────enable──────┘
//!                                           v       └──compromise──> compromised ──disable──> …
//!                                       destroyed
//! ```

use std::sync::Arc;

use super::draft::{Draft, refused};
use super::key_set::KeySet;
use super::policy::RotationPolicy;
use super::record::{Digest, Entry, Wraps};
use crate::error::Result;
use crate::key::{KeyState, Purpose};

/// A key that was just made: wrapped, and tried.
pub(super) struct NewKey {
    pub(super) id: u32,
    pub(super) check: Digest,
    pub(super) wraps: Wraps,
}

/// Where a key belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scope: String,
    pub(super) purpose: Purpose,
    pub(super) on_demand: bool,
}

/// The first key of its scope and purpose: active at once, no value can be under another.
pub(super) fn add_first(
    draft: &mut Draft<'_>,
    key: NewKey,
    place: Place,
    policy: &RotationPolicy,
) -> Result<()> {
    check_first(draft, &place)?;
    let now = draft.now;
    let mut entry = entry(key, place, 1, now);
    entry.state = KeyState::Active;
    entry.activated = Some(now);
    entry.seal_until = seal_until(now, policy);
    draft.add(entry);
    Ok(())
}

/// A key that was in use elsewhere, in the state that it has; its dates begin here.
pub(super) fn add_existing(
    draft: &mut Draft<'_>,
    key: NewKey,
    place: Place,
    version: u32,
    state: KeyState,
    policy: &RotationPolicy,
) {
    let now = draft.now;
    let mut entry = entry(key, place, version, now);
    entry.state = state;
    match state {
        KeyState::Pending => {
            entry.activate_after = Some(now.saturating_add(draft.head.propagation).saturating_add(1));
        }
        KeyState::Active => {
            entry.activated = Some(now);
            entry.seal_until = seal_until(now, policy);
        }
        KeyState::Retired => entry.retired = Some(now),
        KeyState::Compromised => entry.compromised = Some(now),
        KeyState::Disabled => entry.disabled = Some(now),
        KeyState::Destroyed => entry.destroyed = Some(now),
    }
    draft.add(entry);
}

/// The next key of its scope and purpose: every process gets it, none seals with it before `propagation` seconds are over.
pub(super) fn publish(draft: &mut Draft<'_>, key: NewKey, place: Place) -> Result<()> {
    let known = draft.of(&place.scope, place.purpose);
    refuse_second_pending(draft, &known)?;
    let now = draft.now;
    let version = u32::try_from(known.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut entry = entry(key, place, version, now);
    // A second more, because dates are cut off to whole ones.
    entry.activate_after = Some(now.saturating_add(draft.head.propagation).saturating_add(1));
    draft.add(entry);
    Ok(())
}

/// # Errors
/// Where there is a key of this scope and purpose.
pub(super) fn check_first(draft: &Draft<'_>, place: &Place) -> Result<()> {
    match draft.of(&place.scope, place.purpose).last() {
        Some(known) => Err(refused("this scope and purpose has a key already; publish the next one", *known)),
        None => Ok(()),
    }
}

/// Whether the scope is loaded on demand.
///
/// # Errors
/// Where there is no key of this scope and purpose, or a pending one.
pub(super) fn check_next(draft: &Draft<'_>, place: &Place) -> Result<bool> {
    let known = draft.of(&place.scope, place.purpose);
    refuse_second_pending(draft, &known)?;
    match known.last().and_then(|id| draft.get(*id)) {
        Some(entry) => Ok(entry.on_demand),
        None => {
            Err(refused("this scope and purpose has no key yet; `create` or `provision` its first one", 0))
        }
    }
}

fn refuse_second_pending(draft: &Draft<'_>, known: &[u32]) -> Result<()> {
    match known.iter().find(|id| state(draft, **id) == Some(KeyState::Pending)) {
        Some(pending) => Err(refused("it is pending already; activate it, or destroy it", *pending)),
        None => Ok(()),
    }
}

/// Makes a pending key active, and retires the one before it. `at_once` ignores that some processes may not have it.
pub(super) fn activate(draft: &mut Draft<'_>, id: u32, at_once: bool, policy: &RotationPolicy) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(id)?;
    if entry.state != KeyState::Pending {
        return Err(refused(format!("it is {} and not pending", entry.state.name()), id));
    }
    if let Some(after) = entry.activate_after
        && now < after
        && !at_once
    {
        return Err(refused(
            format!("some processes may not have it yet; activate it in {} s", after - now),
            id,
        ));
    }
    entry.state = KeyState::Active;
    entry.activated = Some(now);
    entry.seal_until = seal_until(now, policy);
    let (scope, purpose) = (entry.scope.clone(), entry.purpose);
    for other in draft.of(&scope, purpose) {
        if other != id && state(draft, other) == Some(KeyState::Active) {
            let before = draft.edit(other)?;
            before.state = KeyState::Retired;
            before.retired = Some(now);
        }
    }
    Ok(())
}

/// Refuses all use of a key, reversibly.
pub(super) fn disable(draft: &mut Draft<'_>, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(id)?;
    match entry.state {
        KeyState::Retired | KeyState::Compromised => {
            entry.state = KeyState::Disabled;
            entry.disabled = Some(now);
            Ok(())
        }
        KeyState::Active => Err(refused("it is active; publish and activate the next one first", id)),
        state => Err(refused(format!("it is {}", state.name()), id)),
    }
}

/// Back from disabled.
pub(super) fn enable(draft: &mut Draft<'_>, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(id)?;
    if entry.state != KeyState::Disabled {
        return Err(refused(format!("it is {} and not disabled", entry.state.name()), id));
    }
    entry.state = if entry.compromised.is_some() { KeyState::Compromised } else { KeyState::Retired };
    entry.disabled = None;
    entry.enabled = Some(now);
    Ok(())
}

/// Somebody else may have it.
pub(super) fn compromise(draft: &mut Draft<'_>, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(id)?;
    match entry.state {
        KeyState::Active => Err(refused(
            "it is active; publish the next one and activate that at once, then mark this one",
            id,
        )),
        KeyState::Destroyed => Err(refused("it was destroyed", id)),
        KeyState::Compromised => Ok(()),
        KeyState::Disabled => {
            entry.compromised.get_or_insert(now);
            Ok(())
        }
        KeyState::Pending | KeyState::Retired => {
            entry.state = KeyState::Compromised;
            entry.compromised = Some(now);
            Ok(())
        }
    }
}

/// Leaves the tombstone of a key that never sealed, or that was disabled for as long as it takes each process to notice.
pub(super) fn destroy(draft: &mut Draft<'_>, id: u32) -> Result<()> {
    let (now, propagation) = (draft.now, draft.head.propagation);
    let entry = draft.edit(id)?;
    match (entry.state, entry.disabled) {
        // Stopped before the store has forgotten older versions of it, this is run again.
        (KeyState::Destroyed, _) => return Ok(()),
        (KeyState::Pending, _) => {}
        (KeyState::Disabled, Some(since)) if now >= since.saturating_add(propagation) => {}
        (KeyState::Disabled, _) => {
            let detail = format!(
                "disable it for at least {propagation} s first, until every process has shown that nobody misses it"
            );
            return Err(refused(detail, id));
        }
        (state, _) => {
            let detail = format!(
                "it is {}; disable it first, and see for {propagation} s whether anybody misses it",
                state.name()
            );
            return Err(refused(detail, id));
        }
    }
    bury(draft, id)
}

/// Leaves the tombstones of all keys of a scope, whatever their states.
pub(super) fn destroy_scope(draft: &mut Draft<'_>, ids: impl Iterator<Item = u32>) -> Result<()> {
    for id in ids {
        if state(draft, id) != Some(KeyState::Destroyed) {
            bury(draft, id)?;
        }
    }
    Ok(())
}

fn bury(draft: &mut Draft<'_>, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(id)?;
    entry.state = KeyState::Destroyed;
    entry.destroyed = Some(now);
    entry.wraps.clear();
    Ok(())
}

/// What a policy asks for at a moment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) publish: Vec<Place>,
    pub(super) activate: Vec<u32>,
    pub(super) disable: Vec<u32>,
}

pub(super) fn due(set: &KeySet, now: u64, policy: &RotationPolicy) -> Due {
    let mut due = Due::default();
    set.scopes();
    for pending in set.entries.values().filter(|entry| entry.state == KeyState::Pending) {
        let is_first = siblings(set, pending, KeyState::Active).next().is_none();
        let is_due = pending.activate_after.is_none_or(|after| now >= after);
        if is_due && (is_first || policy.interval.is_some()) {
            due.activate.push(pending.id);
        }
    }
    for active in set.entries.values().filter(|entry| entry.state == KeyState::Active) {
        // Looking for values by a blind index takes the key that made it: those rotate by hand, with the rows.
        if let Some(interval) = policy.interval
            && active.purpose != Purpose::Index
            && siblings(set, active, KeyState::Pending).next().is_none()
        {
            // Published early enough to be active when the interval ends.
            let since = active.activated.unwrap_or(active.created);
            if now >= since.saturating_add(interval.as_secs()).saturating_sub(set.head.propagation) {
                let Entry { scope, purpose, on_demand, .. } = &**active;
                due.publish.push(Place { scope: scope.clone(), purpose: *purpose, on_demand: *on_demand });
            }
        }
        if let Some(keep) = policy.keep_retired {
            let retired: Vec<_> = siblings(set, active, KeyState::Retired).collect();
            let beyond = &retired[..retired.len().saturating_sub(keep as usize)];
            let is_long_ago = |date: u64| now >= date.saturating_add(policy.retired_for.as_secs());
            due.disable.extend(
                beyond
                    .iter()
                    .filter(|entry| entry.enabled.is_none() && entry.retired.is_some_and(is_long_ago))
                    .map(|entry| entry.id),
            );
        }
    }
    due
}

/// The keys of the same scope and purpose that are in a state, oldest first.
fn siblings<'a>(set: &'a KeySet, entry: &'a Entry, state: KeyState) -> impl Iterator<Item = &'a Arc<Entry>> {
    set.of(&entry.scope, entry.purpose).filter(move |other| other.state == state)
}

fn entry(key: NewKey, place: Place, version: u32, now: u64) -> Entry {
    Entry {
        id: key.id,
        scope: place.scope,
        purpose: place.purpose,
        version,
        state: KeyState::Pending,
        revision: 0,
        on_demand: place.on_demand,
        created: now,
        activate_after: None,
        activated: None,
        seal_until: None,
        retired: None,
        compromised: None,
        disabled: None,
        enabled: None,
        destroyed: None,
        check: key.check,
        wraps: key.wraps,
        mac: Digest([0; 32]),
    }
}

fn seal_until(now: u64, policy: &RotationPolicy) -> Option<u64> {
    policy.interval.map(|interval| now.saturating_add(interval.saturating_add(policy.grace).as_secs()))
}

fn state(draft: &Draft<'_>, id: u32) -> Option<KeyState> {
    draft.get(id).map(|entry| entry.state)
}
