//! The work that the policy asks for, and the signature of the head.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use futures_util::future::BoxFuture;

use super::backends::{is_about_one_key, some_at_a_time};
use super::clock::SKEW;
use super::loading::{Ask, Loader};
use super::memory::Newest;
use super::pages::page_digits;
use super::rotation::Under;
use super::{Call, Inner, KeyManager};
use crate::cipher;
use crate::envelope::draft::{Note, refused};
use crate::envelope::lifecycle::{self, NewKey, Place, Work};
use crate::envelope::record::{Due, Entry, Head, ScopeKeys};
use crate::envelope::view::View;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::key_id::KeyId;

/// Most keys that one [`KeyManager::maintain`] publishes: with many tenants the rest waits for the
/// next time.
const PUBLISH_AT_ONCE: usize = 64;
/// Most keys that it makes active, disables, or wraps under a KEK that they lack.
const CHANGE_AT_ONCE: usize = 256;

/// The work that [`KeyManager::maintain`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Maintenance {
    /// Keys that were published: every process gets them, none seals with them yet.
    pub published: Vec<KeyId>,
    /// Keys that became active. Those before them are retired.
    pub activated: Vec<KeyId>,
    /// Retired keys beyond those that are kept, which were disabled.
    pub disabled: Vec<KeyId>,
    /// Keys that lacked a wrap under one of the KEKs and have it now.
    pub rewrapped: Vec<KeyId>,
    /// Whether the head was signed anew, because nothing else was written for the time of the
    /// heartbeat.
    pub signed: bool,
    /// There is more to do, at once.
    pub unfinished: bool,
}

/// Which page of the store is looked through next, whether anything is due there or not.
pub(super) struct Patrol(AtomicU64);

impl Patrol {
    /// Processes begin at different pages.
    pub(super) fn new() -> Self {
        let mut random = [0; 8];
        // Without randomness nothing else works either; this does.
        let _ = cipher::random(&mut random);
        Self(AtomicU64::new(u64::from_be_bytes(random)))
    }

    fn next(&self, pages: u64) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) % pages
    }
}

impl KeyManager {
    /// Does what is due by the [policy](crate::envelope::RotationPolicy). It publishes next keys,
    /// activates those that every process has, disables those that need not be kept any longer, and
    /// adds missing wraps. It also signs the head anew if nothing was written for the time of the
    /// [heartbeat](super::KeyManagerBuilder::heartbeat). The refresh thread of
    /// [`install`](Self::install) calls it. Without that thread, call it at least once in each
    /// heartbeat, from any number of processes: one of them does it. The head is signed from half
    /// of that time on.
    ///
    /// Before a key is published, the store is read, and each KEK wraps the key and unwraps it to
    /// the same check value. If one of them fails, nothing is changed. Before the key becomes
    /// active, it is unwrapped again as it is stored.
    ///
    /// For scopes that are loaded on demand, it looks at those in which something may be due. Each
    /// time it also looks at one page of the others, of 16 to 256 or so.
    ///
    /// # Errors
    /// Those of the store and the key services.
    /// [`ErrorKind::ClockSkew`](crate::ErrorKind::ClockSkew) if the clock here is wrong.
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if a key is dated into the
    /// future, after all else was done. [`repair`](Self::repair) sets that right.
    pub fn maintain(&self) -> Call<Maintenance> {
        self.call(|inner, note| async move {
            let work = async {
                match inner.maintain(&note).await {
                    (done, None) => Ok(done),
                    (_, Some(error)) => Err(error),
                }
            };
            inner.in_turn(work).await
        })
    }
}

impl Inner {
    /// For the thread, which nobody asks what happened. Tells whether there is more to do, at once.
    pub(super) async fn maintain_and_tell(self: &Arc<Self>, note: &Note) -> bool {
        let work = async { Ok(self.maintain(note).await) };
        let (done, failure) = self.in_turn(work).await.unwrap_or_default();
        if let Some(error) = &failure {
            event::emit(&Event::MaintenanceFailed {
                key_set: self.key_set(),
                kind: error.kind(),
                error,
            });
        }
        self.health.maintained(failure.as_ref());
        done.unfinished
    }

    /// Does all that is due, and tells why some of it could not be done. The head is signed in any
    /// case. If a key can't be made now, that is no reason to stop sealing under the one that is
    /// there.
    async fn maintain(&self, note: &Note) -> (Maintenance, Option<Error>) {
        let mut done = Maintenance::default();
        let mut failure = None;
        if let Err(error) = self.do_what_is_due(note, &mut done).await {
            failure = Some(error);
        }
        // What was written above has signed it, too.
        match self.sign_if_due(note).await {
            Ok(signed) => done.signed = signed,
            Err(error) => drop(failure.get_or_insert(error)),
        }
        if let Some(error) = self.dated_ahead() {
            failure.get_or_insert(error);
        }
        (done, failure)
    }

