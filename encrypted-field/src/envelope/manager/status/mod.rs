//! The status of a manager and its store: how it fares, and which key is where.

mod health;
pub(super) mod json;
mod problems;

use std::time::{Duration, SystemTime};

pub use health::{Health, KekStatus, MissingWraps, Problem, RefusedStore, Status};

use super::clock::date;
use super::loading::{Ask, Loader};
use super::memory::Newest;
use super::pages::{page_after, page_digits};
use super::{Call, Inner, KeyManager};
use crate::envelope::StoreId;
use crate::envelope::backend::Mark;
use crate::envelope::record::{Entry, Part, ScopeKeys};
use crate::envelope::view::View;
use crate::key::{KeyState, Purpose};
use crate::key_id::KeyId;

/// The statements of a store about itself, authenticated.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct StoreStatus {
    /// The id of the store, made with it.
    #[serde(serialize_with = "json::text")]
    pub store: StoreId,
    /// Raised by each change. [`min_revision`](super::KeyManagerBuilder::min_revision) takes it.
    pub revision: u64,
    /// Raised when the key that authenticates the store changes.
    /// [`min_epoch`](super::KeyManagerBuilder::min_epoch) takes it.
    pub epoch: u64,
    /// Store, epoch and revision as the text of an [anchor](crate::envelope::Anchor::fixed).
    pub anchor: String,
    /// The id that the next key gets.
    pub next_id: u64,
    /// When it was last signed, by a change or by the heartbeat. By the clock of whoever did it.
    #[serde(serialize_with = "json::date")]
    pub signed: SystemTime,
    /// Who signed it, if that was [noted](KeyManager::noting) or is the
    /// [name](super::KeyManagerBuilder::changed_by) of a process.
    pub signed_by: Option<String>,
    /// Why, if it was noted.
    pub signed_why: Option<String>,
    /// How often it is signed at least. Zero for never.
    #[serde(serialize_with = "json::seconds")]
    pub heartbeat: Duration,
    /// How long it takes from publishing a key to its use.
    #[serde(serialize_with = "json::seconds")]
    pub propagation: Duration,
    /// The names of the KEKs that the store is wrapped under.
    pub keks: Vec<String>,
    /// How many scopes are loaded on demand, all in all.
    pub scopes_on_demand: u64,
    /// Keys of these scopes whose entries a later release has written: this one does not use them.
    #[serde(serialize_with = "json::ids")]
    pub of_later_release: Vec<KeyId>,
    /// The keys of the scopes that each process loads, and of those loaded on demand that are in
    /// use here, by id.
    pub keys: Vec<KeyStatus>,
}

/// The statements of a store about one key, authenticated.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KeyStatus {
    /// Its id.
    #[serde(serialize_with = "json::id")]
    pub id: KeyId,
    /// Its scope, `""` by default.
    pub scope: String,
    /// What it is for.
    #[serde(serialize_with = "json::purpose")]
    pub purpose: Purpose,
    /// Which key of its scope and purpose it is, from 1. It is one more than the rotations before
    /// it.
    pub version: u32,
    /// Where it stands in its life.
    #[serde(serialize_with = "json::state")]
    pub state: KeyState,
    /// Whether it is loaded when its scope is entered.
    pub on_demand: bool,
    /// When it was made.
    #[serde(serialize_with = "json::date")]
    pub created: SystemTime,
    /// From when it may become active, if it is pending.
    #[serde(serialize_with = "json::maybe_date")]
    pub activate_after: Option<SystemTime>,
    /// When it became active.
    #[serde(serialize_with = "json::maybe_date")]
    pub activated: Option<SystemTime>,
    /// Until when it seals.
    #[serde(serialize_with = "json::maybe_date")]
    pub seal_until: Option<SystemTime>,
    /// When the next one became active.
    #[serde(serialize_with = "json::maybe_date")]
    pub retired: Option<SystemTime>,
    /// When it was marked compromised.
    #[serde(serialize_with = "json::maybe_date")]
    pub compromised: Option<SystemTime>,
    /// When it was disabled.
    #[serde(serialize_with = "json::maybe_date")]
    pub disabled: Option<SystemTime>,
    /// When it was destroyed.
    #[serde(serialize_with = "json::maybe_date")]
    pub destroyed: Option<SystemTime>,
    /// When its entry was last changed.
    #[serde(serialize_with = "json::date")]
    pub changed: SystemTime,
    /// Who made that change, if it was [noted](KeyManager::noting).
    pub changed_by: Option<String>,
    /// Why, if it was noted.
    pub changed_why: Option<String>,
    /// Its check value, by which it is known without being revealed.
    #[serde(serialize_with = "json::hexadecimal")]
    pub check_value: [u8; 32],
    /// The names of the KEKs that it is wrapped under.
    pub keks: Vec<String>,
}

/// A part of the keys that are loaded on demand, see [`KeyManager::keys_on_demand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KeyPage {
    /// The keys of the scopes on this page: of 16 to 256 scopes or so, or fewer in a small store.
    pub keys: Vec<KeyStatus>,
    /// The number of the next page, if there is one.
    pub next: Option<u64>,
}

impl KeyManager {
    /// How this manager fares, for a health check and for whoever looks into a problem. It also has
    /// the store as it was loaded last. It asks nobody, and never fails. Before the keys were
    /// loaded, and if they can't be, it says so. It is serializable, with dates as RFC 3339 has
    /// them.
    ///
    /// ```
    /// # use encrypted_field::envelope::KeyManager;
    /// # fn check(keys: &KeyManager) -> bool {
    /// let status = keys.status();
    /// for problem in &status.problems {
    ///     eprintln!("{problem}");
    /// }
    /// status.can_open // whether to send requests here; `can_seal` for those that write
    /// # }
    /// ```
    pub fn status(&self) -> Status {
        self.inner.status()
    }

    /// The keys of all scopes that are loaded on demand, page by page, as they stand in the store.
    /// Begin with page 0. If so many scopes are added meanwhile that the store has more pages, go
    /// on with the numbers that are given.
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
            // One call to a key service for all pages, if nothing is known yet.
            let ask = if page == 0 { Ask::Always } else { Ask::IfNeeded };
            let view = inner.loader.look_up(&[], false, ask).await?;
            let (pages, digits) = Loader::pages(&view.head);
            let page = page.min(pages - 1);
            let (view, scopes) = inner.loader.page(&page_digits(page, digits)).await?;
            let keys = scopes.iter().flat_map(|keys| statuses(keys)).collect();
            Ok(KeyPage {
                keys,
                next: Some(page_after(&view, page, digits)).filter(|next| *next < pages),
            })
        })
    }
}

impl Inner {
    /// The store as it is known here.
    fn store_status(view: &View, newest: &Newest) -> StoreStatus {
        let head = &newest.head;
        let scopes: Vec<_> = view.all_keys().collect();
        let foreign = scopes.iter().flat_map(|keys| &keys.foreign);
        let of_later_release = foreign.filter_map(|foreign| KeyId::new(foreign.id)).collect();
        let mut keys: Vec<KeyStatus> = scopes.into_iter().flat_map(|keys| statuses(keys)).collect();
        keys.sort_by_key(|key| key.id);
        let mark = Mark { store: head.store, epoch: head.epoch, revision: head.revision };
        StoreStatus {
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
            keks: head.store_key.keys().cloned().collect(),
            scopes_on_demand: head.tree.as_ref().map_or(0, |tree| tree.scopes),
            of_later_release,
            keys,
        }
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
