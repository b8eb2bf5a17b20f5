//! Wrapping keys under other KEKs: one was added, is left out, or has diverged. No row of data is touched.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;

use super::backends::{Kek, is_about_one_key, some_at_a_time};
use super::changes::{Attempts, Confirms, confirmed};
use super::consistency::WrapProblem;
use super::load::{Ask, store_key_purpose};
use super::{Call, Inner, KeyManager};
use crate::envelope::draft::Draft;
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::KeySet;
use crate::envelope::record::{Digest, Entry, Head, StoreMac, Wraps};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{KeyState, derive, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Keys that are rewrapped in one change.
const AT_ONCE: usize = 256;

/// What [`KeyManager::rewrap`], [`leave_out_kek`](KeyManager::leave_out_kek) and [`repair`](KeyManager::repair) did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Rewrapped {
    /// Data keys whose wraps are others now.
    pub keys: usize,
    /// Those that unwrap under no KEK of this process, and stayed as they were.
    pub failed: Vec<WrapProblem>,
}

/// What is to become of the wraps of a key.
#[derive(Clone, Copy)]
enum Aim<'a> {
    /// One under each KEK of this process beside those that are there.
    Add,
    /// None under this one.
    LeaveOut(&'a str),
    /// Others in place of those that don't unwrap.
    Repair,
}

impl KeyManager {
    /// Wraps each data key, and the key that authenticates the store, under the KEKs of this manager under which they are not wrapped yet:
    /// after one was added. Wraps under other KEKs stay.
    ///
    /// A change of 256 keys at a time; stopped at any point, it is run again.
    ///
    /// # Errors
    /// Those of the store and the key services. What is not rewrapped stays as it was.
    pub fn rewrap(&self, now: SystemTime) -> Call<Rewrapped> {
        self.call(move |inner| async move {
            let mut done = inner.rewrap_keys(Aim::Add, now).await?;
            done.failed.extend(inner.rewrap_store_key(Aim::Add, now).await?);
            Ok(done)
        })
    }

    /// Removes the wraps under a KEK that this manager does not have (any more), and begins a new epoch: the store gets a new key for
    /// its authentication, which that KEK never wrapped. Processes that have no other KEK can't load then. `confirmation` is
    /// `leave out KEK <name> of <key set>`.
    ///
    /// That does not take the data keys away from whoever has the KEK and an old copy of the store: where it is compromised, rotate
    /// them, too, and re-encrypt the rows. So that a process which has not seen the store before is not shown one of before, raise
    /// [`min_epoch`](super::KeyManagerBuilder::min_epoch).
    ///
    /// A change of 256 keys at a time, but for one of all, which signs them anew; stopped at any point, it is run again.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]; [`ErrorKind::KeyLifecycle`] where this manager has that KEK, or a key is wrapped under no other.
    /// Those of the store and the key services.
    pub fn leave_out_kek(&self, name: &str, confirmation: &str, now: SystemTime) -> Call<Rewrapped> {
        let confirmed = confirmed(confirmation, &format!("leave out KEK {name} of {}", self.0.key_set));
        let name = name.to_owned();
        self.call(move |inner| async move {
            confirmed?;
            if inner.has_kek(&name) {
                let detail = format!("this manager has the KEK \"{name}\" itself; build one without it");
                return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
            }
            // First, so that no process wraps anything under it any more.
            let failed = inner.rewrap_store_key(Aim::LeaveOut(&name), now).await?;
            let mut done = inner.rewrap_keys(Aim::LeaveOut(&name), now).await?;
            done.failed.extend(failed);
            inner.forget_history().await?;
            Ok(done)
        })
    }

    /// Makes wraps that don't unwrap to their key anew, from one that does: after
    /// [`check_consistency`](Self::check_consistency) has found some.
    ///
    /// # Errors
    /// Those of the store and the key services.
    pub fn repair(&self, now: SystemTime) -> Call<Rewrapped> {
        self.call(move |inner| async move {
            let mut done = inner.rewrap_keys(Aim::Repair, now).await?;
            done.failed.extend(inner.rewrap_store_key(Aim::Repair, now).await?);
            Ok(done)
        })
    }
}

