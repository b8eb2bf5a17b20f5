//! What may happen to a key, and when (NIST SP 800-57 part 1, section 7). Nothing here waits for
//! anything.
//!
//! ```text
//! pending ──activate──> active ──(the next one)──> retired ──disable──> disabled ──destroy──> destroyed
//!    │                                              │   ^                 │
//!    └───────────────destroy────────────────┐       │   └─────enable──────┘
//!                                           v       └──compromise──> compromised ──disable──> …
//!                                       destroyed
//! ```

use super::draft::{Draft, refused};
use super::policy::RotationPolicy;
use super::record::{
    Changed, Digest, Entry, Foreign, Head, MAX_DATE, MAX_SCOPE, Part, ScopeKeys, Wraps,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{KeyState, Purpose};

/// A key that was just made: wrapped, and tried.
pub(super) struct NewKey {
    pub(super) id: u32,
    pub(super) check: Digest,
    pub(super) wraps: Wraps,
}

/// The place of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) part: Part,
    pub(super) scope: Box<str>,
    pub(super) purpose: Purpose,
}

/// # Errors
/// [`ErrorKind::KeyLifecycle`]: the name of a scope is too long.
pub(super) fn check_name(scope: &str) -> Result<()> {
    if scope.len() <= MAX_SCOPE {
        return Ok(());
    }
    let detail = format!(
        "the name of a scope has at most {MAX_SCOPE} bytes, and this one has {}",
        scope.len()
    );
    Err(Error::new(ErrorKind::KeyLifecycle).detail(detail))
}

/// The first key of its scope and purpose, or the first after all of them were destroyed: active at
/// once, no value that opens can be under another.
pub(super) fn add_first(
    draft: &mut Draft<'_>,
    key: NewKey,
    place: &Place,
    policy: &RotationPolicy,
) -> Result<()> {
    check_first(draft, place)?;
    let now = draft.now;
    let mut entry = entry(key, place, next_version(draft, place), now);
    entry.state = KeyState::Active;
    entry.activated = Some(now);
    entry.seal_until = seal_until(now, policy);
    draft.add(place.part, &place.scope, entry);
    Ok(())
}

/// A key that was in use elsewhere, in the state that it has. Its dates begin here.
pub(super) fn add_existing(
    draft: &mut Draft<'_>,
    key: NewKey,
    place: &Place,
    state: KeyState,
    policy: &RotationPolicy,
) {
    let now = draft.now;
    let mut entry = entry(key, place, next_version(draft, place), now);
    entry.state = state;
    match state {
        KeyState::Pending => entry.activate_after = Some(activate_after(now, &draft.head)),
        KeyState::Active => {
            entry.activated = Some(now);
            entry.seal_until = seal_until(now, policy);
        }
        KeyState::Retired => entry.retired = Some(now),
        KeyState::Compromised => entry.compromised = Some(now),
        KeyState::Disabled => entry.disabled = Some(now),
        KeyState::Destroyed => entry.destroyed = Some(now),
    }
    draft.add(place.part, &place.scope, entry);
}

/// The next key of its scope and purpose: every process gets it, none seals with it before
/// `propagation` seconds are over.
pub(super) fn publish(draft: &mut Draft<'_>, key: NewKey, place: &Place) -> Result<()> {
    refuse_second_pending(draft, place)?;
    let now = draft.now;
    let mut entry = entry(key, place, next_version(draft, place), now);
    entry.activate_after = Some(activate_after(now, &draft.head));
    draft.add(place.part, &place.scope, entry);
    Ok(())
}

/// Whether a scope has no key of a purpose, or all of them were destroyed.
fn has_none(keys: &ScopeKeys, purpose: Purpose) -> bool {
    keys.of(purpose).all(|entry| entry.state == KeyState::Destroyed)
}

