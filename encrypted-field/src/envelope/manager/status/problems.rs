//! The problems in words, and what to do about them.

use std::time::{Duration, SystemTime};

use super::super::clock::{SKEW, date};
use super::super::{Inner, kek_check::WrapFault};
use super::health::{Health, Problem, Status, is_past};
use crate::envelope::record::ScopeKeys;
use crate::key::date::rfc3339;
use crate::key::{KeyState, Purpose};

/// A rotation that is later than this says that nobody maintains the store.
const LATE: Duration = Duration::from_hours(24);

impl Inner {
    /// All that is wrong, as far as a status tells it.
    pub(super) fn problems(
        &self,
        status: &Status,
        scopes: &[&ScopeKeys],
        faults: &[WrapFault],
        now: SystemTime,
    ) -> Vec<Problem> {
        let mut found = Problems(Vec::new());
        self.of_the_whole(status, now, &mut found);
        self.of_keys(status, scopes, now, &mut found);
        self.of_scopes(&mut found);
        of_keks(status, faults, &mut found);
        of_clock(status, &mut found);
        found.0
    }

    /// Problems of all keys alike.
    fn of_the_whole(&self, status: &Status, now: SystemTime, found: &mut Problems) {
        let why = match (&status.refused, &status.refresh_failure) {
            (_, Some(failure)) => failure.text.clone(),
            (Some(refused), None) => refused.why.clone(),
            (None, None) => String::new(),
        };
        let failing_since = status.refresh_failure.as_ref().map(|failure| failure.since);
        let failing_since = failing_since.or(status.refused.as_ref().map(|refused| refused.since));
        match (status.confirmed, status.can_open) {
            (None, _) if why.is_empty() => {
                found.failing(None, "the keys were not loaded yet: call `install` or `load`".to_owned());
            }
            (None, _) => found.failing(failing_since, format!("the keys could not be loaded: {why}")),
            (Some(_), false) => {
                let why = if why.is_empty() { "nothing has refreshed them" } else { &why };
                found.failing(status.expires, format!("the keys have expired: {why}"));
            }
            (Some(_), true) if !why.is_empty() => {
                let until = status.expires.map_or("never".to_owned(), rfc3339);
                found.degraded(
                    failing_since,
                    format!("the keys can't be refreshed, and expire at {until}: {why}"),
                );
            }
            (Some(_), true) if self.health.is_overdue() => found.degraded(
                status.confirmed,
                "nothing has refreshed the keys since: a call hangs; or there is no thread that does, which `install` or `start` starts \
                 once in each process, also after a `fork`"
                    .to_owned(),
            ),
            (Some(_), true) => {}
        }
        if let Some(frozen) = self.health.frozen_for() {
            found.failing(
                now.checked_sub(frozen),
                "nothing is sealed, because the store was not signed anew: let a process that may write to it `install` or \
                 `maintain`, and see that the store is no replica"
                    .to_owned(),
            );
        }
        if let Some(failure) = &status.maintenance_failure {
            found.degraded(
                Some(failure.since),
                format!("keys that are due are not made or activated: {}", failure.text),
            );
        }
        if let Some(failure) = &status.anchor_failure {
            found.degraded(
                Some(failure.since),
                format!("the anchor does not work: {}", failure.text),
            );
        }
    }

