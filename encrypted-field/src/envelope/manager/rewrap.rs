//! Wrapping keys under other KEKs: one was added, is left out, or has diverged. And dates that
//! can't be right. No row of data is touched.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::backends::{is_about_one_key, some_at_a_time, until_out_of_reach};
use super::changes::{Attempts, confirmed};
use super::consistency::{WrapProblem, foreign_problem};
use super::loading::{Ask, Loader};
use super::maintenance::ahead_by;
use super::pages::{page_after, page_digits};
use super::ring::key_id;
use super::{Call, Inner, KeyManager};
use crate::envelope::WrapContext;
use crate::envelope::draft::{Draft, Note};
use crate::envelope::lifecycle;
use crate::envelope::record::{Entry, Foreign, Head, ScopeKeys, Wraps};
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyState;
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Keys that are rewrapped in one change.
const AT_ONCE: usize = 256;

/// The result of [`KeyManager::rewrap`], [`leave_out_kek`](KeyManager::leave_out_kek) and
/// [`repair`](KeyManager::repair).
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RewrapReport {
    /// Data keys whose wraps are others now.
    pub keys: usize,
    /// Data keys whose dates were in the future and are not any more. Only
    /// [`repair`](KeyManager::repair) does that.
    pub redated: Vec<KeyId>,
    /// Those that unwrap under no KEK of this process, or whose entry a later release has written.
    /// They stayed as they were.
    pub failed: Vec<WrapProblem>,
}

/// The change to the wraps of a key.
#[derive(Clone, Copy)]
enum Goal<'a> {
    /// One under each KEK of this process beside those that are there.
    Add,
    /// None under this one.
    LeaveOut(&'a str),
    /// Others in place of those that don't unwrap, and dates that can be right.
    Repair,
}

impl KeyManager {
    /// Wraps each data key, and the key that authenticates the store, under the KEKs of this
    /// manager under which they are not wrapped yet. Call it after a KEK was added. Wraps under
    /// other KEKs stay, and so do those that are there.
    ///
    /// To renew the wraps of a KEK, such as after its key was rotated in its service, give the
    /// manager the same key under a second name, call this, and [leave out](Self::leave_out_kek)
    /// the first one. The service's own function is no replacement. Vault's `transit/rewrap` takes
    /// no associated data, which each wrap is bound to
    /// ([hashicorp/vault#31842](https://github.com/hashicorp/vault/pull/31842)). And a store whose
    /// wraps were changed by hand is refused.
    ///
    /// It changes 256 keys at a time. If it was stopped at any point, run it again.
    ///
    /// # Errors
    /// Those of the store and the key services. Keys that are not rewrapped stay as they were.
    pub fn rewrap(&self) -> Call<RewrapReport> {
        self.call(|inner, note| async move {
            let mut done = inner.rewrap_keys(Goal::Add, &note).await?;
            // From here on every process that makes a key must have all of them.
            inner.rewrap_store_key(Goal::Add, &note).await?;
            // What others have made meanwhile.
            let again = inner.rewrap_keys(Goal::Add, &note).await?;
            inner.try_faults_again().await;
            done.keys += again.keys;
            done.failed = again.failed;
            Ok(done)
        })
    }

