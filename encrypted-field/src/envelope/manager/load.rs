//! Reading the store, and having its keys ready.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Call, Inner, KeyManager, State, Turn};
use crate::envelope::kek::WrapContext;
use crate::envelope::key_set::{KeySet, head_of, tampered};
use crate::envelope::record::{Entry, Head, StoreMac};
use crate::envelope::store::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{KeyState, install_next};
use crate::secret::SecretBytes;

/// All of the store is read anew after this, to see that what is known still stands there.
const READ_ALL_AFTER: Duration = Duration::from_hours(24);

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
    /// Where loading fails, the thread goes on trying, for a program that starts nevertheless. After a `fork`, call it again in the
    /// child: threads don't follow there. One manager of a process is installed; [`start`](Self::start) others.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`ErrorKind::KeyConflict`] as [`install`](crate::install).
    pub fn install(&self) -> Call<()> {
        let manager = self.clone();
        self.call(|inner| async move {
            super::refresh::keep(&manager)?;
            inner.is_installed.store(true, Ordering::Release);
            inner.state().loaded.age = None;
            super::refresh::start(&inner)?;
            inner.refresh().await
        })
    }

    /// As [`install`](Self::install), but leaves the keys of the process as they are: for a second key set, whose
    /// [`keyring`](Self::keyring) is passed by hand. Ends when the last clone of the manager is dropped.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn start(&self) -> Call<()> {
        self.call(|inner| async move {
            super::refresh::start(&inner)?;
            inner.refresh().await
        })
    }
}

impl Inner {
    /// Everything up to date, and the keys confirmed.
    pub(super) async fn refresh(self: &Arc<Self>) -> Result<()> {
        let turn = self.turn().await;
        let refreshed = self.refresh_in(&turn).await;
        match &refreshed {
            Ok(()) => event::emit(&Event::KeysRefreshed { key_set: &self.key_set }),
            Err(error) => self.not_refreshed(error),
        }
        refreshed
    }

    async fn refresh_in(self: &Arc<Self>, turn: &Turn<'_>) -> Result<()> {
        let set = self.load_set(Ask::Always).await?;
        self.use_set(&set).await?;
        // Before those of scopes, of which there may be many.
        self.confirm(turn);
        self.refresh_scopes(&set).await;
        self.refresher.loaded(turn.at);
        Ok(())
    }

    /// The store and a key service have confirmed what is in use.
    pub(super) fn confirm(&self, turn: &Turn<'_>) {
        self.health.confirm(turn.at, turn.date);
        if let Some(current) = &*self.current.load() {
            current.lease.extend();
        }
    }

    pub(super) fn not_refreshed(&self, error: &Error) {
        self.health.failed(error);
        event::emit(&Event::RefreshFailed { key_set: &self.key_set, kind: error.kind() });
    }

    /// Makes the keys of `set` the ones in use, but for those of scopes that are loaded on demand.
    pub(super) async fn use_set(self: &Arc<Self>, set: &KeySet) -> Result<()> {
        let age = Some(set.head.age());
        let mut loaded = self.state().loaded.clone();
        let before = self.current.load_full();
        if loaded.age == age && before.as_ref().is_some_and(|before| !before.is_of_other_date(self.wall())) {
            return Ok(());
        }
        let entries: Vec<&Arc<Entry>> = set.entries.values().filter(|entry| !entry.on_demand).collect();
        let made = self.ring_of(&entries, &mut loaded, None).await;
        // What was unwrapped before one failed need not be again.
        loaded.age = None;
        self.state().loaded = loaded;
        let (rung, is_whole) = made?;
        if self.is_installed.load(Ordering::Acquire) {
            install_next(before.as_ref().map(|before| &before.ring), Arc::clone(&rung.ring))?;
        }
        // Until it is confirmed in its turn, it is as good as the one before it.
        rung.lease.extend();
        self.current.store(Some(Arc::new(rung)));
        if let Some(before) = before {
            before.lease.replace();
        }
        if is_whole {
            self.state().loaded.age = age;
        }
        Ok(())
    }

