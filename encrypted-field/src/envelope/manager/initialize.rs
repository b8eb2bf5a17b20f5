//! The first keys of a store: a new one, or those that an application has already.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use super::changes::Confirms;
use super::load::store_key_purpose;
use super::rotation::{Under, key_id};
use super::{Call, Inner, KeyManager, Turn};
use crate::envelope::draft::Draft;
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::KeySet;
use crate::envelope::lifecycle::{self, NewKey, Place};
use crate::envelope::record::{Digest, Head, StoreMac, Wraps};
use crate::error::{ErrorKind, Result};
use crate::key::{Key, KeyState, Keyring, Purpose, derive, generate_key};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

impl KeyManager {
    /// Makes the store and its first key, for fields of the default scope, active at once. Once, by an operator, with all KEKs in
    /// reach; keys are never made silently.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`] where the store has keys already.
    pub fn initialize(&self, now: SystemTime) -> Call<KeyId> {
        self.call(move |inner| async move { inner.initialize(now).await })
    }

    /// Makes the store of keys that the application has used so far, from the environment or a key file, with their ids and states: values
    /// under them open as before. All are loaded with the process. Rotate the active ones soon: they were outside of a key service.
    ///
    /// ```no_run
    /// # async fn run(keys: &encrypted_field::envelope::KeyManager) -> encrypted_field::Result<()> {
    /// use encrypted_field::EnvKeys;
    /// let so_far = EnvKeys::new().keys(|name| std::env::var_os(name))?;
    /// keys.initialize_with(so_far, std::time::SystemTime::now()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`initialize`](Self::initialize), and what [`KeyringBuilder::build`](crate::KeyringBuilder::build) refuses.
    pub fn initialize_with(&self, keys: impl IntoIterator<Item = Key>, now: SystemTime) -> Call<()> {
        let keys: Vec<Key> = keys.into_iter().collect();
        self.call(move |inner| async move { inner.initialize_with(keys, now).await })
    }
}

impl Inner {
    async fn initialize(self: &Arc<Self>, now: SystemTime) -> Result<KeyId> {
        let turn = self.turn().await;
        let empty = self.new_store().await?;
        let place = Place { scope: String::new(), purpose: Purpose::Field, on_demand: false };
        let mut draft = self.draft(&empty, now)?;
        let id = draft.next_id()?;
        let key = self.new_key(&empty, id, &place, Under::All).await?;
        lifecycle::add_first(&mut draft, key, place, &self.rotation)?;
        self.commit_first(&turn, &empty, draft).await?;
        key_id(id)
    }

    async fn initialize_with(self: &Arc<Self>, mut keys: Vec<Key>, now: SystemTime) -> Result<()> {
        // Whatever can be wrong with them is found here.
        Keyring::builder().keys(keys.iter().cloned()).build()?;
        keys.sort_by_key(|key| key.id);
        let turn = self.turn().await;
        let empty = self.new_store().await?;
        let mut draft = self.draft(&empty, now)?;
        let mut versions: HashMap<(String, Purpose), u32> = HashMap::new();
        for key in &keys {
            let context = WrapContext::new(&self.key_set, key.id, &key.scope, key.purpose.name());
            let (check, wraps) = match key.bytes.as_ref().filter(|_| key.state != KeyState::Destroyed) {
                Some(bytes) => {
                    let wraps = self.wrap_under_all(self.keks_of(&empty.head)?, &context, bytes).await?;
                    (derive::check_value(bytes), wraps)
                }
                None => (key.expected_check.unwrap_or_default(), Wraps::new()),
            };
            let place = Place { scope: key.scope.clone(), purpose: key.purpose, on_demand: false };
            let version = versions.entry((key.scope.clone(), key.purpose)).or_default();
            *version += 1;
            let new = NewKey { id: key.id, check: Digest(check), wraps };
            lifecycle::add_existing(&mut draft, new, place, *version, key.state, &self.rotation);
        }
        self.commit_first(&turn, &empty, draft).await
    }

    /// A store without keys, with a new key for its authentication; not written yet.
    async fn new_store(&self) -> Result<KeySet> {
        if !self.load_records(0).await?.is_empty() {
            return Err(self.store_error(ErrorKind::KeyLifecycle, "it has keys already; `load` them"));
        }
        let store_key = SecretBytes::new(*zeroize::Zeroizing::new(generate_key()?));
        let mut head = Head::new(self.propagation.as_secs(), BTreeMap::new());
        let purpose = store_key_purpose(head.epoch);
        let keks = self.keks.iter().collect();
        head.store_key = self.wrap_under_all(keks, &self.store_key_context(&purpose), &store_key).await?;
        let mac = StoreMac::new(&store_key, &self.key_set);
        Ok(KeySet::new(head, BTreeMap::new(), mac))
    }

    async fn commit_first(self: &Arc<Self>, turn: &Turn<'_>, empty: &KeySet, draft: Draft<'_>) -> Result<()> {
        if self.commit(turn, Confirms::Keys, empty, draft).await? {
            return Ok(());
        }
        let detail = "another process has just made its keys; `load` them";
        Err(self.store_error(ErrorKind::KeyLifecycle, detail))
    }
}