    /// Removes the wraps under a KEK that this manager does not have (any more), and begins a new
    /// epoch: the store gets a new key for its authentication, which that KEK never wrapped.
    /// Processes that have no other KEK can't load then. `confirmation` is `leave out KEK <name> of
    /// <key set>`.
    ///
    /// Take the KEK from the configuration of every process first. A process that still has it
    /// brings it back by [`rewrap`](Self::rewrap) or [`repair`](Self::repair), and accepts a later
    /// epoch from whoever has that KEK.
    ///
    /// That does not take the data keys away from whoever has the KEK and an old copy of the store.
    /// If the KEK is compromised, rotate the data keys, too, and re-encrypt the rows. A process
    /// that has not seen the store before could be shown an earlier one. To prevent that, raise
    /// [`min_epoch`](super::KeyManagerBuilder::min_epoch), or have an
    /// [anchor](super::KeyManagerBuilder::anchor).
    ///
    /// It changes 256 keys at a time. If it was stopped at any point, run it again.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]. [`ErrorKind::KeyLifecycle`] if this manager has that KEK, or a
    /// key is wrapped under no other. Those of the store and the key services.
    pub fn leave_out_kek(&self, name: &str, confirmation: &str) -> Call<RewrapReport> {
        let confirmed =
            confirmed(confirmation, &format!("leave out KEK {name} of {}", self.name()));
        let name = name.to_owned();
        self.call(move |inner, note| async move {
            confirmed?;
            if inner.loader.backends.has_kek(&name) {
                let detail =
                    format!("this manager has the KEK \"{name}\" itself; build one without it");
                return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
            }
            // First, so that no process wraps anything under it any more.
            inner.rewrap_store_key(Goal::LeaveOut(&name), &note).await?;
            inner.rewrap_keys(Goal::LeaveOut(&name), &note).await
        })
    }

    /// Mends what [`check_consistency`](Self::check_consistency) found. Each key that unwraps under
    /// one KEK of this manager is wrapped anew under those where it does not, or where a wrap is
    /// missing. The same is done for the key that authenticates the store. Dates of keys that lie
    /// in the future, because a process with a wrong clock has written them, become now. If such a
    /// key was to do something then, it does so by the dates of now. Run it where the clock is
    /// right.
    ///
    /// It changes 256 keys at a time. If it was stopped at any point, run it again.
    ///
    /// # Errors
    /// Those of the store and the key services. Keys that can't be mended stay as they were, and
    /// are in the result.
    pub fn repair(&self) -> Call<RewrapReport> {
        self.call(|inner, note| async move {
            let done = inner.rewrap_keys(Goal::Repair, &note).await?;
            inner.rewrap_store_key(Goal::Repair, &note).await?;
            inner.try_faults_again().await;
            Ok(done)
        })
    }
}

impl Inner {
    async fn rewrap_keys(self: &Arc<Self>, goal: Goal<'_>, note: &Note) -> Result<RewrapReport> {
        let mut done = RewrapReport::default();
        let view = self.loader.look_up(&[], true, Ask::Always).await?;
        self.rewrap_scopes(goal, None, note, &mut done).await?;
        let in_process = view.process.iter().flat_map(|process| process.iter());
        done.failed.extend(in_process.flat_map(|keys| self.foreign_problems(goal, keys)));
        let (pages, digits) = Loader::pages(&view.head);
        let mut page = 0;
        while page < pages {
            let (view, scopes) = self.loader.page(&page_digits(page, digits)).await?;
            page = page_after(&view, page, digits);
            done.failed.extend(scopes.iter().flat_map(|keys| self.foreign_problems(goal, keys)));
            let has_work = |keys: &&Arc<ScopeKeys>| {
                keys.keys.iter().any(|entry| self.is_to_do(goal, &view.head, entry))
            };
            let names: Vec<&str> =
                scopes.iter().filter(has_work).map(|keys| &*keys.scope).collect();
            if !names.is_empty() {
                self.rewrap_scopes(goal, Some(&names), note, &mut done).await?;
            }
        }
        Ok(done)
    }

    /// The keys of these scopes, or for `None` of those that each process loads.
    async fn rewrap_scopes(
        self: &Arc<Self>,
        goal: Goal<'_>,
        names: Option<&[&str]>,
        note: &Note,
        done: &mut RewrapReport,
    ) -> Result<()> {
        let (mut after, mut attempts) = (0, Attempts::default());
        loop {
            // A turn for each change. Others have theirs in between.
            let batch = self.rewrap_batch(goal, names, after, note);
            match self.in_turn(batch).await? {
                Batch::Done { report, last } => {
                    done.keys += report.keys;
                    done.redated.extend(report.redated);
                    done.failed.extend(report.failed);
                    match last {
                        Some(last) if last < u32::MAX => after = last + 1,
                        _ => return Ok(()),
                    }
                }
                Batch::Raced => attempts.again(&self.loader.backends).await?,
            }
        }
    }

