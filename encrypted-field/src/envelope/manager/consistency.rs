//! Whether every key unwraps under every KEK, to the same key.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::backends::{Kek, is_key_of, some_at_a_time};
use super::loading::Loader;
use super::pages::{page_after, page_digits};
use super::ring::key_id;
use super::{Call, Inner, KeyManager};
use crate::envelope::WrapContext;
use crate::envelope::record::{
    Entry, Foreign, Head, ScopeKeys, StoreMac, refuse_shared_id, upgrade,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyState;
use crate::key_id::KeyId;

/// The result of [`KeyManager::check_consistency`].
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Consistency {
    /// Wraps that were unwrapped, and compared with the key's check value.
    pub checked: usize,
    /// Those that are missing or did not unwrap to the key.
    pub problems: Vec<WrapProblem>,
    /// Keys whose entries a later release has written: this one can't check them.
    pub of_later_release: Vec<KeyId>,
}

/// A wrap that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct WrapProblem {
    /// The data key. `None` for the key that authenticates the store.
    pub key_id: Option<KeyId>,
    /// The name of the KEK. `None` if the key unwraps under no KEK of this process.
    pub kek: Option<String>,
    /// Why it does not unwrap. `None` if there is no wrap under this KEK.
    pub error: Option<Error>,
}

impl KeyManager {
    /// Reads all of the store, unwraps every data key and the key that authenticates the store
    /// under every KEK, and compares the check values. So it tells whether each region could be the
    /// last one. It makes one call to a key service for each key and KEK, 16 at a time.
    /// [`repair`](Self::repair) mends what it finds.
    ///
    /// # Errors
    /// Those of the store. The answers of the KEKs are in the result.
    pub fn check_consistency(&self) -> Call<Consistency> {
        self.call(|inner, _| async move {
            let found = inner.check_consistency().await;
            inner.try_faults_again().await;
            found
        })
    }
}

/// Says that this release can't tell how a key is wrapped.
pub(super) fn foreign_problem(foreign: &Foreign) -> WrapProblem {
    let error = upgrade(format!("the entry of key {}", foreign.id));
    WrapProblem { key_id: KeyId::new(foreign.id), kek: None, error: Some(error) }
}

impl Inner {
    async fn check_consistency(&self) -> Result<Consistency> {
        let view = self.loader.fresh_process().await?;
        let keks = &self.loader.backends.keks;
        let mut found = Consistency { checked: keks.len(), ..Consistency::default() };
        for kek in keks {
            found.problems.extend(self.check_store_key(&view.head, kek).await);
        }
        let scopes: Vec<_> =
            view.process.iter().flat_map(|process| process.iter()).cloned().collect();
        let mut ids = HashSet::new();
        self.check_ids(&scopes, &mut ids)?;
        self.check_scopes(&scopes, &mut found).await;
        let (pages, digits) = Loader::pages(&view.head);
        let mut page = 0;
        while page < pages {
            let (view, scopes) = self.loader.fresh_page(&page_digits(page, digits)).await?;
            page = page_after(&view, page, digits);
            self.check_ids(&scopes, &mut ids)?;
            self.check_scopes(&scopes, &mut found).await;
        }
        Ok(found)
    }

    /// Only a look at all of the store can tell that no id is there twice.
    fn check_ids(&self, scopes: &[Arc<ScopeKeys>], ids: &mut HashSet<u32>) -> Result<()> {
        let mut all = scopes.iter().map(|keys| refuse_shared_id(keys, ids));
        all.find(Result::is_err).unwrap_or(Ok(())).map_err(|e| self.loader.backends.of_store(e))
    }

    async fn check_scopes(&self, scopes: &[Arc<ScopeKeys>], found: &mut Consistency) {
        let mut calls: Vec<BoxFuture<'_, Option<WrapProblem>>> = Vec::new();
        for keys in scopes {
            found
                .of_later_release
                .extend(keys.foreign.iter().filter_map(|foreign| KeyId::new(foreign.id)));
            for entry in keys.keys.iter().filter(|entry| entry.state != KeyState::Destroyed) {
                for kek in &self.loader.backends.keks {
                    calls.push(Box::pin(self.check_wrap(&keys.scope, entry, kek)));
                }
            }
        }
        found.checked += calls.len();
        found.problems.extend(some_at_a_time(calls).await.into_iter().flatten());
    }

    async fn check_wrap(&self, scope: &str, entry: &Entry, kek: &Kek) -> Option<WrapProblem> {
        let error = match entry.wraps.get(&*kek.name) {
            None => None,
            Some(wrapped) => {
                let error = self.try_wrap(scope, entry, kek, &wrapped.0).await.err()?;
                Some(self.why_it_alone(kek, error))
            }
        };
        Some(WrapProblem { key_id: KeyId::new(entry.id), kek: Some(kek.name.to_string()), error })
    }

    /// Checks that this wrap unwraps to the key.
    pub(super) async fn try_wrap(
        &self,
        scope: &str,
        entry: &Entry,
        kek: &Kek,
        wrapped: &[u8],
    ) -> Result<()> {
        let backends = &self.loader.backends;
        let context = WrapContext::data(&backends.key_set, key_id(entry.id)?, scope, entry.purpose);
        let key = backends.unwrap_under(kek, &context, wrapped).await?;
        is_key_of(&entry.check)(&key).map_err(|e| e.within(&kek.full_name()))
    }

    /// The store key has no check value. It is the right one if it authenticates the head.
    pub(super) async fn check_store_key(&self, head: &Head, kek: &Kek) -> Option<WrapProblem> {
        let problem =
            |error| Some(WrapProblem { key_id: None, kek: Some(kek.name.to_string()), error });
        let Some(wrapped) = head.store_key.get(&*kek.name) else { return problem(None) };
        let backends = &self.loader.backends;
        let context = WrapContext::store(&backends.key_set, head.store, head.epoch);
        match backends.unwrap_under(kek, &context, &wrapped.0).await {
            Ok(key) if head.check(&StoreMac::new(&key, &backends.key_set)).unwrap_or(false) => None,
            Ok(_) => {
                let detail = "it unwraps to another key than the one that authenticates the store";
                problem(Some(
                    Error::new(ErrorKind::WrappedKeyRejected)
                        .detail(detail)
                        .within(&kek.full_name()),
                ))
            }
            Err(error) => problem(Some(self.why_it_alone(kek, error))),
        }
    }

    /// The reason why a KEK rejects a wrap, if the store has authenticated under another one.
    fn why_it_alone(&self, kek: &Kek, error: Error) -> Error {
        if error.kind() != ErrorKind::WrappedKeyRejected {
            return error;
        }
        error.and(&format!(
            "the name of the key set is right, for the store authenticates as one of \"{}\": so this process has another KEK by the \
             name \"{}\" than the one that made this wrap, or the wrap was changed",
            self.loader.backends.key_set, kek.name
        ))
    }
}
