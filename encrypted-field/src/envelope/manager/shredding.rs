//! Destroying a scope, and with it what was sealed under its keys.

use std::sync::Arc;
use std::time::SystemTime;

use super::backends::Kek;
use super::changes::confirmed;
use super::{Call, Inner, KeyManager};
use crate::envelope::lifecycle;
use crate::envelope::record::Wraps;
use crate::error::{Error, ErrorKind, Result};

/// What became of a scope that was destroyed, see [`KeyManager::destroy_scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shredded {
    /// Its key-encryption keys are destroyed, too: copies of its wrapped keys, wherever they are, open no more. (Not those under a
    /// KEK that was [left out](KeyManager::leave_out_kek) before: that one is not known here.)
    WithKeks,
    /// The store is not part of the database's backups: those hold ciphertext without keys. Copies of the *store* (backups of it,
    /// older versions that the service has not removed yet) still hold its wrapped keys, which open while the KEK is there.
    OutsideOfDatabaseBackups,
    /// Backups of the database from before hold its wrapped keys, which open while the KEK is there: the data is gone when
    /// the last of them is.
    ExceptInBackups,
}

impl KeyManager {
    /// Destroys all keys of a scope, whatever their states: what was sealed under them can't be read any more
    /// (crypto-shredding). `confirmation` is `destroy scope <scope> of <key set>`. The result says what is true of copies.
    /// Other processes refuse its keys when they refresh. Stopped half-way, it is run again.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfirmed`]. [`ErrorKind::KeyLifecycle`] where the scope has no key, or is the default one. Those of the
    /// store and the key services.
    pub fn destroy_scope(&self, name: &str, confirmation: &str, now: SystemTime) -> Call<Shredded> {
        let confirmed = confirmed(confirmation, &format!("destroy scope {name} of {}", self.0.key_set));
        let name = name.to_owned();
        self.call(move |inner| async move {
            confirmed?;
            inner.destroy_scope(&name, now).await
        })
    }
}

impl Inner {
    async fn destroy_scope(self: &Arc<Self>, name: &str, now: SystemTime) -> Result<Shredded> {
        if name.is_empty() {
            let detail = "the default scope can't be destroyed; disable and destroy its keys one by one";
            return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
        }
        let others_have_it = self
            .change(now, |draft| {
                let entries = draft.set.of_scope(name);
                if entries.is_empty() {
                    let detail = format!("scope \"{name}\" has no key");
                    return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
                }
                lifecycle::destroy_scope(draft, entries.iter().map(|entry| entry.id))?;
                // Under KEKs that this process has not.
                let others = |wraps: &Wraps| wraps.keys().any(|kek| !self.has_kek(kek));
                Ok(others(&draft.set.head.store_key) || entries.iter().any(|entry| others(&entry.wraps)))
            })
            .await?;
        self.scopes.destroyed(name);
        self.destroy_keks_of(name).await?;
        self.forget_history().await?;
        let all_destroyed = self.keks.iter().all(Kek::is_per_scope) && !others_have_it;
        Ok(if all_destroyed {
            Shredded::WithKeks
        } else if self.store.is_in_database_backups() {
            Shredded::ExceptInBackups
        } else {
            Shredded::OutsideOfDatabaseBackups
        })
    }
}