    async fn rewrap_batch(
        &self,
        goal: Goal<'_>,
        names: Option<&[&str]>,
        after: u32,
        note: &Note,
    ) -> Result<Batch> {
        let view = self.loader.look_up(names.unwrap_or_default(), true, Ask::Always).await?;
        let scopes: Vec<&Arc<ScopeKeys>> = match names {
            Some(names) => names.iter().filter_map(|name| view.keys_of(name)).collect(),
            None => view.process.iter().flat_map(|process| process.iter()).collect(),
        };
        let mut due: Vec<(&str, &Arc<Entry>)> = scopes
            .iter()
            .flat_map(|keys| keys.keys.iter().map(|entry| (&*keys.scope, entry)))
            .filter(|(_, entry)| entry.id >= after && self.is_to_do(goal, &view.head, entry))
            .collect();
        due.sort_by_key(|(_, entry)| entry.id);
        due.truncate(AT_ONCE);
        let Some(last) = due.last().map(|(_, entry)| entry.id) else {
            return Ok(Batch::Done { report: RewrapReport::default(), last: None });
        };
        let mut draft = match goal {
            // Even if the store's date is the one that is wrong.
            Goal::Repair => self.changes.draft_whatever_its_date(&view, note)?,
            _ => self.changes.draft(&view, note)?,
        };
        let mut report = RewrapReport::default();
        for (scope, id, wraps) in self.wraps_of(goal, &due).await {
            match wraps {
                Ok(Some(wraps)) => {
                    draft.edit(scope, id)?.wraps = wraps;
                    report.keys += 1;
                }
                Ok(None) => {}
                Err(error)
                    if is_about_one_key(&error) || error.kind() == ErrorKind::KekUnusable =>
                {
                    report.failed.push(WrapProblem {
                        key_id: KeyId::new(id),
                        kek: None,
                        error: Some(error),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        if matches!(goal, Goal::Repair) {
            for (scope, entry) in &due {
                if self.redate(&mut draft, scope, entry)? {
                    report.redated.extend(KeyId::new(entry.id));
                }
            }
        }
        let is_written = self.changes.commit(&view, draft).await?;
        Ok(if is_written { Batch::Done { report, last: Some(last) } } else { Batch::Raced })
    }

    /// The problems of entries that a later release has written.
    fn foreign_problems(&self, goal: Goal<'_>, keys: &ScopeKeys) -> Vec<WrapProblem> {
        let ours = &self.loader.backends.keks;
        let is_to_do = |foreign: &&Foreign| match goal {
            Goal::Add => ours.iter().any(|kek| !foreign.has_wrap(&kek.name)),
            Goal::LeaveOut(name) => foreign.has_wrap(name),
            Goal::Repair => true,
        };
        keys.foreign.iter().filter(is_to_do).map(foreign_problem).collect()
    }

    fn is_to_do(&self, goal: Goal<'_>, head: &Head, entry: &Entry) -> bool {
        let keks = &self.loader.backends.keks;
        if entry.state == KeyState::Destroyed {
            return matches!(goal, Goal::Repair)
                && ahead_by(entry, head, self.changes.now()).is_some();
        }
        match goal {
            Goal::Add => keks.iter().any(|kek| !entry.wraps.contains_key(&*kek.name)),
            Goal::LeaveOut(name) => entry.wraps.contains_key(name),
            Goal::Repair => true,
        }
    }

    /// Dates in the future become now.
    fn redate(&self, draft: &mut Draft<'_>, scope: &str, entry: &Entry) -> Result<bool> {
        let (now, head) = (draft.now, draft.head.clone());
        if ahead_by(entry, &head, now).is_none() {
            return Ok(false);
        }
        let entry = draft.edit(scope, entry.id)?;
        let dates = [
            &mut entry.activated,
            &mut entry.retired,
            &mut entry.compromised,
            &mut entry.disabled,
            &mut entry.enabled,
            &mut entry.destroyed,
        ];
        for date in dates {
            *date = date.map(|date| date.min(now));
        }
        let published = lifecycle::activate_after(now, &head);
        entry.activate_after = entry.activate_after.map(|after| after.min(published));
        if entry.state == KeyState::Active {
            entry.seal_until =
                lifecycle::seal_until(entry.activated.unwrap_or(now), &self.changes.rotation);
        }
        Ok(true)
    }

    async fn wraps_of<'a>(
        &self,
        goal: Goal<'_>,
        entries: &[(&'a str, &Arc<Entry>)],
    ) -> Vec<(&'a str, u32, Result<Option<Wraps>>)> {
        let mut calls: Vec<BoxFuture<'_, _>> = Vec::with_capacity(entries.len());
        for (scope, entry) in entries.iter().copied() {
            calls.push(Box::pin(async move {
                (scope, entry.id, self.new_wraps(goal, scope, entry).await)
            }));
        }
        some_at_a_time(calls).await
    }

    /// `None` if they stay as they are.
    async fn new_wraps(&self, goal: Goal<'_>, scope: &str, entry: &Entry) -> Result<Option<Wraps>> {
        if entry.state == KeyState::Destroyed {
            return Ok(None);
        }
        let backends = &self.loader.backends;
        let mut wraps = entry.wraps.clone();
        let key = backends.unwrap_entry(scope, entry).await?;
        let context = WrapContext::data(&backends.key_set, key_id(entry.id)?, scope, entry.purpose);
        for kek in &backends.keks {
            let keeps = match (wraps.get(&*kek.name), goal) {
                (None, _) => false,
                (Some(wrapped), Goal::Repair) => {
                    match self.try_wrap(scope, entry, kek, &wrapped.0).await {
                        Ok(()) => true,
                        Err(error) if is_about_one_key(&error) => false,
                        Err(error) => return Err(error),
                    }
                }
                (Some(_), _) => true,
            };
            if !keeps {
                wraps.insert(kek.name.to_string(), backends.wrap(kek, &context, &key).await?);
            }
        }
        if let Goal::LeaveOut(name) = goal {
            wraps.remove(name);
        }
        Ok((wraps != entry.wraps).then_some(wraps))
    }

    async fn rewrap_store_key(self: &Arc<Self>, goal: Goal<'_>, note: &Note) -> Result<()> {
        let mut attempts = Attempts::default();
        while !self.in_turn(self.try_rewrap_store_key(goal, note)).await? {
            attempts.again(&self.loader.backends).await?;
        }
        Ok(())
    }

    async fn try_rewrap_store_key(&self, goal: Goal<'_>, note: &Note) -> Result<bool> {
        let view = self.loader.look_up(&[], true, Ask::Always).await?;
        let mut draft = match goal {
            Goal::Repair => self.changes.draft_whatever_its_date(&view, note)?,
            _ => self.changes.draft(&view, note)?,
        };
        match goal {
            Goal::LeaveOut(name) => {
                if view.head.store_key.contains_key(name) {
                    self.leave_out_of_store_key(&view.head, &mut draft, name).await?;
                }
            }
            Goal::Add | Goal::Repair => self.add_to_store_key(&view.head, &mut draft).await?,
        }
        if matches!(goal, Goal::Repair) && view.head.signed > draft.now {
            draft.sign_anew();
        }
        self.changes.commit(&view, draft).await
    }

    /// Another key for the authentication of the store, for a new epoch.
    async fn leave_out_of_store_key(
        &self,
        head: &Head,
        draft: &mut Draft<'_>,
        name: &str,
    ) -> Result<()> {
        let mut keks = Vec::new();
        for name in head.store_key.keys().filter(|other| *other != name) {
            keks.push(self.loader.backends.kek(name).ok_or_else(|| {
                let detail = format!(
                    "the KEK \"{name}\" is the store's, too, and this manager does not have it; add it"
                );
                Error::new(ErrorKind::KeyLifecycle).detail(detail)
            })?);
        }
        if keks.is_empty() {
            let detail = "the store is wrapped under no other KEK; `rewrap` with another one first";
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
        }
        let epoch = self.changes.next_epoch(head.epoch);
        let (mac, wraps) = self.changes.new_store_key(head.store, epoch, keks).await?;
        draft.renew(epoch, mac, wraps);
        Ok(())
    }

    /// Wraps the store key under those of our KEKs that have no wrap, or one that does not unwrap.
    async fn add_to_store_key(&self, head: &Head, draft: &mut Draft<'_>) -> Result<()> {
        let backends = &self.loader.backends;
        let context = WrapContext::store(&backends.key_set, head.store, head.epoch);
        let is_it = |key: &SecretBytes| head.check_store_key(key, &backends.key_set);
        let store_key = backends.unwrap(&context, &head.store_key, &is_it).await?;
        for kek in &backends.keks {
            match self.check_store_key(head, kek).await.map(|problem| problem.error) {
                None => continue,
                Some(Some(error)) if !is_about_one_key(&error) => return Err(error),
                Some(_) => {}
            }
            let wrapped = backends.wrap(kek, &context, &store_key).await?;
            draft.head.store_key.insert(kek.name.to_string(), wrapped);
        }
        Ok(())
    }

    /// Whether a key has no wrap under a KEK that the store and this process have.
    pub(super) fn lacks_wraps(&self, head: &Head, entry: &Entry) -> bool {
        let is_ours = |name: &&String| self.loader.backends.has_kek(name);
        entry.state != KeyState::Destroyed
            && head.store_key.keys().filter(is_ours).any(|name| !entry.wraps.contains_key(name))
    }

    /// For keys that were made while a KEK was out of reach. Gives the keys that now have all
    /// wraps, and whether one could not be done. That one is left for the next time.
    pub(super) async fn add_missing_wraps(
        &self,
        scopes: &[Arc<ScopeKeys>],
        most: usize,
        draft: &mut Draft<'_>,
    ) -> Result<(Vec<KeyId>, bool)> {
        let head = &draft.view.head;
        let mut due: Vec<(&str, &Arc<Entry>)> = Vec::new();
        for keys in scopes {
            let lacking = keys.keys.iter().filter(|entry| self.lacks_wraps(head, entry));
            due.extend(lacking.map(|entry| (&*keys.scope, entry)));
        }
        due.truncate(most);
        let mut calls: Vec<BoxFuture<'_, _>> = Vec::with_capacity(due.len());
        for (scope, entry) in due {
            calls.push(Box::pin(async move {
                ((scope, entry.id), self.new_wraps(Goal::Add, scope, entry).await)
            }));
        }
        let (mut done, mut is_one_out_of_reach) = (Vec::new(), false);
        for ((scope, id), wraps) in until_out_of_reach(calls).await {
            match wraps {
                Ok(Some(wraps)) => {
                    // The KEKs are those of the store. One that was added is for `rewrap`. One that
                    // is left out must not come back.
                    let of_store =
                        wraps.into_iter().filter(|(name, _)| head.store_key.contains_key(name));
                    draft.edit(scope, id)?.wraps.extend(of_store);
                    done.extend(KeyId::new(id));
                }
                Ok(None) => {}
                // The KEK has told it. The key is good under the others.
                Err(_) => is_one_out_of_reach = true,
            }
        }
        Ok((done, is_one_out_of_reach))
    }
}

/// The result of one change.
enum Batch {
    /// It is written. `last` is the last key that was looked at, unless there was none.
    Done { report: RewrapReport, last: Option<u32> },
    /// Others were faster.
    Raced,
}
