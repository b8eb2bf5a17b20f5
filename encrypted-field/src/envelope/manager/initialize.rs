//! The first keys of a store: a new one, or those that an application has already.

use std::sync::Arc;

use super::changes::Changes;
use super::ring::key_id;
use super::{Call, KeyManager};
use crate::cipher;
use crate::envelope::draft::{Draft, Note};
use crate::envelope::lifecycle::{self, NewKey, Place};
use crate::envelope::record::{Digest, Head, Part, StoreMac, Wraps};
use crate::envelope::view::View;
use crate::envelope::{StoreId, WrapContext};
use crate::error::{ErrorKind, Result};
use crate::key::{Key, KeyState, Keyring, Purpose, derive, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

impl KeyManager {
    /// Makes the store and its first key, for fields of the default scope, active at once. An
    /// operator calls it once, with all KEKs in reach. Keys are never made silently. If rows have
    /// values under keys of a store that is lost for good, give
    /// [`first_key_id`](super::KeyManagerBuilder::first_key_id), so that no id is used twice.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] if the store has keys already. [`ErrorKind::KeyStoreRolledBack`]
    /// if it is empty and must have keys: this process has seen some, or a minimum or an anchor
    /// says so.
    pub fn initialize(&self) -> Call<KeyId> {
        self.call(|inner, note| async move {
            let id = inner.in_turn(inner.changes.initialize(&note)).await?;
            inner.refresh().await.map(|()| id)
        })
    }

    /// Makes the store of keys that the application has used so far, from the environment or a key
    /// file, with their ids and states: values under them open as before. All are loaded with the
    /// process. Rotate the active ones soon: they were outside of a key service.
    ///
    /// ```no_run
    /// # async fn run(keys: &encrypted_field::envelope::KeyManager) -> encrypted_field::Result<()> {
    /// use encrypted_field::key::EnvKeys;
    /// let so_far = EnvKeys::new().keys(|name| std::env::var_os(name))?;
    /// keys.initialize_with(so_far).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`initialize`](Self::initialize), and what
    /// [`KeyringBuilder::build`](crate::key::KeyringBuilder::build) refuses.
    pub fn initialize_with(&self, keys: impl IntoIterator<Item = Key>) -> Call<()> {
        let keys: Vec<Key> = keys.into_iter().collect();
        self.call(move |inner, note| async move {
            inner.in_turn(inner.changes.initialize_with(keys, &note)).await?;
            inner.refresh().await
        })
    }
}

impl Changes {
    async fn initialize(&self, note: &Note) -> Result<KeyId> {
        let empty = self.new_store().await?;
        let place = Place { part: Part::Process, scope: "".into(), purpose: Purpose::Field };
        let mut draft = self.draft(&empty, note)?;
        draft.head.next_id = self.first_key_id.get().into();
        let id = draft.next_id()?;
        let key =
            self.new_key(&draft.head.store_key, id, &place, super::rotation::Under::All).await?;
        lifecycle::add_first(&mut draft, key, &place, &self.rotation)?;
        self.commit_first(&empty, draft).await?;
        key_id(id)
    }

    async fn initialize_with(&self, mut keys: Vec<Key>, note: &Note) -> Result<()> {
        // Whatever can be wrong with them is found here.
        Keyring::builder().keys(keys.iter().cloned()).build()?;
        keys.sort_by_key(|key| key.id);
        let empty = self.new_store().await?;
        let mut draft = self.draft(&empty, note)?;
        draft.head.next_id = self.first_key_id.get().into();
        for key in &keys {
            let context = WrapContext::data(
                &self.backends().key_set,
                key_id(key.id)?,
                &key.scope,
                key.purpose,
            );
            let (check, wraps) =
                match key.bytes.as_ref().filter(|_| key.state != KeyState::Destroyed) {
                    Some(bytes) => {
                        let all = self.backends().keks_of(&empty.head.store_key)?;
                        let wraps = self.backends().wrap_under_all(all, &context, bytes).await?;
                        (derive::check_value(bytes), wraps)
                    }
                    None => (key.expected_check.unwrap_or_default(), Wraps::new()),
                };
            let place = Place {
                part: Part::Process,
                scope: key.scope.as_str().into(),
                purpose: key.purpose,
            };
            let new = NewKey { id: key.id, check: Digest(check), wraps };
            lifecycle::add_existing(&mut draft, new, &place, key.state, &self.rotation);
        }
        self.commit_first(&empty, draft).await
    }

    /// A store without keys, with a new key for its authentication. It is not written yet.
    async fn new_store(&self) -> Result<View> {
        self.loader.check_empty().await?;
        let mut id = [0; 16];
        cipher::random(&mut id)?;
        // An epoch begins at a date, so that a store that is made again is never taken for the one
        // before it.
        let (heartbeat, propagation) = (self.heartbeat.as_secs(), self.propagation.as_secs());
        let mut head = Head::new(StoreId(id), self.now().max(1), heartbeat, propagation);
        let (mac, wraps) = self
            .new_store_key(head.store, head.epoch, self.backends().keks.iter().collect())
            .await?;
        head.store_key = wraps;
        let mut empty = View::new(Arc::new(head), mac);
        empty.process = Some(Arc::default());
        Ok(empty)
    }

    /// A new store key, wrapped under these KEKs for an epoch.
    pub(super) async fn new_store_key(
        &self,
        store: StoreId,
        epoch: u64,
        keks: Vec<&super::backends::Kek>,
    ) -> Result<(StoreMac, Wraps)> {
        let key_set = &self.backends().key_set;
        let store_key = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
        let context = WrapContext::store(key_set, store, epoch);
        let wraps = self.backends().wrap_under_all(keks, &context, &store_key).await?;
        Ok((StoreMac::new(&store_key, key_set), wraps))
    }

    async fn commit_first(&self, empty: &View, draft: Draft<'_>) -> Result<()> {
        if self.commit(empty, draft).await? {
            return Ok(());
        }
        let detail = "another process has just made its keys; `load` them";
        Err(self.backends().store_error(ErrorKind::KeyLifecycle, detail))
    }
}
