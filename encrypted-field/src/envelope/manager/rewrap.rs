//! Wrapping keys under other KEKs: one was added, or left out. No row of data is touched.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;

use super::backends::some_at_a_time;
use super::changes::{Attempts, Confirms};
use super::load::Ask;
use super::{Call, Inner, KeyManager, seconds};
use crate::envelope::draft::Draft;
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::KeySet;
use crate::envelope::record::{Entry, StoreMac, Wraps};
use crate::error::Result;
use crate::event::{self, Event};
use crate::key::{KeyState, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Keys that are rewrapped in one change.
const AT_ONCE: usize = 256;

impl KeyManager {
    /// Makes each data key, and the key that authenticates the store, wrapped under the KEKs of this manager and no others: after one
    /// was added, or left out. The process needs one of the old ones and all of the new ones.
    ///
    /// Where one was left out, the store gets a new key for its authentication, which the one left out never wrapped. That does not
    /// take the data keys away from whoever has the old KEK and an old copy of the store: where it is compromised, rotate them,
    /// too, and re-encrypt the rows.
    ///
    /// A change of 256 keys at a time; stopped at any point, it is run again. Gives how many keys were rewrapped.
    ///
    /// # Errors
    /// Those of the store and the key services. What is not rewrapped stays as it was.
    pub fn rewrap(&self, now: SystemTime) -> Call<usize> {
        self.call(move |inner| async move { inner.rewrap(now).await })
    }
}

impl Inner {
    async fn rewrap(self: &Arc<Self>, now: SystemTime) -> Result<usize> {
        let turn = self.turn().await;
        let mut attempts = Attempts::default();
        let mut count = 0;
        loop {
            let set = self.load_set(Ask::Always).await?;
            let mut draft = Draft::new(&set, seconds(now)).map_err(|e| self.of_store(e))?;
            let due: Vec<u32> = set
                .entries
                .values()
                .filter(|entry| entry.state != KeyState::Destroyed && !self.is_under_ours(&entry.wraps))
                .map(|entry| entry.id)
                .collect();
            let mut calls: Vec<BoxFuture<'_, Result<(u32, Wraps)>>> = Vec::new();
            for entry in due.iter().take(AT_ONCE).filter_map(|id| set.get(*id)) {
                calls.push(Box::pin(self.wraps_of_ours(entry)));
            }
            for rewrapped in some_at_a_time(calls).await {
                let (id, wraps) = rewrapped?;
                draft.edit(id)?.wraps = wraps;
            }
            let is_last = due.len() <= AT_ONCE;
            if is_last && !self.is_under_ours(&set.head.store_key) {
                self.rewrap_store_key(&set, &mut draft).await?;
            }
            if self.commit(&turn, Confirms::Keys, &set, draft).await? {
                count += due.len().min(AT_ONCE);
                if is_last {
                    return Ok(count);
                }
            } else {
                attempts.again(self).await?;
            }
        }
    }

    /// At the end, and all entries in one change: they are authenticated by one key.
    async fn rewrap_store_key(&self, set: &KeySet, draft: &mut Draft<'_>) -> Result<()> {
        let is_one_left_out = set.head.store_key.keys().any(|name| !self.has_kek(name));
        let known = self.state().store_key.clone();
        let store_key = match known {
            Some(known) if !is_one_left_out => known,
            _ => {
                let new = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
                draft.sign_all(StoreMac::new(&new, &self.key_set));
                new
            }
        };
        draft.head.store_key = self.wrap_under_all(&self.store_key_context(), &store_key).await?;
        Ok(())
    }

    /// The wraps that are there of our KEKs, and new ones where they are missing.
    async fn wraps_of_ours(&self, entry: &Entry) -> Result<(u32, Wraps)> {
        let context = self.context_of(entry);
        let mut wraps = entry.wraps.clone();
        wraps.retain(|name, _| self.has_kek(name));
        let key = self.unwrap(&context, &entry.wraps, Some(&entry.check)).await?;
        for kek in &self.keks {
            if !wraps.contains_key(&*kek.name) {
                wraps.insert(kek.name.to_string(), self.wrap(kek, &context, &key).await?);
            }
        }
        Ok((entry.id, wraps))
    }

    /// For keys that were made while a KEK was out of reach. Wraps that others have are left as they are: another process may
    /// know of a KEK that this one does not. Gives the keys that now have all, and whether there are more.
    pub(super) async fn add_missing_wraps(
        &self,
        set: &KeySet,
        draft: &mut Draft<'_>,
    ) -> Result<(Vec<KeyId>, bool)> {
        let lacks = |wraps: &Wraps| self.keks.iter().any(|kek| !wraps.contains_key(&*kek.name));
        // A KEK that no key is wrapped under was added, and is for `rewrap`; the store key shows that.
        if lacks(&set.head.store_key) {
            return Ok((Vec::new(), false));
        }
        let due: Vec<&Arc<Entry>> = set
            .entries
            .values()
            .filter(|entry| entry.state != KeyState::Destroyed && lacks(&entry.wraps))
            .collect();
        let mut calls: Vec<BoxFuture<'_, Result<(u32, Wraps)>>> = Vec::new();
        for entry in due.iter().take(AT_ONCE) {
            calls.push(Box::pin(self.wraps_of_ours(entry)));
        }
        let mut done = Vec::new();
        for rewrapped in some_at_a_time(calls).await {
            let (id, wraps) = rewrapped?;
            draft.edit(id)?.wraps.extend(wraps);
            done.extend(KeyId::new(id));
        }
        Ok((done, due.len() > AT_ONCE))
    }

    /// Wraps a key under those KEKs that do it.
    ///
    /// # Errors
    /// Where none does.
    pub(super) async fn wrap_under_some(
        &self,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wraps> {
        let mut made = Wraps::new();
        let mut first_error = None;
        for (kek, wrapped) in self.wrap_under_each(context, key).await {
            match wrapped {
                Ok(wrapped) => drop(made.insert(kek.name.to_string(), wrapped)),
                Err(error) => {
                    event::emit(&Event::KekFailed {
                        kek: &kek.name,
                        key_id: context.key_id,
                        kind: error.kind(),
                    });
                    first_error.get_or_insert(error);
                }
            }
        }
        match first_error {
            Some(error) if made.is_empty() => Err(error),
            _ => Ok(made),
        }
    }

    fn is_under_ours(&self, wraps: &Wraps) -> bool {
        wraps.len() == self.keks.len() && wraps.keys().all(|name| self.has_kek(name))
    }

    fn has_kek(&self, name: &str) -> bool {
        self.keks.iter().any(|kek| *kek.name == *name)
    }
}