/// # Errors
/// If there is a key of this scope and purpose that was not destroyed.
pub(super) fn check_first(draft: &Draft<'_>, place: &Place) -> Result<()> {
    let keys = draft.scope(&place.scope);
    if let Some(keys) = keys.filter(|keys| keys.part != place.part) {
        let how = match keys.part {
            Part::Process => "it is loaded with each process; `create` makes its keys",
            Part::Demand => "it is loaded on demand; `provision` makes its keys",
        };
        let detail = format!("scope \"{}\" has keys already, and {how}", place.scope);
        return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
    }
    refuse_foreign(draft, &place.scope, place.purpose)?;
    let Some(keys) = keys.filter(|keys| !has_none(keys, place.purpose)) else { return Ok(()) };
    let in_state = |state| keys.in_state(place.purpose, state).next();
    let next = "`publish` the next one";
    let (known, detail) = match (in_state(KeyState::Active), in_state(KeyState::Pending)) {
        (Some(active), _) => {
            (Some(&**active), format!("it is the active key of this scope and purpose; {next}"))
        }
        (None, Some(pending)) => {
            (Some(&**pending), "it is pending; `activate` it, or `activate_at_once`".to_owned())
        }
        (None, None) => (
            keys.of(place.purpose).last().map(|entry| &**entry),
            format!(
                "this scope and purpose has keys, of which none is active; {next}, and `activate_at_once` that"
            ),
        ),
    };
    Err(refused(detail, known.map_or(0, |entry| entry.id)))
}

/// How the scope is loaded.
///
/// # Errors
/// If there is no key of this scope and purpose, or a pending one.
pub(super) fn check_next(draft: &Draft<'_>, place: &Place) -> Result<Part> {
    refuse_foreign(draft, &place.scope, place.purpose)?;
    refuse_second_pending(draft, place)?;
    let keys = draft.scope(&place.scope).filter(|keys| keys.of(place.purpose).next().is_some());
    keys.map(|keys| keys.part).ok_or_else(|| {
        let detail = "this scope and purpose has no key yet; `create` or `provision` its first one";
        Error::new(ErrorKind::KeyLifecycle).detail(detail)
    })
}

/// Only one key of a scope and purpose is active, and only one is pending. A key that a later
/// release has written counts, too.
fn refuse_foreign(draft: &Draft<'_>, scope: &str, purpose: Purpose) -> Result<()> {
    match draft.scope(scope).and_then(|keys| foreign_of(keys, purpose)) {
        Some(foreign) => Err(refused(
            "a later release has written this key of the scope and purpose, and this one must add none beside it; upgrade \
             encrypted-field",
            foreign.id,
        )),
        None => Ok(()),
    }
}

/// A key of a later release that may be active or pending.
fn foreign_of(keys: &ScopeKeys, purpose: Purpose) -> Option<&Foreign> {
    let has_active = keys.in_state(purpose, KeyState::Active).next().is_some();
    let is_in_the_way = |foreign: &&Foreign| match foreign.state() {
        Some(KeyState::Active | KeyState::Pending) => true,
        Some(_) => false,
        // If another key is active, this one is not, whatever else it is.
        None => !has_active,
    };
    keys.foreign.iter().filter(|foreign| foreign.may_be_for(purpose)).find(is_in_the_way)
}

fn refuse_second_pending(draft: &Draft<'_>, place: &Place) -> Result<()> {
    let keys = draft.scope(&place.scope);
    match keys.and_then(|keys| keys.in_state(place.purpose, KeyState::Pending).next()) {
        Some(pending) => {
            Err(refused("it is pending already; activate it, or destroy it", pending.id))
        }
        None => Ok(()),
    }
}

fn next_version(draft: &Draft<'_>, place: &Place) -> u32 {
    let Some(keys) = draft.scope(&place.scope) else { return 1 };
    let foreign = keys.foreign.iter().filter(|foreign| foreign.may_be_for(place.purpose));
    let versions =
        keys.of(place.purpose).map(|key| key.version).chain(foreign.map(Foreign::version));
    versions.max().unwrap_or(0).saturating_add(1)
}

