//! Whether each KEK could be the last one: tried by the thread now and then, so that a dead second
//! region is found before the first one dies, too.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;

use super::Inner;
use super::backends::{Kek, is_about_one_key, until_out_of_reach};
use crate::cipher;
use crate::envelope::WrapContext;
use crate::envelope::record::Entry;
use crate::error::Result;
use crate::key::KeyState;
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// The findings of the thread when it tried all KEKs.
#[derive(Default)]
pub(super) struct KekChecks {
    /// When it has last tried all of them, by a clock that nobody sets, and as a date.
    at: Option<Duration>,
    pub(super) date: Option<SystemTime>,
    pub(super) faults: Vec<WrapFault>,
}

/// A wrap that did not unwrap.
#[derive(Clone)]
pub(super) struct WrapFault {
    pub(super) kek: Box<str>,
    /// `None` for the store key.
    pub(super) key_id: Option<KeyId>,
    pub(super) text: String,
    /// When that was found first.
    pub(super) since: SystemTime,
}

/// The result of trying a wrap. The key is `None` for the store key.
type Tried = (Option<KeyId>, Result<()>);

impl Inner {
    /// Unwraps the store key and each key that is loaded at start under each KEK, if that is due.
    /// With a single KEK, loading them has done that already. A wrap that has failed before is
    /// tried each time.
    pub(super) async fn check_keks_if_due(&self) {
        let (backends, every) = (&self.loader.backends, self.cache.check_every);
        let now = backends.clock.monotonic();
        let last = self.checks().at;
        let is_due = last.is_none_or(|at| now.saturating_sub(at) >= every);
        if is_due && !every.is_zero() && backends.keks.len() > 1 {
            for kek in &backends.keks {
                let tried = self.try_kek(kek).await;
                self.found(kek, &tried);
            }
            let mut checks = self.checks();
            (checks.at, checks.date) = (Some(now), Some(backends.clock.wall()));
            return;
        }
        for kek in &backends.keks {
            let state = kek.state();
            if state.unwrap.is_some() {
                let tried = self.try_store_key(kek).await;
                self.found(kek, &tried);
            }
            if state.wrap.is_some() {
                self.try_to_wrap(kek).await;
            }
        }
        self.try_faults_again().await;
    }

    /// Wraps that were of no use, once more: somebody may have mended them.
    pub(super) async fn try_faults_again(&self) {
        let faults = self.checks().faults.clone();
        for kek in &self.loader.backends.keks {
            let ids: Vec<_> = faults
                .iter()
                .filter(|fault| fault.kek == kek.name)
                .map(|fault| fault.key_id)
                .collect();
            if ids.is_empty() {
                continue;
            }
            let mut tried = Vec::new();
            if ids.contains(&None) {
                tried.extend(self.try_store_key(kek).await);
            }
            tried.extend(self.try_keys(kek, |id| ids.contains(&KeyId::new(id))).await);
            let gone = ids.iter().filter(|id| !tried.iter().any(|(known, _)| known == *id));
            // A wrap that is not there any more is no fault.
            let gone: Vec<Tried> = gone.map(|id| (*id, Ok(()))).collect();
            self.found(kek, &tried);
            if !tried
                .iter()
                .any(|(_, tried)| tried.as_ref().is_err_and(|error| !is_about_one_key(error)))
            {
                self.found(kek, &gone);
            }
        }
    }

    /// Remembers the results. Nothing changes for wraps that were not tried.
    fn found(&self, kek: &Kek, tried: &[Tried]) {
        let now = self.loader.backends.clock.wall();
        let mut checks = self.checks();
        let had_faults = !checks.faults.is_empty();
        for (key_id, tried) in tried {
            let is_it = |fault: &WrapFault| fault.kek == kek.name && fault.key_id == *key_id;
            let since =
                checks.faults.iter().find(|fault| is_it(fault)).map_or(now, |fault| fault.since);
            match tried {
                Ok(()) => checks.faults.retain(|fault| !is_it(fault)),
                // If the KEK can't be reached, that is told of the KEK, not of each key.
                Err(error) if is_about_one_key(error) => {
                    checks.faults.retain(|fault| !is_it(fault));
                    let (kek, key_id, text) = (kek.name.clone(), *key_id, error.to_string());
                    checks.faults.push(WrapFault { kek, key_id, text, since });
                }
                Err(_) => {}
            }
        }
        if had_faults && checks.faults.is_empty() {
            self.health.recover();
        }
        drop(checks);
        for (key_id, tried) in tried {
            if let Err(error) = tried {
                kek.tell(*key_id, error);
            }
        }
    }

    /// If it does not answer, it is not asked for the rest.
    async fn try_kek(&self, kek: &Kek) -> Vec<Tried> {
        let mut tried = self.try_store_key(kek).await;
        let is_dead =
            tried.iter().any(|(_, t)| t.as_ref().is_err_and(|error| !is_about_one_key(error)));
        if !is_dead {
            tried.extend(self.try_keys(kek, |_| true).await);
        }
        tried
    }

    async fn try_store_key(&self, kek: &Kek) -> Vec<Tried> {
        let Some(newest) = self.loader.newest() else { return Vec::new() };
        let tried = match self.check_store_key(&newest.head, kek).await {
            None => Ok(()),
            Some(problem) => match problem.error {
                Some(error) => Err(error),
                // One that is missing is told as that.
                None => return Vec::new(),
            },
        };
        vec![(None, tried)]
    }

    async fn try_keys(&self, kek: &Kek, is_wanted: impl Fn(u32) -> bool) -> Vec<Tried> {
        let Some(view) = self.loader.known() else { return Vec::new() };
        let is_due = |entry: &Entry| entry.state != KeyState::Destroyed && is_wanted(entry.id);
        let mut calls: Vec<BoxFuture<'_, Tried>> = Vec::new();
        for keys in view.process.iter().flat_map(|process| process.iter()) {
            for entry in keys.keys.iter().filter(|entry| is_due(entry)) {
                let Some(wrapped) = entry.wraps.get(&*kek.name) else { continue };
                calls.push(Box::pin(async move {
                    let tried = self.try_wrap(&keys.scope, entry, kek, &wrapped.0).await;
                    (KeyId::new(entry.id), tried)
                }));
            }
        }
        until_out_of_reach(calls).await
    }

    /// Wraps bytes that are nobody's key, and forgets them.
    async fn try_to_wrap(&self, kek: &Kek) {
        let Some(newest) = self.loader.newest() else { return };
        let mut bytes = SecretBytes::zeroed();
        if cipher::random(bytes.expose_mut()).is_err() {
            return;
        }
        let backends = &self.loader.backends;
        let context = WrapContext::store(&backends.key_set, newest.head.store, newest.head.epoch);
        // The result is noted there.
        let _ = backends.wrap(kek, &context, &bytes).await;
    }

    pub(super) fn checks(&self) -> MutexGuard<'_, KekChecks> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
