//! Destroying a scope, and with it what was sealed under its keys.

use std::sync::Arc;

use super::backends::Kek;
use super::changes::confirmed;
use super::loading::{Ask, Loader};
use super::pages::{page_after, page_digits};
use super::{Call, Inner, KeyManager};
use crate::envelope::draft::{Draft, Note};
use crate::envelope::lifecycle;
use crate::envelope::record::Wraps;
use crate::error::{Error, ErrorKind, Result};

/// The fate of a scope that was destroyed, see [`KeyManager::destroy_scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DestroyedScope {
    /// Its key-encryption keys are destroyed, too. Copies of its wrapped keys, wherever they are,
    /// open no more. (This is not true of those under a KEK that was [left
    /// out](KeyManager::leave_out_kek) before, because that KEK is not known here.)
    WithKeks,
    /// The store is not part of the database's backups: those hold ciphertext without keys. Copies
    /// of the *store* (backups of it, older versions that the service has not removed yet) still
    /// hold its wrapped keys, which open while the KEK is there.
    OutsideOfDatabaseBackups,
    /// Backups of the database from before hold its wrapped keys, which open while the KEK is
    /// there. The data is gone when the last of them is.
    ExceptInBackups,
}

impl KeyManager {
    /// Destroys all keys of a scope, whatever their states. What was sealed under them can't be
    /// read any more (crypto-shredding). `confirmation` is `destroy scope <scope> of <key set>`.
    /// The result says what is true of copies. Other processes refuse its keys when they refresh.
    /// If it was stopped half-way, run it again.
    ///
    /// If a KEK has a key of its own for each scope, all of the store is read, so that no key is
    /// destroyed which another scope has, too.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]. [`ErrorKind::KeyLifecycle`] if the scope has no key, or is the
    /// default one. Those of the store and the key services.
    pub fn destroy_scope(&self, name: &str, confirmation: &str) -> Call<DestroyedScope> {
        let confirmed =
            confirmed(confirmation, &format!("destroy scope {name} of {}", self.name()));
        let name = name.to_owned();
        self.call(move |inner, note| async move {
            confirmed?;
            inner.destroy_scope(&name, &note).await
        })
    }
}

impl Inner {
    async fn destroy_scope(self: &Arc<Self>, name: &str, note: &Note) -> Result<DestroyedScope> {
        if name.is_empty() {
            let detail =
                "the default scope can't be destroyed; disable and destroy its keys one by one";
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
        }
        let backends = &self.loader.backends;
        let plan = |draft: &mut Draft<'_>| {
            let Some(keys) = draft.view.keys_of(name) else {
                let detail = format!("scope \"{name}\" has no key");
                return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
            };
            lifecycle::destroy_scope(draft, name)?;
            // Under KEKs that this process has not.
            let others = |wraps: &Wraps| wraps.keys().any(|kek| !backends.has_kek(kek));
            Ok(others(&draft.view.head.store_key)
                || keys.keys.iter().any(|entry| others(&entry.wraps)))
        };
        let scopes = [name];
        let changed = self.changes.change(&scopes, note, plan);
        let others_have_it = self.in_turn(changed).await?;
        self.scopes.destroyed(name);
        if backends.keks.iter().any(Kek::is_per_scope) {
            let others = self.other_scopes(name).await?;
            backends.destroy_keks_of(name, &others).await?;
        }
        backends.forget_history().await?;
        let all_destroyed = backends.keks.iter().all(Kek::is_per_scope) && !others_have_it;
        Ok(if all_destroyed {
            DestroyedScope::WithKeks
        } else if backends.store.is_in_database_backups() {
            DestroyedScope::ExceptInBackups
        } else {
            DestroyedScope::OutsideOfDatabaseBackups
        })
    }

    /// The names of all scopes but one and the default one.
    async fn other_scopes(&self, name: &str) -> Result<Vec<String>> {
        let view = self.loader.look_up(&[], true, Ask::IfNeeded).await?;
        let in_process = view.process.iter().flat_map(|process| process.iter());
        let mut others: Vec<String> = in_process.map(|keys| keys.scope.to_string()).collect();
        let (pages, digits) = Loader::pages(&view.head);
        let mut page = 0;
        while page < pages {
            let (view, scopes) = self.loader.page(&page_digits(page, digits)).await?;
            page = page_after(&view, page, digits);
            others.extend(scopes.iter().map(|keys| keys.scope.to_string()));
        }
        others.retain(|other| !other.is_empty() && other != name);
        Ok(others)
    }
}
