//! What may be told of a store: which key is where.

use std::time::{Duration, SystemTime};

use super::clock::date;
use super::loading::{Ask, Loader};
use super::pages::{page_after, page_digits};
use super::rings::not_loaded;
use super::{Call, Inner, KeyManager};
use crate::envelope::StoreId;
use crate::envelope::backend::Mark;
use crate::envelope::record::{Entry, Part, ScopeKeys};
use crate::error::Result;
use crate::key::{KeyState, Purpose};
use crate::key_id::KeyId;

/// What a store says of itself, authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStatus {
    /// The id of the store, made with it.
    pub store: StoreId,
    /// Raised by each change; what [`min_revision`](super::KeyManagerBuilder::min_revision) takes.
    pub revision: u64,
    /// Raised where the key that authenticates the store changes; what
    /// [`min_epoch`](super::KeyManagerBuilder::min_epoch) takes.
    pub epoch: u64,
    /// Store, epoch and revision as the text of an [anchor](crate::envelope::Anchor::fixed).
    pub anchor: String,
    /// The id that the next key gets.
    pub next_id: u64,
    /// When it was last signed, by a change or by the heartbeat; by the clock of whoever did it.
    pub signed: SystemTime,
    /// Who signed it, where that was [noted](KeyManager::noting) or is the
    /// [name](super::KeyManagerBuilder::changed_by) of a process.
    pub signed_by: Option<String>,
    /// Why, where it was noted.
    pub signed_why: Option<String>,
    /// How often it is signed at least; zero for never.
    pub heartbeat: Duration,
    /// How long it takes from publishing a key to its use.
    pub propagation: Duration,
    /// Whether nothing is sealed, because it was not signed anew for too long.
    pub is_frozen: bool,
    /// When this process has last confirmed it, with the key service.
    pub confirmed: Option<SystemTime>,
    /// Why the thread of this process failed the last time that it did what the policy asks for;
    /// `None` where it did not fail, or there is no thread.
    pub maintenance_failure: Option<String>,
    /// By how many seconds the clock here is ahead of that of the store or a key service; negative
    /// where it is behind, `None` where they have none.
    pub clock_difference: Option<i64>,
    /// The names of the KEKs that the store is wrapped under.
    pub keks: Vec<String>,
    /// How many scopes are loaded on demand, all in all.
    pub scopes_on_demand: u64,
    /// Keys of these scopes whose entries a later release has written: this one does not use them.
    pub of_later_release: Vec<KeyId>,
    /// The keys of the scopes that each process loads, and of those loaded on demand that are in
    /// use here, by id.
    pub keys: Vec<KeyStatus>,
}

/// What a store says of one key, authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Its id.
    pub id: KeyId,
    /// Its scope, `""` by default.
    pub scope: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Which key of its scope and purpose it is, from 1: one more than the rotations before it.
    pub version: u32,
    /// Where it stands in its life.
    pub state: KeyState,
    /// Whether it is loaded when its scope is entered.
    pub on_demand: bool,
    /// When it was made.
    pub created: SystemTime,
    /// From when it may become active, where it is pending.
    pub activate_after: Option<SystemTime>,
    /// When it became active.
    pub activated: Option<SystemTime>,
    /// Until when it seals.
    pub seal_until: Option<SystemTime>,
    /// When the next one became active.
    pub retired: Option<SystemTime>,
    /// When it was marked compromised.
    pub compromised: Option<SystemTime>,
    /// When it was disabled.
    pub disabled: Option<SystemTime>,
    /// When it was destroyed.
    pub destroyed: Option<SystemTime>,
    /// When its entry was last changed.
    pub changed: SystemTime,
    /// Who made that change, where it was [noted](KeyManager::noting).
    pub changed_by: Option<String>,
    /// Why, where it was noted.
    pub changed_why: Option<String>,
    /// Its check value, by which it is known without being revealed.
    pub check_value: [u8; 32],
    /// The names of the KEKs that it is wrapped under.
    pub keks: Vec<String>,
}

/// A part of the keys that are loaded on demand, see [`KeyManager::keys_on_demand`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPage {
    /// The keys of the scopes on this page: of 16 to 256 scopes or so, or fewer in a small store.
    pub keys: Vec<KeyStatus>,
    /// The number of the next page, if there is one.
    pub next: Option<u64>,
}