    async fn do_what_is_due(&self, note: &Note, done: &mut Maintenance) -> Result<()> {
        let scopes = self.scopes_to_look_at().await?;
        self.look_for_dates_ahead(&scopes);
        let activated = self.activate_due(&scopes, note).await.map(|activated| *done = activated);
        let published = self.publish_due(&scopes, note, done).await;
        activated.and(published)
    }

    /// Those that each process loads, those in which something may be due, and one page of the
    /// others.
    async fn scopes_to_look_at(&self) -> Result<Vec<Arc<ScopeKeys>>> {
        let view = self.loader.look_up(&[], true, Ask::IfNeeded).await?;
        let mut scopes: BTreeMap<Box<str>, Arc<ScopeKeys>> = BTreeMap::new();
        let mut add = |keys: Arc<ScopeKeys>| drop(scopes.insert(keys.scope.clone(), keys));
        view.process.iter().flat_map(|process| process.iter()).cloned().for_each(&mut add);
        if view.head.tree.is_some() {
            let (pages, digits) = Loader::pages(&view.head);
            let (now, policy) = (self.changes.now(), self.changes.rotation.clone());
            let head = Arc::clone(&view.head);
            let is_due = move |due: Due| {
                due.waiting.is_some_and(|waiting| now >= waiting)
                    || due.oldest.is_some_and(|oldest| {
                        lifecycle::is_rotation_due(oldest, &head, now, &policy)
                    })
            };
            if pages > 1 && is_due(view.head.due()) {
                let (_, due) = self.loader.due(&is_due, CHANGE_AT_ONCE + PUBLISH_AT_ONCE).await?;
                due.into_iter().for_each(&mut add);
            }
            let page = page_digits(self.patrol.next(pages), digits);
            self.loader.page(&page).await?.1.into_iter().for_each(&mut add);
        }
        Ok(scopes.into_values().collect())
    }

    fn work_on(&self, keys: &ScopeKeys, head: &Head) -> Work {
        lifecycle::work(keys, head, self.changes.now(), &self.changes.rotation)
    }