impl Inner {
    async fn rewrap_keys(self: &Arc<Self>, aim: Aim<'_>, now: SystemTime) -> Result<Rewrapped> {
        let mut done = Rewrapped::default();
        let mut after = 0;
        let mut attempts = Attempts::default();
        loop {
            // A turn for each change: others have theirs in between.
            let turn = self.turn().await;
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            let due: Vec<&Arc<Entry>> = set
                .entries
                .range(after..)
                .map(|(_, entry)| entry)
                .filter(|entry| entry.state != KeyState::Destroyed && self.is_due(aim, &entry.wraps))
                .take(AT_ONCE)
                .collect();
            let Some(last) = due.last() else { return Ok(done) };
            let next = last.id.saturating_add(1);
            let (mut count, mut failed) = (0, Vec::new());
            for (id, wraps) in self.wraps_of(aim, &due).await {
                match wraps {
                    Ok(Some(wraps)) => {
                        draft.edit(id)?.wraps = wraps;
                        count += 1;
                    }
                    Ok(None) => {}
                    Err(error) if is_about_one_key(&error) || error.kind() == ErrorKind::KekUnusable => {
                        let kek = String::new();
                        failed.push(WrapProblem { key_id: KeyId::new(id), kek, error: Some(error) });
                    }
                    Err(error) => return Err(error),
                }
            }
            if !self.commit(&turn, Confirms::Keys, &set, draft).await? {
                drop(turn);
                attempts.again(self).await?;
                continue;
            }
            done.keys += count;
            done.failed.extend(failed);
            if next == u32::MAX {
                return Ok(done);
            }
            after = next;
        }
    }

    fn is_due(&self, aim: Aim<'_>, wraps: &Wraps) -> bool {
        match aim {
            Aim::Add => self.keks.iter().any(|kek| !wraps.contains_key(&*kek.name)),
            Aim::LeaveOut(name) => wraps.contains_key(name),
            Aim::Repair => true,
        }
    }

    async fn wraps_of(&self, aim: Aim<'_>, entries: &[&Arc<Entry>]) -> Vec<(u32, Result<Option<Wraps>>)> {
        let mut calls: Vec<BoxFuture<'_, (u32, Result<Option<Wraps>>)>> = Vec::with_capacity(entries.len());
        for entry in entries.iter().copied() {
            calls.push(Box::pin(async move { (entry.id, self.new_wraps(aim, entry).await) }));
        }
        some_at_a_time(calls).await
    }

    /// `None` where they stay as they are.
    async fn new_wraps(&self, aim: Aim<'_>, entry: &Entry) -> Result<Option<Wraps>> {
        let mut wraps = entry.wraps.clone();
        let key = self.unwrap_entry(entry).await?;
        let context = self.context_of(entry);
        let check = Digest(derive::check_value(&key));
        for kek in &self.keks {
            let keeps = match (wraps.get(&*kek.name), aim) {
                (None, _) => false,
                (Some(wrapped), Aim::Repair) => {
                    match self.unwrap_under(kek, &context, &wrapped.0, &check).await {
                        Ok(_) => true,
                        Err(error) if is_about_one_key(&error) => false,
                        Err(error) => return Err(error),
                    }
                }
                (Some(_), _) => true,
            };
            if !keeps {
                wraps.insert(kek.name.to_string(), self.wrap(kek, &context, &key).await?);
            }
        }
        if let Aim::LeaveOut(name) = aim {
            wraps.remove(name);
        }
        Ok((wraps != entry.wraps).then_some(wraps))
    }

