//! Another store key: for a store that was set back on purpose, and after somebody may have learned
//! the old one.

use std::time::Duration;

use super::builder::check_heartbeat;
use super::changes::{Attempts, Changes};
use super::loading::Ask;
use super::{Call, KeyManager};
use crate::envelope::draft::{Draft, Note};
use crate::envelope::view::View;
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// More ids than a store ever gives between two backups.
pub(super) const FAR: u64 = 1_000_000;
/// More changes than there ever are between two backups.
const FAR_REVISIONS: u64 = 1 << 40;
/// In seconds.
const DAY: u64 = 86_400;

/// The statement of somebody about a restored store, after a look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoredStore {
    /// The revision that the restored store has, so that no other is accepted by mistake. The error
    /// that refuses it names it, and [`Status::refused`](super::Status::refused) has it.
    pub revision: u64,
    /// The next id for a key. It must be above any that a row may use, even of keys that were made
    /// after the backup and are lost. It must not be below the store's own, nor below one that this
    /// process has seen, and not more than a million above.
    pub next_id: u32,
    /// Ids that values use, as far as they were looked for: none of them may be given again. A
    /// `next_id` that is not above all of them is refused.
    pub in_use: Vec<KeyId>,
}

impl RestoredStore {
    /// A store of this revision, whose next key gets the id `next_id`.
    pub fn new(revision: u64, next_id: u32) -> Self {
        Self { revision, next_id, in_use: Vec::new() }
    }

    /// Ids that values use, as a look at every column has found them.
    #[must_use]
    pub fn in_use(mut self, ids: impl IntoIterator<Item = KeyId>) -> Self {
        self.in_use.extend(ids);
        self
    }
}

impl KeyManager {
    /// Accepts a store that is older than what processes have seen, after a backup of it was
    /// restored. A new epoch with a new store key begins, so that processes that run accept it,
    /// too, and refuse the one before.
    ///
    /// Keys that were made after the backup are lost, and with them what they have sealed. Their
    /// ids are not given again. All that happened to keys after the backup is undone: mark, disable
    /// and destroy again what was. The same is true of KEKs that were added or left out. If a KEK
    /// was left out after the backup, name it as an
    /// [`offline_kek`](super::KeyManagerBuilder::offline_kek) to accept the store without it. Any
    /// KEK that is named so drops out of the store. If it must stay, call [`rewrap`](Self::rewrap)
    /// afterwards in a process that has it.
    ///
    /// An anchor of the same store that is ahead of it is raised. So it refuses nothing.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`]: a backup that somebody without the KEK has changed is
    /// refused still. [`ErrorKind::KeyStoreRolledBack`]: it is another store than the one that this
    /// process has seen or that its anchor knows, or of an epoch below the configured minimum.
    /// [`ErrorKind::NotConfirmed`]: another revision, or a next id that can't be right. Every KEK
    /// must be in reach.
    pub fn accept_restored(&self, restored: RestoredStore) -> Call<()> {
        self.call(move |inner, note| async move {
            // Ids that this process has met in rows, and that the store never gave as far as it
            // tells.
            let met = inner.refresher.asked_for();
            inner.in_turn(inner.changes.accept_restored(&restored, &met, &note)).await?;
            inner.refresh().await
        })
    }

    /// Sets how often the head of the store is signed at least, in whole seconds, for a store that
    /// is there. See [`KeyManagerBuilder::heartbeat`](super::KeyManagerBuilder::heartbeat).
    /// `Duration::ZERO` turns it off.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: twice this time and 10 minutes are longer than the store's
    /// propagation time, or this time is shorter than one and a half refresh intervals of this
    /// process, which would take the store for frozen. Processes that refresh less often than this
    /// one refuse the store then.
    pub fn set_heartbeat(&self, time: Duration) -> Call<()> {
        self.call(move |inner, note| async move {
            inner.in_turn(inner.changes.set_heartbeat(time, &note)).await
        })
    }

    /// Gives the store a new key for its authentication, and begins a new epoch. Call it after the
    /// store key may have become known, such as from the memory of a process. No entry changes.
    /// Every KEK of the store must be in reach. This includes one that is named as an
    /// [`offline_kek`](super::KeyManagerBuilder::offline_kek), because it would drop out of the
    /// store.
    ///
    /// A process that has not seen the store before could be shown an earlier one. To prevent that,
    /// raise [`min_epoch`](super::KeyManagerBuilder::min_epoch), or have an
    /// [anchor](super::KeyManagerBuilder::anchor).
    ///
    /// # Errors
    /// [`ErrorKind::KekUnusable`]: this process lacks a KEK of the store. Those of the store and
    /// the key services.
    pub fn renew_store_key(&self) -> Call<()> {
        self.call(
            |inner, note| async move { inner.in_turn(inner.changes.renew_store_key(&note)).await },
        )
    }
}