    /// The scopes in which there is work of this kind, as they are stored now.
    async fn look_again(
        &self,
        scopes: &[Arc<ScopeKeys>],
        most: usize,
        has_work: impl Fn(&ScopeKeys) -> bool,
    ) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        let names = scopes.iter().filter(|keys| has_work(keys)).map(|keys| &*keys.scope);
        let names: Vec<&str> = names.take(most).collect();
        let view = self.loader.look_up(&names, true, Ask::IfNeeded).await?;
        let scopes = names.iter().filter_map(|name| view.keys_of(name)).cloned().collect();
        Ok((view, scopes))
    }

    /// If another process is the first, the others leave it to that one.
    async fn activate_due(&self, scopes: &[Arc<ScopeKeys>], note: &Note) -> Result<Maintenance> {
        let Some(Newest { head, .. }) = self.loader.newest() else {
            return Ok(Maintenance::default());
        };
        let changes = &self.changes;
        let ready = |keys: &ScopeKeys| {
            let mut work = self.work_on(keys, &head);
            let entry = |id: &u32| keys.get(*id).map(|entry| &**entry);
            work.activate.retain(|id| {
                entry(id).is_some_and(|entry| changes.check_known_everywhere(&head, entry).is_ok())
            });
            let time = changes.rotation.retired_for;
            work.disable
                .retain(|id| entry(id).is_some_and(|entry| changes.is_retired_for(entry, time)));
            work
        };
        let has_work = |keys: &ScopeKeys| {
            let work = ready(keys);
            !work.activate.is_empty() || !work.disable.is_empty()
        };
        let mut done = Maintenance::default();
        let many = scopes.iter().filter(|keys| has_work(keys)).count();
        if many == 0 {
            return Ok(done);
        }
        let (view, scopes) = self.look_again(scopes, CHANGE_AT_ONCE, has_work).await?;
        done.unfinished = many > scopes.len();
        let mut draft = changes.draft(&view, note)?;
        for keys in &scopes {
            let work = ready(keys);
            for id in &work.activate {
                if done.activated.len() >= CHANGE_AT_ONCE {
                    done.unfinished = true;
                    break;
                }
                let Some(entry) = keys.get(*id) else { continue };
                match changes.backends().unwrap_entry(&keys.scope, entry).await {
                    Ok(_) => {}
                    // It stays pending, and the one before it active: that one is good.
                    Err(error) if is_about_one_key(&error) => {
                        if let Some(key_id) = KeyId::new(*id) {
                            event::emit(&Event::KeyBroken {
                                key_id,
                                kind: error.kind(),
                                error: &error,
                            });
                        }
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                lifecycle::activate(&mut draft, &keys.scope, *id, false, &changes.rotation)?;
                done.activated.extend(KeyId::new(*id));
            }
            for id in &work.disable {
                if done.disabled.len() >= CHANGE_AT_ONCE {
                    done.unfinished = true;
                    break;
                }
                lifecycle::disable(&mut draft, &keys.scope, *id)?;
                done.disabled.extend(KeyId::new(*id));
            }
        }
        let is_first = changes.commit(&view, draft).await?;
        Ok(if is_first { done } else { Maintenance::default() })
    }

    async fn publish_due(
        &self,
        scopes: &[Arc<ScopeKeys>],
        note: &Note,
        done: &mut Maintenance,
    ) -> Result<()> {
        let Some(Newest { head, .. }) = self.loader.newest() else { return Ok(()) };
        let changes = &self.changes;
        let lacks = |entry: &Entry| self.lacks_wraps(&head, entry);
        let has_work = |keys: &ScopeKeys| {
            !self.work_on(keys, &head).publish.is_empty()
                || keys.keys.iter().any(|entry| lacks(entry))
        };
        let many = scopes.iter().filter(|keys| has_work(keys)).count();
        if many == 0 {
            return Ok(());
        }
        let (view, scopes) = self.look_again(scopes, CHANGE_AT_ONCE, has_work).await?;
        let mut draft = changes.draft(&view, note)?;
        let places = scopes.iter().flat_map(|keys| {
            let publish = self.work_on(keys, &view.head).publish;
            publish.into_iter().map(|purpose| Place {
                part: keys.part,
                scope: keys.scope.clone(),
                purpose,
            })
        });
        let mut places: Vec<Place> = places.take(PUBLISH_AT_ONCE + 1).collect();
        let is_more = places.len() > PUBLISH_AT_ONCE || many > scopes.len();
        places.truncate(PUBLISH_AT_ONCE);
        // If none has to be made, none has to be left.
        let first_id = if places.is_empty() { 0 } else { draft.next_id()? };
        let mut calls: Vec<BoxFuture<'_, Result<NewKey>>> = Vec::with_capacity(places.len());
        for (place, id) in places.iter().zip(first_id..=u32::MAX) {
            calls.push(Box::pin(changes.new_key(&view.head.store_key, id, place, Under::All)));
        }
        let mut published = Vec::new();
        for (place, key) in places.iter().zip(some_at_a_time(calls).await) {
            let key = key?;
            published.extend(KeyId::new(key.id));
            lifecycle::publish(&mut draft, key, place)?;
        }
        let (rewrapped, is_one_out_of_reach) =
            self.add_missing_wraps(&scopes, CHANGE_AT_ONCE, &mut draft).await?;
        if changes.commit(&view, draft).await? {
            done.unfinished |= is_more && !is_one_out_of_reach;
            (done.published, done.rewrapped) = (published, rewrapped);
        }
        Ok(())
    }

    /// Signs the head anew, if nobody has for the time of the heartbeat.
    async fn sign_if_due(&self, note: &Note) -> Result<bool> {
        let Some(Newest { head, seen, .. }) = self.loader.newest() else { return Ok(false) };
        let changes = &self.changes;
        let seen_for = changes.backends().clock.monotonic().saturating_sub(seen).as_secs();
        let age = changes.now().saturating_sub(head.signed).max(seen_for);
        // At half of the time: whoever calls this once in the whole of it is in time.
        if head.heartbeat == 0 || age < head.heartbeat.div_ceil(2) {
            return Ok(false);
        }
        let view = self.loader.look_up(&[], false, Ask::IfNeeded).await?;
        if view.head.revision != head.revision {
            return Ok(false);
        }
        // Even if a process that is ahead has dated it into the future. Otherwise no other process
        // could sign any more.
        let mut draft = changes.draft_whatever_its_date(&view, note)?;
        draft.sign_anew();
        changes.commit(&view, draft).await
    }

    /// Keeps in mind which scopes have keys with dates that nobody can have lived through, until
    /// they are seen without.
    fn look_for_dates_ahead(&self, scopes: &[Arc<ScopeKeys>]) {
        let Some(Newest { head, .. }) = self.loader.newest() else { return };
        let now = self.changes.now();
        let mut ahead = self.dated_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        for keys in scopes {
            match keys.keys.iter().find(|entry| ahead_by(entry, &head, now).is_some()) {
                Some(entry) => drop(ahead.insert(keys.scope.clone(), entry.id)),
                None => drop(ahead.remove(&keys.scope)),
            }
        }
    }

    /// The error that there are such keys.
    fn dated_ahead(&self) -> Option<Error> {
        let ahead = self.dated_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let (scope, id) = ahead.iter().next()?;
        let detail = format!(
            "it is dated into the future (scope \"{scope}\"; {} scopes have such keys): a process whose clock was wrong has written it, \
             or the clock here is wrong; if it is not, `repair` sets the dates right",
            ahead.len()
        );
        Some(refused(detail, *id))
    }
}

/// By how many seconds the dates of a key are ahead of now, if that is more than clocks may be
/// apart.
pub(super) fn ahead_by(entry: &Entry, head: &Head, now: u64) -> Option<u64> {
    let pending = entry.activate_after.filter(|_| entry.state == crate::key::KeyState::Pending);
    let published = pending.map(|after| after.saturating_sub(lifecycle::activate_after(0, head)));
    let latest = entry.past_dates().into_iter().flatten().chain(published).max()?;
    latest.checked_sub(now).filter(|ahead| *ahead > SKEW)
}
