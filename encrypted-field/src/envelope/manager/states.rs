//! Changes to a single key: disable it, enable it, mark it compromised, destroy it.

use std::sync::Arc;

use super::changes::confirmed;
use super::loading::{Ask, Loader};
use super::pages::{page_after, page_digits};
use super::{Call, Inner, KeyManager};
use crate::envelope::draft::{Draft, Note, refused};
use crate::envelope::lifecycle;
use crate::envelope::record::ScopeKeys;
use crate::error::Result;
use crate::key::KeyState;
use crate::key_id::KeyId;

impl KeyManager {
    /// Refuses all use of a retired or compromised key, reversibly: to see whether anybody misses
    /// it before it is destroyed.
    ///
    /// This and the methods like it look for a key of a scope that is loaded on demand, and not in
    /// use here, in the whole store.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if its state does not allow it.
    pub fn disable(&self, id: KeyId) -> Call<()> {
        self.change_key(id, lifecycle::disable)
    }

    /// Takes [`disable`](Self::disable) back.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if it is not disabled.
    pub fn enable(&self, id: KeyId) -> Call<()> {
        self.change_key(id, lifecycle::enable)
    }

    /// Marks a key as known to somebody else. Its values open and are stale, and each read is an
    /// [event](crate::event::Event::CompromisedRead). With
    /// [`refuse_compromised`](super::KeyManagerBuilder::refuse_compromised) they don't open at all.
    /// If the key is active, first [`publish`](Self::publish) the next one and
    /// [`activate_at_once`](Self::activate_at_once). It can't be taken back.
    ///
    /// # Errors
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if its state does not allow it.
    pub fn mark_compromised(&self, id: KeyId) -> Call<()> {
        self.change_key(id, lifecycle::compromise)
    }

    /// Destroys a key: its wrapped bytes leave the store for good, its id stays taken.
    /// `confirmation` is `destroy key <id> of <key set>`. The key must be pending, or disabled for
    /// as long as each process takes to notice. One of these shows that:
    ///
    /// - This process has seen it disabled for the propagation time, by a clock that nobody sets.
    /// - By its date it was disabled for the propagation time and 5 minutes more, and the store or
    ///   a key service has a clock that confirms the one here.
    ///
    /// Values under it can't be read any more, except by somebody who has both an older copy of the
    /// store (a backup) and the KEK. See [`destroy_scope`](Self::destroy_scope).
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`](crate::ErrorKind::NotConfirmed).
    /// [`ErrorKind::KeyLifecycle`](crate::ErrorKind::KeyLifecycle) if its state does not allow it.
    pub fn destroy(&self, id: KeyId, confirmation: &str) -> Call<()> {
        let confirmed = confirmed(confirmation, &format!("destroy key {id} of {}", self.name()));
        self.call(move |inner, note| async move {
            confirmed?;
            let destroyed = async {
                let scope = inner.scope_of(id).await?;
                let changes = &inner.changes;
                let plan = |draft: &mut Draft<'_>| {
                    let entry = draft.get(&scope, id.get())?;
                    if entry.state == KeyState::Disabled {
                        changes.check_known_everywhere(&draft.head, entry)?;
                    }
                    lifecycle::destroy(draft, &scope, id.get())
                };
                changes.change(&[&scope], &note, plan).await
            };
            inner.in_turn(destroyed).await?;
            inner.loader.backends.forget_history().await
        })
    }

    fn change_key(
        &self,
        id: KeyId,
        change: fn(&mut Draft<'_>, &str, u32) -> Result<()>,
    ) -> Call<()> {
        self.call(move |inner, note| async move {
            inner.in_turn(inner.change_key(id, &note, change)).await
        })
    }
}

impl Inner {
    async fn change_key(
        &self,
        id: KeyId,
        note: &Note,
        change: fn(&mut Draft<'_>, &str, u32) -> Result<()>,
    ) -> Result<()> {
        let scope = self.scope_of(id).await?;
        self.changes.change(&[&scope], note, |draft| change(draft, &scope, id.get())).await
    }

    /// The scope of a key. It is looked for among the scopes that are known here, then among those
    /// that each process loads, then among all.
    pub(super) async fn scope_of(&self, id: KeyId) -> Result<Box<str>> {
        let has = |keys: &&Arc<ScopeKeys>| keys.has(id.get());
        if let Some(known) = self.loader.known()
            && let Some(keys) = known.all_keys().find(has)
        {
            return Ok(keys.scope.clone());
        }
        let view = self.loader.look_up(&[], true, Ask::Always).await?;
        if let Some(keys) = view.process.iter().flat_map(|process| process.iter()).find(has) {
            return Ok(keys.scope.clone());
        }
        let (pages, digits) = Loader::pages(&view.head);
        let mut page = 0;
        while page < pages {
            let (view, scopes) = self.loader.page(&page_digits(page, digits)).await?;
            page = page_after(&view, page, digits);
            if let Some(keys) = scopes.iter().find(has) {
                return Ok(keys.scope.clone());
            }
        }
        Err(refused("it is not in the store", id.get()))
    }
}