/// Makes a pending key active, and retires the one before it. `at_once` ignores that some processes
/// may not have it.
pub(super) fn activate(
    draft: &mut Draft<'_>,
    scope: &str,
    id: u32,
    at_once: bool,
    policy: &RotationPolicy,
) -> Result<()> {
    let now = draft.now;
    let entry = draft.get(scope, id)?;
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
    let purpose = entry.purpose;
    refuse_foreign(draft, scope, purpose)?;
    let before: Vec<u32> = draft
        .scope(scope)
        .into_iter()
        .flat_map(|keys| keys.in_state(purpose, KeyState::Active).map(|entry| entry.id))
        .collect();
    let entry = draft.edit(scope, id)?;
    entry.state = KeyState::Active;
    entry.activated = Some(now);
    entry.seal_until = seal_until(now, policy);
    for other in before {
        let before = draft.edit(scope, other)?;
        before.state = KeyState::Retired;
        before.retired = Some(now);
    }
    Ok(())
}

/// Refuses all use of a key, reversibly.
pub(super) fn disable(draft: &mut Draft<'_>, scope: &str, id: u32) -> Result<()> {
    let now = draft.now;
    match draft.get(scope, id)?.state {
        KeyState::Retired | KeyState::Compromised => {
            let entry = draft.edit(scope, id)?;
            entry.state = KeyState::Disabled;
            entry.disabled = Some(now);
            Ok(())
        }
        KeyState::Active => {
            Err(refused("it is active; publish and activate the next one first", id))
        }
        state => Err(refused(format!("it is {}", state.name()), id)),
    }
}

/// Back from disabled.
pub(super) fn enable(draft: &mut Draft<'_>, scope: &str, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.get(scope, id)?;
    if entry.state != KeyState::Disabled {
        return Err(refused(format!("it is {} and not disabled", entry.state.name()), id));
    }
    let entry = draft.edit(scope, id)?;
    entry.state =
        if entry.compromised.is_some() { KeyState::Compromised } else { KeyState::Retired };
    entry.disabled = None;
    entry.enabled = Some(now);
    Ok(())
}

/// Somebody else may have it.
pub(super) fn compromise(draft: &mut Draft<'_>, scope: &str, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.get(scope, id)?;
    match entry.state {
        KeyState::Active => {
            return Err(refused(
                "it is active; publish the next one and activate that at once, then mark this one",
                id,
            ));
        }
        KeyState::Destroyed => return Err(refused("it was destroyed", id)),
        KeyState::Compromised => return Ok(()),
        KeyState::Disabled if entry.compromised.is_some() => return Ok(()),
        KeyState::Disabled | KeyState::Pending | KeyState::Retired => {}
    }
    let entry = draft.edit(scope, id)?;
    entry.compromised = Some(now);
    if entry.state != KeyState::Disabled {
        entry.state = KeyState::Compromised;
    }
    Ok(())
}

/// Leaves the tombstone of a key that never sealed, or that is disabled. The caller has made sure
/// that every process knows it as disabled.
pub(super) fn destroy(draft: &mut Draft<'_>, scope: &str, id: u32) -> Result<()> {
    match draft.get(scope, id)?.state {
        // Stopped before the store has forgotten older versions of it, this is run again.
        KeyState::Destroyed => Ok(()),
        KeyState::Pending | KeyState::Disabled => leave_tombstone(draft, scope, id),
        state => {
            let propagation = draft.head.propagation;
            let detail = format!(
                "it is {}; disable it first, and see for {propagation} s whether anybody misses it",
                state.name()
            );
            Err(refused(detail, id))
        }
    }
}

