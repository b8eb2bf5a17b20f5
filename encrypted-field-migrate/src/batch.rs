//! From rows that were read to what is to be written, and what becomes of it.

use std::collections::HashMap;
use std::sync::Arc;

use encrypted_field::Keyring;

use crate::database::{Found, Key, Swap};
use crate::decide::{Decision, Flaw, Judge, Kept};
use crate::keys::Keys;
use crate::report::{Counts, FailureKind};
use crate::spec::Job;

/// Rows that nobody has to look at any more.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) counts: Counts,
    pub(crate) failures: Vec<(Key, FailureKind, String)>,
}

impl Settled {
    pub(crate) fn fail(&mut self, key: Key, kind: FailureKind, reason: impl Into<String>) {
        self.counts.failed += 1;
        self.failures.push((key, kind, reason.into()));
    }
}

/// Rows that somebody still has to look at.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) swaps: Vec<Swap>,
    /// Rows whose key is not loaded, each with the reason with which it fails if the key does not
    /// come.
    pub(crate) not_loaded: Vec<(Found, String)>,
}

/// The rings of the scopes of some rows, or why there is none.
#[derive(Debug)]
pub(crate) struct Rings(HashMap<Option<String>, Result<Arc<Keyring>, String>>);

impl Rings {
    /// An error is one that goes away by itself: try again.
    pub(crate) async fn of(
        job: &Job,
        rows: &[Found],
        keys: &dyn Keys,
    ) -> Result<Self, encrypted_field::Error> {
        let mut rings = HashMap::new();
        let has_value = |row: &&Found| row.stored.is_some() || matches!(row.target, Some(Some(_)));
        for row in rows.iter().filter(has_value) {
            if rings.contains_key(&row.scope) {
                continue;
            }
            let scope = row.scope.as_deref().unwrap_or(&job.description.scope);
            let ring = match keys.ring_for(scope).await {
                Ok(ring) => Ok(ring),
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => Err(error.to_string()),
            };
            rings.insert(row.scope.clone(), ring);
        }
        Ok(Self(rings))
    }

    /// The ring for rows of this scope.
    pub(crate) fn ring(&self, scope: Option<&str>) -> Result<&Keyring, &str> {
        match self.0.get(&scope.map(str::to_owned)) {
            Some(Ok(ring)) => Ok(ring),
            Some(Err(reason)) => Err(reason),
            None => Err("no keys"),
        }
    }

    /// Decides on each row.
    pub(crate) fn judge(&self, job: &Job, rows: Vec<Found>, settled: &mut Settled) -> Judged {
        let mut judges: HashMap<Option<String>, Judge<'_>> = HashMap::new();
        for (scope, ring) in &self.0 {
            if let Ok(ring) = ring {
                judges.insert(scope.clone(), Judge::new(job, ring, scope.as_deref()));
            }
        }
        let mut left = Judged::default();
        for Found { key, stored, target, scope } in rows {
            let Some(old) = stored else {
                settled.counts.nulls += 1;
                continue;
            };
            let Some(judge) = judges.get(&scope) else {
                let reason = self.0.get(&scope).and_then(|ring| ring.as_ref().err());
                settled.fail(key, FailureKind::Keys, reason.map_or("no keys", String::as_str));
                continue;
            };
            if scope.as_deref() == Some("") {
                // As the library does: a tenant whose name got lost does not share its keys.
                settled.fail(key, FailureKind::Keys, "the column of the scope is empty or NULL");
                continue;
            }
            let there = target.as_ref().map(|target| target.as_ref().map(|t| t.as_slice()));
            match judge.decide(Some(&old), there) {
                Decision::Keep(Kept::Null) => settled.counts.nulls += 1,
                Decision::Keep(Kept::Done) => settled.counts.kept += 1,
                Decision::Keep(Kept::Pending) => settled.counts.pending += 1,
                Decision::Replace(new) => left.swaps.push(Swap { key, old, new }),
                Decision::Fail(Flaw::Row(kind, reason)) => settled.fail(key, kind, reason),
                Decision::Fail(Flaw::NotLoaded(reason)) => {
                    let row = Found { key, stored: Some(old), target, scope };
                    left.not_loaded.push((row, reason));
                }
            }
        }
        left
    }
}