    /// Problems of single keys.
    fn of_keys(
        &self,
        status: &Status,
        scopes: &[&ScopeKeys],
        now: SystemTime,
        found: &mut Problems,
    ) {
        if status.store.is_some() && !self.seals(scopes, now).contains(&true) {
            found.failing(
                None,
                "no key seals: there is none that is active and may be used".to_owned(),
            );
        }
        let (mut past, mut broken, mut since) = (Vec::new(), Vec::new(), None);
        for keys in scopes {
            for entry in
                keys.in_state(Purpose::Field, KeyState::Active).filter(|entry| is_past(entry, now))
            {
                since = since.max(entry.seal_until.map(date));
                past.push(format!("key {} of {}", entry.id, named(&keys.scope)));
            }
            for entry in &keys.keys {
                if let Some(reason) = self.broken(&keys.scope, entry) {
                    broken.push(format!("key {} of {} ({reason})", entry.id, named(&keys.scope)));
                }
            }
        }
        if !past.is_empty() {
            found.degraded(
                since,
                format!(
                    "past the lifetime, and sealing no more: {}; rotate (`maintain`)",
                    shortened(&past)
                ),
            );
        }
        if !broken.is_empty() {
            found.degraded(
                None,
                format!("can't be used, and their values don't open: {}", shortened(&broken)),
            );
        }
        let is_late = |due: &SystemTime| due.checked_add(LATE).is_some_and(|late| late < now);
        if let Some(due) = status.next_rotation.filter(is_late) {
            found.degraded(
                Some(due),
                "a key should have become active by the policy: let a process `install` or `maintain`"
                    .to_owned(),
            );
        }
        let later = status.store.iter().flat_map(|store| &store.of_later_release);
        let later: Vec<String> = later.map(ToString::to_string).collect();
        if !later.is_empty() {
            found.degraded(
                None,
                format!(
                    "a later release has written the keys {}: upgrade encrypted-field",
                    shortened(&later)
                ),
            );
        }
    }

    /// Problems of scopes that are loaded on demand.
    fn of_scopes(&self, found: &mut Problems) {
        if let Some(failure) = self.scopes.outage() {
            found
                .degraded(Some(failure.since), format!("scopes can't be loaded: {}", failure.text));
        }
        let stale = self.scopes.stale();
        if let Some((scope, failure)) = stale.first() {
            let others = match stale.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} others"),
            };
            let since = stale.iter().map(|(_, failure)| failure.since).min();
            found.degraded(
                since,
                format!(
                    "scope \"{scope}\"{others} can't be refreshed, and expire: {}",
                    failure.text
                ),
            );
        }
    }
}

/// Problems of KEKs.
fn of_keks(status: &Status, faults: &[WrapFault], found: &mut Problems) {
    for kek in &status.keks {
        if let Some(failure) = &kek.failure {
            let text = format!("the KEK \"{}\" does not work: {}", kek.name, failure.text);
            found.degraded(Some(failure.since), text);
        }
        if kek.service.is_none() && !kek.is_offline {
            found.degraded(
                None,
                format!(
                    "the store is wrapped under the KEK \"{}\", which this process does not have, so it makes no keys: add it, or \
                     say that it is an `offline_kek`",
                    kek.name
                ),
            );
        }
    }
    let is_here =
        |name: &str| status.keks.iter().any(|kek| kek.name == name && kek.service.is_some());
    for missing in status.missing_wraps.iter().filter(|missing| is_here(&missing.kek)) {
        let mut what: Vec<String> = missing.keys.iter().map(|id| format!("key {id}")).collect();
        if missing.store_key {
            what.push("the key that authenticates the store".to_owned());
        }
        let text = format!(
            "not wrapped under the KEK \"{}\": {}; `rewrap`",
            missing.kek,
            shortened(&what)
        );
        found.degraded(None, text);
    }
    for fault in faults {
        let what = match fault.key_id {
            Some(id) => format!("the wrap of key {id}"),
            None => "the wrap of the key that authenticates the store".to_owned(),
        };
        let text = format!(
            "{what} under the KEK \"{}\" is of no use: {}; `repair`",
            fault.kek, fault.text
        );
        found.degraded(Some(fault.since), text);
    }
}

fn of_clock(status: &Status, found: &mut Problems) {
    if let Some(ahead) =
        status.clock_difference.filter(|difference| difference.unsigned_abs() > SKEW)
    {
        let (far, how) = (ahead.unsigned_abs(), if ahead > 0 { "ahead of" } else { "behind" });
        found.degraded(
            None,
            format!("the clock of this process is {far} s {how} the one of the store or the key service: correct it"),
        );
    }
}

/// The first few of a list.
fn shortened(list: &[String]) -> String {
    const MOST: usize = 5;
    let shown = list[..list.len().min(MOST)].join(", ");
    match list.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn named(scope: &str) -> String {
    if scope.is_empty() { "the default scope".to_owned() } else { format!("scope \"{scope}\"") }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn failing(&mut self, since: Option<SystemTime>, text: String) {
        self.0.push(Problem { health: Health::Failing, since, text });
    }

    fn degraded(&mut self, since: Option<SystemTime>, text: String) {
        self.0.push(Problem { health: Health::Degraded, since, text });
    }
}
