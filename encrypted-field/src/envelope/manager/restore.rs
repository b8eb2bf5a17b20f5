//! Accepting a store that was set back on purpose: a backup was restored.

use std::sync::Arc;
use std::time::SystemTime;

use super::changes::Confirms;
use super::load::Ask;
use super::{Call, Inner, KeyManager, seconds};
use crate::envelope::draft::Draft;
use crate::envelope::key_set::{KeySet, head_of};
use crate::error::{ErrorKind, Result};

/// What somebody says about a restored store, having looked at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The revision that the restored store has, so that no other is accepted by mistake. The error that refuses it names it.
    pub revision: u64,
    /// The next id for a key: above any that a row may use, also of keys that were made after the backup and are lost. Not below the
    /// store's own.
    pub next_id: u32,
}

impl KeyManager {
    /// Accepts a store that is older than what processes have seen, after a backup of it was restored. It gets a new generation,
    /// so that processes that run accept it, too, and refuse the one before.
    ///
    /// Keys that were made after the backup are lost, and with them what they have sealed; their ids are not given again.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`]: a backup that somebody without the KEK has changed is refused still.
    /// [`ErrorKind::NotConfirmed`]: another revision, or a next id below the store's.
    pub fn accept_restored(&self, restored: Restored, now: SystemTime) -> Call<()> {
        self.call(move |inner| async move { inner.accept_restored(restored, now).await })
    }
}

impl Inner {
    async fn accept_restored(self: &Arc<Self>, restored: Restored, now: SystemTime) -> Result<()> {
        let turn = self.turn().await;
        let loaded = self.load_records(0).await?;
        let head = head_of(&loaded).map_err(|e| self.of_store(e))?;
        let (_, mac) = self.open_head(&loaded, None, Ask::Always).await?;
        let not_confirmed = |detail: String| Err(self.store_error(ErrorKind::NotConfirmed, detail));
        if head.revision != restored.revision {
            return not_confirmed(format!("it has revision {}, not {}", head.revision, restored.revision));
        }
        if u64::from(restored.next_id) < head.next_id {
            return not_confirmed(format!("its next id is {} already", head.next_id));
        }
        let set = KeySet::verified(head, &loaded, None, mac).map_err(|e| self.of_store(e))?;
        let known = self.known();
        let seen = known.as_ref().map_or((0, 0), |known| known.head.age());
        // Its own date is that of the backup.
        let mut draft = Draft::new(&set, seconds(now).max(set.head.changed))?;
        draft.head.generation = set.head.generation.max(seen.0).saturating_add(1);
        draft.head.revision = set.head.revision.max(seen.1).max(self.min_revision);
        draft.head.next_id = u64::from(restored.next_id);
        self.forget_known();
        if self.commit(&turn, Confirms::Keys, &set, draft).await? {
            return Ok(());
        }
        Err(self.store_error(ErrorKind::KeyStoreBusy, "it was changed meanwhile; look at it again"))
    }

    /// What was known is of a store that is gone.
    fn forget_known(&self) {
        let mut state = self.state();
        state.set = None;
        state.loaded.age = None;
    }
}
