//! Reading the store, and having its keys ready.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Call, Inner, KeyManager};
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::{KeySet, head_of, tampered};
use crate::envelope::record::{Entry, Head, StoreMac};
use crate::envelope::store::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::install_shared;
use crate::secret::SecretBytes;

/// Whether the key service is to be asked although nothing new is in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// To see that this process still has its permission.
    Always,
    /// Only for what can't be read otherwise.
    IfNeeded,
}

impl KeyManager {
    /// Loads the keys, or what has changed of them. One read of the store and one call to a key service, and one more for each key
    /// that is new here (16 at a time).
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnavailable`], [`ErrorKind::KeyServiceUnavailable`] and the others of both;
    /// [`ErrorKind::KeyStoreTampered`], [`ErrorKind::KeyStoreRolledBack`], [`ErrorKind::WrappedKeyRejected`]. Keys that were loaded
    /// before stay in use, for as long as [`CachePolicy::max_age`](crate::envelope::CachePolicy::max_age) says.
    pub fn load(&self) -> Call<()> {
        self.call(|inner| async move { inner.refresh().await })
    }

    /// Loads the keys and makes them the [keys of this process](crate::install), and keeps them up to date from now on: a thread
    /// of the library's refreshes them and does what the [policy](crate::envelope::RotationPolicy) says about rotation.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`ErrorKind::KeyConflict`] as [`install`](crate::install).
    pub fn install(&self) -> Call<()> {
        let manager = self.clone();
        self.call(|inner| async move {
            inner.refresh().await?;
            install_shared(manager.keyring()?)?;
            inner.is_installed.store(true, Ordering::Release);
            super::refresh::keep(&manager);
            super::refresh::start(&inner)
        })
    }

    /// As [`install`](Self::install), but leaves the keys of the process as they are: for a second key set, whose
    /// [`keyring`](Self::keyring) is passed by hand. Ends when the last clone of the manager is dropped.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn start(&self) -> Call<()> {
        self.call(|inner| async move {
            inner.refresh().await?;
            super::refresh::start(&inner)
        })
    }
}

impl Inner {
    /// Everything up to date, and the lease extended.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<()> {
        let turn = self.turn().await;
        let (at, date) = (turn.at, turn.date);
        let refreshed = async {
            let set = self.load_set(Ask::Always).await?;
            self.use_set(&set).await?;
            self.refresh_scopes(&set, at, date).await
        }
        .await;
        match &refreshed {
            Ok(()) => {
                self.lease.extend(at, date);
                self.refresher.loaded(at);
                event::emit(&Event::KeysRefreshed { key_set: &self.key_set });
            }
            Err(error) => self.not_refreshed(error),
        }
        refreshed
    }

    pub(super) fn not_refreshed(&self, error: &Error) {
        self.lease.failed(error);
        event::emit(&Event::RefreshFailed { key_set: &self.key_set, kind: error.kind() });
    }

    /// Makes the keys of `set` the ones in use, but for those of scopes that are loaded on demand.
    pub(super) async fn use_set(self: &Arc<Self>, set: &KeySet) -> Result<()> {
        let age = Some(set.head.age());
        let mut loaded = self.state().loaded.clone();
        if loaded.age == age && self.ring.load().is_some() {
            return Ok(());
        }
        let entries: Vec<&Arc<Entry>> = set.entries.values().filter(|entry| !entry.on_demand).collect();
        let ring = self.ring_of(&entries, &mut loaded, None, &self.lease).await;
        if ring.is_ok() {
            loaded.age = age;
        }
        // What was unwrapped before one failed need not be again.
        self.state().loaded = loaded;
        let ring = Arc::new(ring?);
        if self.is_installed.load(Ordering::Acquire) {
            install_shared(Arc::clone(&ring))?;
        }
        self.ring.store(Some(ring));
        Ok(())
    }

    /// The key set as it stands in the store, authenticated.
    pub(super) async fn load_set(&self, ask: Ask) -> Result<Arc<KeySet>> {
        let known = self.known();
        let loaded = self.load_records(known.as_ref().map_or(0, |known| known.head.revision)).await?;
        let (head, mac) = self.open_head(&loaded, known.as_deref(), ask).await?;
        self.refuse_older(&head, known.as_deref())?;
        if let Some(known) = &known
            && known.head == head
        {
            return Ok(Arc::clone(known));
        }
        // After somebody accepted a restored store, what was known of the one before says nothing.
        let base =
            known.as_ref().filter(|known| known.head.generation == head.generation && known.mac_is(&mac));
        let set = match KeySet::verified(head, &loaded, base.map(|base| &**base), mac.clone()) {
            // What is known does not go together with it, and all of it may.
            Err(_) if known.is_some() => self.load_all(mac, known.as_deref()).await?,
            verified => verified.map_err(|e| self.of_store(e))?,
        };
        Ok(self.remember(set))
    }

    /// All of the store, whatever is known of it.
    async fn load_all(&self, mac: StoreMac, known: Option<&KeySet>) -> Result<KeySet> {
        let loaded = self.load_records(0).await?;
        let head = head_of(&loaded).map_err(|e| self.of_store(e))?;
        if !head.is_authentic(&mac) {
            return Err(self.of_store(tampered("the head does not authenticate")));
        }
        self.refuse_older(&head, known)?;
        KeySet::verified(head, &loaded, None, mac).map_err(|e| self.of_store(e))
    }

    /// The head, authenticated, and what it was authenticated with.
    pub(super) async fn open_head(
        &self,
        loaded: &[Record],
        known: Option<&KeySet>,
        ask: Ask,
    ) -> Result<(Head, StoreMac)> {
        if loaded.is_empty() {
            return Err(match known {
                Some(_) => {
                    self.store_error(ErrorKind::KeyStoreRolledBack, "it is empty, and had keys before")
                }
                None => self.store_error(
                    ErrorKind::KeyStoreUnusable,
                    "it is empty; make its first key with `initialize`, once",
                ),
            });
        }
        let head = head_of(loaded).map_err(|e| self.of_store(e))?;
        let mac = match known {
            Some(known) if ask == Ask::IfNeeded && known.head.store_key == head.store_key => {
                known.mac.clone()
            }
            _ => {
                let store_key = self.unwrap_store_key(&head).await?;
                let mac = StoreMac::new(&store_key, &self.key_set);
                self.state().store_key = Some(store_key);
                mac
            }
        };
        if !head.is_authentic(&mac) {
            return Err(self.of_store(tampered("the head does not authenticate")));
        }
        Ok((head, mac))
    }

    async fn unwrap_store_key(&self, head: &Head) -> Result<SecretBytes> {
        let unwrapped = self.unwrap(&self.store_key_context(), &head.store_key, None).await;
        unwrapped.map_err(|e| e.within("the key that authenticates the store"))
    }

    pub(super) fn store_key_context(&self) -> WrapContext<'_> {
        WrapContext::new(&self.key_set, 0, "", "store")
    }

    fn refuse_older(&self, head: &Head, known: Option<&KeySet>) -> Result<()> {
        let rolled_back = |detail: String| Err(self.store_error(ErrorKind::KeyStoreRolledBack, detail));
        if head.revision < self.min_revision {
            return rolled_back(format!(
                "it has revision {}, below the minimum {}",
                head.revision, self.min_revision
            ));
        }
        if let Some(known) = known {
            if head.age() < known.head.age() {
                return rolled_back(format!(
                    "it has revision {}, after {} was seen",
                    head.revision, known.head.revision
                ));
            }
            if head.age() == known.head.age() && *head != known.head {
                return rolled_back(format!(
                    "its revision {} was seen before with other content",
                    head.revision
                ));
            }
        }
        let lease = self.cache.lease();
        if Duration::from_secs(head.propagation) < lease {
            let detail = format!(
                "its keys become active {} s after they are published, and this process may use old ones for {} s; shorten \
                 the maximum age of its cache",
                head.propagation,
                lease.as_secs()
            );
            return Err(self.store_error(ErrorKind::KeyStoreUnusable, detail));
        }
        Ok(())
    }

    /// Makes it what is known, unless something newer is.
    pub(super) fn remember(&self, set: KeySet) -> Arc<KeySet> {
        let set = Arc::new(set);
        self.state().set = Some(Arc::clone(&set));
        set
    }

    pub(super) fn of_store(&self, error: Error) -> Error {
        error.within(&self.store.who())
    }
}