/// Leaves the tombstones of all keys of a scope, whatever their states.
pub(super) fn destroy_scope(draft: &mut Draft<'_>, scope: &str) -> Result<()> {
    let keys = draft.scope(scope);
    if let Some(foreign) = keys.and_then(|keys| keys.foreign.first()) {
        return Err(refused(
            "a later release has written it, and this one must not change it; upgrade",
            foreign.id,
        ));
    }
    let living =
        keys.into_iter().flat_map(|keys| &keys.keys).filter(|key| key.state != KeyState::Destroyed);
    for id in living.map(|entry| entry.id).collect::<Vec<_>>() {
        leave_tombstone(draft, scope, id)?;
    }
    Ok(())
}

fn leave_tombstone(draft: &mut Draft<'_>, scope: &str, id: u32) -> Result<()> {
    let now = draft.now;
    let entry = draft.edit(scope, id)?;
    entry.state = KeyState::Destroyed;
    entry.destroyed = Some(now);
    entry.wraps.clear();
    Ok(())
}

/// The work that a policy asks for at a moment, in one scope.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Work {
    /// Purposes for which the next key must be published.
    pub(super) publish: Vec<Purpose>,
    pub(super) activate: Vec<u32>,
    pub(super) disable: Vec<u32>,
}

pub(super) fn work(keys: &ScopeKeys, head: &Head, now: u64, policy: &RotationPolicy) -> Work {
    let mut work = Work::default();
    for purpose in Purpose::ALL {
        if foreign_of(keys, purpose).is_some() {
            continue;
        }
        let active = keys.in_state(purpose, KeyState::Active).next();
        let pending = keys.in_state(purpose, KeyState::Pending).next();
        if let Some(pending) = pending {
            let is_due = pending.activate_after.is_none_or(|after| now >= after);
            if is_due && (active.is_none() || policy.interval.is_some()) {
                work.activate.push(pending.id);
            }
        }
        let Some(active) = active else { continue };
        // Looking for values by a blind index takes the key that made it: those rotate by hand,
        // with the rows.
        if policy.interval.is_some()
            && purpose != Purpose::Index
            && pending.is_none()
            && is_rotation_due(active.activated.unwrap_or(active.created), head, now, policy)
        {
            work.publish.push(purpose);
        }
        if let Some(keep) = policy.keep_retired {
            let retired: Vec<_> = keys.in_state(purpose, KeyState::Retired).collect();
            let beyond = &retired[..retired.len().saturating_sub(keep as usize)];
            let is_long_ago = |date: u64| now >= date.saturating_add(policy.retired_for.as_secs());
            let due = beyond
                .iter()
                .filter(|entry| entry.enabled.is_none() && entry.retired.is_some_and(is_long_ago));
            work.disable.extend(due.map(|entry| entry.id));
        }
    }
    work
}

/// Whether it is time to publish the next key after one that became active at that date. That is
/// early enough for the next key to be active when the interval ends.
pub(super) fn is_rotation_due(
    active_since: u64,
    head: &Head,
    now: u64,
    policy: &RotationPolicy,
) -> bool {
    policy.interval.is_some_and(|interval| {
        now >= active_since.saturating_add(interval.as_secs()).saturating_sub(head.propagation)
    })
}

/// A second more, because dates are cut off to whole ones.
pub(super) fn activate_after(now: u64, head: &Head) -> u64 {
    now.saturating_add(head.propagation).saturating_add(1).min(MAX_DATE)
}

fn entry(key: NewKey, place: &Place, version: u32, now: u64) -> Entry {
    Entry {
        id: key.id,
        purpose: place.purpose,
        version,
        state: KeyState::Pending,
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
        // Set when it is written.
        changed: Changed { revision: 0, date: now, by: None, why: None },
        ext: None,
    }
}

pub(super) fn seal_until(now: u64, policy: &RotationPolicy) -> Option<u64> {
    let lifetime = policy.interval.map(|interval| interval.saturating_add(policy.grace).as_secs());
    lifetime.map(|lifetime| now.saturating_add(lifetime).min(MAX_DATE))
}
