//! Accepting a store that was set back on purpose: a backup was restored.

use std::sync::Arc;
use std::time::SystemTime;

use super::changes::Confirms;
use super::load::{Ask, store_key_purpose};
use super::{Call, Inner, KeyManager, seconds};
use crate::envelope::draft::Draft;
use crate::envelope::key_set::{KeySet, head_of};
use crate::error::{ErrorKind, Result};

/// More ids than a store ever gives between two backups.
const FAR: u64 = 1_000_000;

/// What somebody says about a restored store, having looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The revision that the restored store has, so that no other is accepted by mistake. The error that refuses it names it.
    pub revision: u64,
    /// The next id for a key: above any that a row may use, also of keys that were made after the backup and are lost. Not below the
    /// store's own, and not more than a million above.
    pub next_id: u32,
}

impl KeyManager {
    /// Accepts a store that is older than what processes have seen, after a backup of it was restored. A new epoch begins,
    /// so that processes that run accept it, too, and refuse the one before. Its date becomes `now`, which also mends a store that a
    /// process with a wrong clock has dated into the future.
    ///
    /// Keys that were made after the backup are lost, and with them what they have sealed; their ids are not given again.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`]: a backup that somebody without the KEK has changed is refused still.
    /// [`ErrorKind::NotConfirmed`]: another revision, or a next id that can't be right. Every KEK must be in reach.
    pub fn accept_restored(&self, restored: Restored, now: SystemTime) -> Call<()> {
        self.call(move |inner| async move { inner.accept_restored(restored, now).await })
    }
}

impl Inner {
    async fn accept_restored(self: &Arc<Self>, restored: Restored, now: SystemTime) -> Result<()> {
        let turn = self.turn().await;
        let loaded = self.load_records(0).await?;
        let found = head_of(&loaded).map_err(|e| self.of_store(e))?;
        let not_confirmed = |detail: String| Err(self.store_error(ErrorKind::NotConfirmed, detail));
        if found.revision != restored.revision {
            return not_confirmed(format!("it has revision {}, not {}", found.revision, restored.revision));
        }
        let (head, mac) = self.open_head(&loaded, None, Ask::Always).await?;
        let next_id = u64::from(restored.next_id);
        if next_id < head.next_id || next_id > head.next_id + FAR {
            return not_confirmed(format!(
                "its next id is {}; the one to go on with is that or up to a million above",
                head.next_id
            ));
        }
        let set = KeySet::verified(head, &loaded, None, mac).map_err(|e| self.of_store(e))?;
        let seen = self.known().map_or((0, 0), |known| known.head.age());
        let mut draft = Draft::restored(&set, seconds(now));
        draft.head.epoch = self.next_epoch(set.head.epoch.max(seen.0), now);
        draft.head.revision = set.head.revision.max(seen.1).max(self.min_revision);
        draft.head.next_id = next_id;
        self.wrap_store_key_again(&set, &mut draft).await?;
        if self.commit(&turn, Confirms::Keys, &set, draft).await? {
            return Ok(());
        }
        Err(self.store_error(ErrorKind::KeyStoreBusy, "it was changed meanwhile; look at it again"))
    }

    /// Above all that there was, also where that is not known: by the date.
    pub(super) fn next_epoch(&self, before: u64, now: SystemTime) -> u64 {
        before.max(self.min_epoch).saturating_add(1).max(seconds(now))
    }

    /// The same store key, for another epoch.
    async fn wrap_store_key_again(&self, set: &KeySet, draft: &mut Draft<'_>) -> Result<()> {
        let purpose = store_key_purpose(set.head.epoch);
        let store_key = self.unwrap(&self.store_key_context(&purpose), &set.head.store_key, None).await?;
        let keks = self.keks_of(&set.head)?;
        let purpose = store_key_purpose(draft.head.epoch);
        draft.head.store_key =
            self.wrap_under_all(keks, &self.store_key_context(&purpose), &store_key).await?;
        Ok(())
    }
}