impl Changes {
    async fn accept_restored(
        &self,
        restored: &RestoredStore,
        met: &[u32],
        note: &Note,
    ) -> Result<()> {
        let backends = self.backends();
        let view = self.loader.read_unchecked().await?;
        let found = &view.head;
        let not_confirmed =
            |detail: String| Err(backends.store_error(ErrorKind::NotConfirmed, detail));
        if found.revision != restored.revision {
            return not_confirmed(format!(
                "it has revision {}, not {}",
                found.revision, restored.revision
            ));
        }
        let newest = self.loader.newest().map(|newest| newest.head);
        if let Some(newest) = newest.as_ref().filter(|newest| newest.store != found.store) {
            let detail =
                format!("it is another store, {}, in place of {}", found.store, newest.store);
            return Err(backends.store_error(ErrorKind::KeyStoreRolledBack, detail));
        }
        let anchor = backends.read_anchor().await?;
        if let Some(anchor) = anchor.filter(|anchor| anchor.store != found.store) {
            let detail =
                format!("it is the store {}, and its anchor is of {}", found.store, anchor.store);
            return Err(backends.store_error(ErrorKind::KeyStoreRolledBack, detail));
        }
        let least_epoch = self.loader.floor.epoch;
        if found.epoch < least_epoch {
            let detail = format!(
                "it has epoch {}, below the minimum {least_epoch}: whoever had a key-encryption key or the store key of then may have \
                 signed it; where you trust it nevertheless, accept it in a process without that minimum",
                found.epoch
            );
            return Err(backends.store_error(ErrorKind::KeyStoreRolledBack, detail));
        }
        let next_id = u64::from(restored.next_id);
        let least = found.next_id.max(newest.as_ref().map_or(0, |newest| newest.next_id));
        if next_id < least || next_id > least + FAR {
            return not_confirmed(format!(
                "its next id is {}, and keys below {least} are known here; go on with {least} or up to a million above",
                found.next_id
            ));
        }
        let given = restored.in_use.iter().map(|id| id.get());
        if let Some(far) = given.clone().filter(|id| u64::from(*id) >= least + FAR).max() {
            return not_confirmed(format!(
                "values are said to use key {far}, and the store has never come near: somebody has made it up, so leave it out, and \
                 look at the rows that name it"
            ));
        }
        // Ids far beyond were made up by somebody who can write rows.
        let met = met.iter().copied().filter(|id| u64::from(*id) < least + FAR);
        if let Some(highest) = given.chain(met).max().filter(|id| *id >= restored.next_id) {
            return not_confirmed(format!(
                "values use key {highest}, so the next id has to be above it: a key of the same id would be another one, and those \
                 values would be lost even if theirs is found again"
            ));
        }
        let seen = newest.map_or((0, 0), |newest| newest.age());
        let anchor = anchor.map_or((0, 0), |anchor| anchor.age());
        let least_revision = anchor.1.max(self.loader.floor.revision);
        if least_revision > found.revision.saturating_add(FAR_REVISIONS)
            || anchor.0 > self.now() + DAY
        {
            return not_confirmed(format!(
                "its anchor or its minimum asks for revision {least_revision} of epoch {}, far beyond what it has; set that right first",
                anchor.0
            ));
        }
        let mut draft = self.draft_whatever_its_date(&view, note)?;
        self.renew(&view, &mut draft, found.epoch.max(seen.0).max(anchor.0)).await?;
        draft.restored(seen.1.max(least_revision), next_id);
        if self.commit(&view, draft).await? {
            return Ok(());
        }
        Err(backends
            .store_error(ErrorKind::KeyStoreBusy, "it was changed meanwhile; look at it again"))
    }

    async fn set_heartbeat(&self, time: Duration, note: &Note) -> Result<()> {
        self.change(&[], note, |draft| {
            check_heartbeat(time, Duration::from_secs(draft.head.propagation))?;
            let least = self.loader.least_heartbeat();
            if !time.is_zero() && time < least {
                return Err(Error::new(ErrorKind::InvalidKeys).detail(format!(
                    "processes that refresh as often as this one would take a store that is signed every {} s for frozen; make it at \
                     least {} s",
                    time.as_secs(),
                    least.as_secs()
                )));
            }
            draft.head.heartbeat = time.as_secs();
            Ok(())
        })
        .await
    }

    async fn renew_store_key(&self, note: &Note) -> Result<()> {
        let mut attempts = Attempts::default();
        loop {
            let view = self.loader.look_up(&[], true, Ask::Always).await?;
            let mut draft = self.draft(&view, note)?;
            let mut names = view.head.store_key.keys();
            if let Some(offline) = names.find(|name| !self.backends().has_kek(name)) {
                let detail = format!(
                    "the store is wrapped under the KEK \"{offline}\", which this process does not have, and which could not load the store any \
                     more; do it in a process that has it"
                );
                return Err(Error::new(ErrorKind::KekUnusable).detail(detail));
            }
            self.renew(&view, &mut draft, view.head.epoch).await?;
            if self.commit(&view, draft).await? {
                return Ok(());
            }
            attempts.again(self.backends()).await?;
        }
    }

    /// A new epoch with a new store key, under the KEKs that the store has.
    async fn renew(&self, view: &View, draft: &mut Draft<'_>, before: u64) -> Result<()> {
        let epoch = self.next_epoch(before);
        let keks = self.backends().keks_of(&view.head.store_key)?;
        let (mac, wraps) = self.new_store_key(view.head.store, epoch, keks).await?;
        draft.renew(epoch, mac, wraps);
        Ok(())
    }

    /// Above all that there was, even if that is not known: by the date.
    pub(super) fn next_epoch(&self, before: u64) -> u64 {
        before.max(self.loader.floor.epoch).saturating_add(1).max(self.now())
    }
}