    async fn rewrap_store_key(self: &Arc<Self>, aim: Aim<'_>, now: SystemTime) -> Result<Vec<WrapProblem>> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = self.draft(&set, now)?;
            match aim {
                Aim::LeaveOut(name) => {
                    if set.head.store_key.contains_key(name) {
                        self.new_store_key(&set, &mut draft, name, now).await?;
                    }
                }
                Aim::Add | Aim::Repair => self.add_to_store_key(&set, &mut draft).await?,
            }
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                return Ok(Vec::new());
            }
            attempts.again(self).await?;
        }
    }

    /// Another key for the authentication of the store, for a new epoch: every entry is signed anew.
    async fn new_store_key(
        &self,
        set: &KeySet,
        draft: &mut Draft<'_>,
        left_out: &str,
        now: SystemTime,
    ) -> Result<()> {
        let mut keks = Vec::new();
        for name in set.head.store_key.keys().filter(|name| *name != left_out) {
            keks.push(self.kek(name).ok_or_else(|| {
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
        draft.head.epoch = self.next_epoch(set.head.epoch, now);
        let store_key = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
        let purpose = store_key_purpose(draft.head.epoch);
        draft.head.store_key =
            self.wrap_under_all(keks, &self.store_key_context(&purpose), &store_key).await?;
        draft.sign_all(StoreMac::new(&store_key, &self.key_set));
        Ok(())
    }

    /// Wraps of the store key under those of our KEKs that have none, or one that does not unwrap.
    async fn add_to_store_key(&self, set: &KeySet, draft: &mut Draft<'_>) -> Result<()> {
        let purpose = store_key_purpose(set.head.epoch);
        let context = self.store_key_context(&purpose);
        let store_key = self.unwrap_store_key_checked(&set.head).await?;
        for kek in &self.keks {
            match self.check_store_key(&set.head, kek).await.map(|problem| problem.error) {
                None => continue,
                Some(Some(error)) if !is_about_one_key(&error) => return Err(error),
                Some(_) => {}
            }
            draft.head.store_key.insert(kek.name.to_string(), self.wrap(kek, &context, &store_key).await?);
        }
        Ok(())
    }

    /// Under the first KEK whose wrap unwraps to the key that authenticates this very head.
    async fn unwrap_store_key_checked(&self, head: &Head) -> Result<SecretBytes> {
        let purpose = store_key_purpose(head.epoch);
        let context: WrapContext<'_> = self.store_key_context(&purpose);
        for kek in &self.keks {
            if let Some(wrapped) = head.store_key.get(&*kek.name)
                && let Ok(key) = self.unwrap_unchecked(kek, &context, &wrapped.0).await
                && head.is_authentic(&StoreMac::new(&key, &self.key_set))
            {
                return Ok(key);
            }
        }
        Err(Error::new(ErrorKind::WrappedKeyRejected).detail("the key that authenticates the store"))
    }

    /// For keys that were made while a KEK was out of reach. Gives the keys that now have all, and whether there are more. Those
    /// that can't be done are left for the next time.
    pub(super) async fn add_missing_wraps(
        &self,
        set: &KeySet,
        draft: &mut Draft<'_>,
    ) -> Result<(Vec<KeyId>, bool)> {
        // The KEKs are those of the store: one that was added is for `rewrap`, one that is left out is not to come back.
        let Ok(keks) = self.keks_of(&set.head) else { return Ok((Vec::new(), false)) };
        let lacks = |wraps: &Wraps| keks.iter().any(|kek| !wraps.contains_key(&*kek.name));
        let mut due: Vec<&Arc<Entry>> = set
            .entries
            .values()
            .filter(|entry| entry.state != KeyState::Destroyed && lacks(&entry.wraps))
            .take(AT_ONCE + 1)
            .collect();
        let is_more = due.len() > AT_ONCE;
        due.truncate(AT_ONCE);
        let (mut done, mut is_one_out_of_reach) = (Vec::new(), false);
        for (id, wraps) in self.wraps_of(Aim::Add, &due).await {
            match wraps {
                Ok(Some(wraps)) => {
                    let ours = wraps.into_iter().filter(|(name, _)| set.head.store_key.contains_key(name));
                    draft.edit(id)?.wraps.extend(ours);
                    done.extend(KeyId::new(id));
                }
                Ok(None) => {}
                Err(error) => {
                    is_one_out_of_reach = true;
                    event::emit(&Event::KeyBroken { key_id: id, kind: error.kind() });
                }
            }
        }
        Ok((done, is_more && !is_one_out_of_reach))
    }

    /// The KEKs that the store is wrapped under.
    ///
    /// # Errors
    /// Where this process does not have all of them: a key that it makes could not be unwrapped by processes with the others.
    pub(super) fn keks_of(&self, head: &Head) -> Result<Vec<&Kek>> {
        let find = |name: &String| {
            self.kek(name).ok_or_else(|| {
                let detail = format!(
                    "the store is wrapped under the KEK \"{name}\", which this process does not have; add it, or leave it out with \
                     `leave_out_kek`, or \
                     say that it is an `offline_kek`"
                );
                Error::new(ErrorKind::KekUnusable).detail(detail)
            })
        };
        let is_needed = |name: &&String| self.has_kek(name) || !self.offline_keks.contains(name);
        head.store_key.keys().filter(is_needed).map(find).collect()
    }

    fn kek(&self, name: &str) -> Option<&Kek> {
        self.keks.iter().find(|kek| *kek.name == *name)
    }

    pub(super) fn has_kek(&self, name: &str) -> bool {
        self.kek(name).is_some()
    }

    /// Wraps a key under each of these KEKs, at once.
    ///
    /// # Errors
    /// That of the first KEK that does not do it: nothing is to be stored then.
    pub(super) async fn wrap_under_all(
        &self,
        keks: Vec<&Kek>,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wraps> {
        let wraps = self.wrap_under_each(keks, context, key).await;
        wraps.into_iter().map(|(kek, wrapped)| Ok((kek.name.to_string(), wrapped?))).collect()
    }

    /// Wraps a key under those of the KEKs that do it.
    ///
    /// # Errors
    /// Where none does.
    pub(super) async fn wrap_under_some(
        &self,
        keks: Vec<&Kek>,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wraps> {
        let mut made = Wraps::new();
        let mut first_error = None;
        for (kek, wrapped) in self.wrap_under_each(keks, context, key).await {
            match wrapped {
                Ok(wrapped) => drop(made.insert(kek.name.to_string(), wrapped)),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        match first_error {
            Some(error) if made.is_empty() => Err(error),
            _ => Ok(made),
        }
    }
}