impl KeyManager {
    /// The store as it was loaded last: revision, keys, states, dates, and under which KEKs they
    /// are.
    ///
    /// # Errors
    /// [`ErrorKind::NoKeys`](crate::ErrorKind::NoKeys) before it was loaded.
    pub fn status(&self) -> Result<StoreStatus> {
        self.inner.status()
    }

    /// The keys of all scopes that are loaded on demand, page by page, as they stand in the store:
    /// begin with page 0. Where so many scopes are added meanwhile that the store has more pages,
    /// go on with the numbers that are given.
    ///
    /// ```
    /// # use encrypted_field::envelope::KeyManager;
    /// # fn run(keys: &KeyManager) -> encrypted_field::Result<()> {
    /// let mut page = Some(0);
    /// while let Some(number) = page {
    ///     let found = keys.keys_on_demand(number).wait()?;
    ///     for key in &found.keys {
    ///         println!("{} {} {:?}", key.id, key.scope, key.state);
    ///     }
    ///     page = found.next;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the store and the key services.
    pub fn keys_on_demand(&self, page: u64) -> Call<KeyPage> {
        self.call(move |inner, _| async move {
            // One call to a key service for all pages, where nothing is known yet.
            let ask = if page == 0 { Ask::Always } else { Ask::IfNeeded };
            let view = inner.loader.look_up(&[], false, ask).await?;
            let (pages, digits) = Loader::pages(&view.head);
            let page = page.min(pages - 1);
            let (view, scopes) = inner.loader.page(&page_digits(page, digits)).await?;
            let keys = scopes.iter().flat_map(|keys| statuses(keys)).collect();
            Ok(KeyPage { keys, next: Some(page_after(&view, page, digits)).filter(|next| *next < pages) })
        })
    }
}

impl Inner {
    fn status(&self) -> Result<StoreStatus> {
        let view = self.loader.known().ok_or_else(not_loaded)?;
        let head = self.loader.newest().ok_or_else(not_loaded)?.head;
        let in_process = view.process.iter().flat_map(|process| process.iter());
        let on_demand = view.scopes.values().flatten().map(|(_, keys)| keys);
        let scopes: Vec<_> = in_process.chain(on_demand).collect();
        let foreign = scopes.iter().flat_map(|keys| &keys.foreign);
        let of_later_release = foreign.filter_map(|foreign| KeyId::new(foreign.id)).collect();
        let mut keys: Vec<KeyStatus> = scopes.into_iter().flat_map(|keys| statuses(keys)).collect();
        keys.sort_by_key(|key| key.id);
        let mark = Mark { store: head.store, epoch: head.epoch, revision: head.revision };
        Ok(StoreStatus {
            store: head.store,
            revision: head.revision,
            epoch: head.epoch,
            anchor: mark.to_string(),
            next_id: head.next_id,
            signed: date(head.signed),
            signed_by: head.by.clone(),
            signed_why: head.why.clone(),
            heartbeat: Duration::from_secs(head.heartbeat),
            propagation: Duration::from_secs(head.propagation),
            is_frozen: self.health.is_frozen(),
            confirmed: self.health.confirmed(),
            maintenance_failure: self.health.maintenance_failure(),
            clock_difference: self.loader.reference().map(|reference| reference.difference()),
            keks: head.store_key.keys().cloned().collect(),
            scopes_on_demand: head.tree.as_ref().map_or(0, |tree| tree.scopes),
            of_later_release,
            keys,
        })
    }
}

fn statuses(keys: &ScopeKeys) -> impl Iterator<Item = KeyStatus> {
    keys.keys.iter().filter_map(|entry| status_of(keys, entry))
}

fn status_of(keys: &ScopeKeys, entry: &Entry) -> Option<KeyStatus> {
    Some(KeyStatus {
        id: KeyId::new(entry.id)?,
        scope: keys.scope.to_string(),
        purpose: entry.purpose,
        version: entry.version,
        state: entry.state,
        on_demand: keys.part == Part::Demand,
        created: date(entry.created),
        activate_after: entry.activate_after.map(date),
        activated: entry.activated.map(date),
        seal_until: entry.seal_until.map(date),
        retired: entry.retired.map(date),
        compromised: entry.compromised.map(date),
        disabled: entry.disabled.map(date),
        destroyed: entry.destroyed.map(date),
        changed: date(entry.changed.date),
        changed_by: entry.changed.by.clone(),
        changed_why: entry.changed.why.clone(),
        check_value: entry.check.0,
        keks: entry.wraps.keys().cloned().collect(),
    })
}
