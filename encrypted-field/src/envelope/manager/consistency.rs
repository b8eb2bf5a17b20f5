//! Whether every key unwraps under every KEK, to the same key.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::backends::{Kek, some_at_a_time};
use super::load::store_key_purpose;
use super::{Call, Inner, KeyManager};
use crate::envelope::record::{Entry, Head, StoreMac};
use crate::error::{Error, ErrorKind, Result};
use crate::key::KeyState;
use crate::key_id::KeyId;

/// Keys that are checked before the next ones are looked at.
const AT_ONCE: usize = 1024;

/// What [`KeyManager::check_consistency`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Consistency {
    /// Wraps that were unwrapped, and compared with the key's check value.
    pub checked: usize,
    /// Those that are missing or did not unwrap to the key.
    pub problems: Vec<WrapProblem>,
}

/// A wrap that is not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub struct WrapProblem {
    /// The data key; `None` for the key that authenticates the store.
    pub key_id: Option<KeyId>,
    /// The name of the KEK.
    pub kek: String,
    /// Why it does not unwrap; `None` where there is no wrap under this KEK.
    pub error: Option<Error>,
}

impl KeyManager {
    /// Reads all of the store anew, unwraps every data key and the key that authenticates the store under every KEK, and compares
    /// the check values: whether each region could be the last one. One call to a key service for each key and KEK, 16 at a time.
    /// [`repair`](Self::repair) mends what it finds.
    ///
    /// # Errors
    /// Those of the store; what the KEKs answer is in the result.
    pub fn check_consistency(&self) -> Call<Consistency> {
        self.call(|inner| async move { inner.check_consistency().await })
    }
}

impl Inner {
    async fn check_consistency(self: &Arc<Self>) -> Result<Consistency> {
        let set = {
            let _turn = self.turn().await;
            self.load_all().await?
        };
        let mut found = Consistency { checked: self.keks.len(), problems: Vec::new() };
        for kek in &self.keks {
            found.problems.extend(self.check_store_key(&set.head, kek).await);
        }
        let entries: Vec<&Arc<Entry>> =
            set.entries.values().filter(|entry| entry.state != KeyState::Destroyed).collect();
        for entries in entries.chunks(AT_ONCE) {
            let mut calls: Vec<BoxFuture<'_, Option<WrapProblem>>> = Vec::new();
            for entry in entries {
                for kek in &self.keks {
                    calls.push(Box::pin(self.check_wrap(entry, kek)));
                }
            }
            found.checked += calls.len();
            found.problems.extend(some_at_a_time(calls).await.into_iter().flatten());
        }
        Ok(found)
    }

    pub(super) async fn check_wrap(&self, entry: &Entry, kek: &Kek) -> Option<WrapProblem> {
        let error = match entry.wraps.get(&*kek.name) {
            None => None,
            Some(wrapped) => {
                Some(self.unwrap_under(kek, &self.context_of(entry), &wrapped.0, &entry.check).await.err()?)
            }
        };
        Some(WrapProblem { key_id: KeyId::new(entry.id), kek: kek.name.to_string(), error })
    }

    /// The store key has no check value: what it authenticates shows whether it is the one.
    pub(super) async fn check_store_key(&self, head: &Head, kek: &Kek) -> Option<WrapProblem> {
        let problem = |error| Some(WrapProblem { key_id: None, kek: kek.name.to_string(), error });
        let Some(wrapped) = head.store_key.get(&*kek.name) else { return problem(None) };
        let purpose = store_key_purpose(head.epoch);
        match self.unwrap_unchecked(kek, &self.store_key_context(&purpose), &wrapped.0).await {
            Ok(key) if head.is_authentic(&StoreMac::new(&key, &self.key_set)) => None,
            Ok(_) => {
                let detail = "it unwraps to another key than the one that authenticates the store";
                problem(Some(Error::new(ErrorKind::WrappedKeyRejected).detail(detail).within(&kek.who())))
            }
            Err(error) => problem(Some(error)),
        }
    }
}