    /// The key set as it stands in the store, authenticated.
    pub(super) async fn load_set(&self, ask: Ask) -> Result<Arc<KeySet>> {
        let known = self.known();
        let is_due = self.clock.monotonic() >= self.state().read_all.saturating_add(READ_ALL_AFTER);
        let Some(known) = known.filter(|_| !is_due) else { return self.load_all().await };
        let loaded = self.load_records(known.head.revision).await?;
        let (head, mac) = self.open_head(&loaded, Some(&known), ask).await?;
        self.refuse_older(&head, Some(&known))?;
        if known.head == head {
            return Ok(known);
        }
        // In another epoch, what was known of the one before says nothing.
        if known.head.epoch != head.epoch || !known.mac_is(&mac) {
            return self.load_all().await;
        }
        match KeySet::verified(head, &loaded, Some(&known), mac) {
            Ok(set) => Ok(self.remember(set)),
            // What is known does not go together with it, and all of it may.
            Err(_) => self.load_all().await,
        }
    }

    /// All of the store, read anew.
    pub(super) async fn load_all(&self) -> Result<Arc<KeySet>> {
        let known = self.known();
        let at = self.clock.monotonic();
        let loaded = self.load_records(0).await?;
        let (head, mac) = self.open_head(&loaded, known.as_deref(), Ask::Always).await?;
        self.refuse_older(&head, known.as_deref())?;
        let set = KeySet::verified(head, &loaded, None, mac).map_err(|e| self.of_store(e))?;
        self.state().read_all = at;
        Ok(self.remember(set))
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
        let (mac, store_key) = match known {
            Some(known) if ask == Ask::IfNeeded && known.head.store_key == head.store_key => {
                (known.mac.clone(), None)
            }
            _ => {
                let store_key = self.unwrap_store_key(&head).await?;
                (StoreMac::new(&store_key, &self.key_set), Some(store_key))
            }
        };
        if !head.is_authentic(&mac) {
            return Err(self.of_store(tampered("the head does not authenticate")));
        }
        if let Some(store_key) = store_key {
            self.state().store_key = Some(store_key);
        }
        Ok((head, mac))
    }

    async fn unwrap_store_key(&self, head: &Head) -> Result<SecretBytes> {
        let purpose = store_key_purpose(head.epoch);
        let unwrapped = self.unwrap(&self.store_key_context(&purpose), &head.store_key, None).await;
        unwrapped.map_err(|e| e.within("the key that authenticates the store"))
    }

    /// `purpose` is [`store_key_purpose`] of the epoch.
    pub(super) fn store_key_context<'a>(&'a self, purpose: &'a str) -> WrapContext<'a> {
        WrapContext::new(&self.key_set, 0, "", purpose)
    }

    fn refuse_older(&self, head: &Head, known: Option<&KeySet>) -> Result<()> {
        let rolled_back = |detail: String| Err(self.store_error(ErrorKind::KeyStoreRolledBack, detail));
        if head.epoch < self.min_epoch {
            return rolled_back(format!("it has epoch {}, below the minimum {}", head.epoch, self.min_epoch));
        }
        if head.revision < self.min_revision {
            return rolled_back(format!(
                "it has revision {}, below the minimum {}",
                head.revision, self.min_revision
            ));
        }
        if let Some(known) = known {
            let (before, now) = (known.head.age(), head.age());
            if now < before {
                let detail = format!(
                    "it has revision {} of epoch {}, after {} of {} was seen",
                    now.1, now.0, before.1, before.0
                );
                return rolled_back(detail);
            }
            if now == before && *head != known.head {
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

    /// Makes it what is known.
    pub(super) fn remember(&self, set: KeySet) -> Arc<KeySet> {
        let (set, now) = (Arc::new(set), self.clock.monotonic());
        let mut state = self.state();
        let State { first_seen, .. } = &mut *state;
        first_seen.retain(|(id, was), _| set.get(*id).is_some_and(|entry| entry.state == *was));
        for entry in set.entries.values() {
            if matches!(entry.state, KeyState::Pending | KeyState::Disabled) {
                first_seen.entry((entry.id, entry.state)).or_insert(now);
            }
        }
        state.set = Some(Arc::clone(&set));
        set
    }

    pub(super) fn of_store(&self, error: Error) -> Error {
        error.within(&self.store.who())
    }
}

/// What the store key of an epoch is wrapped for, so that it is of no use in a later one.
pub(super) fn store_key_purpose(epoch: u64) -> String {
    format!("store-{epoch}")
}
