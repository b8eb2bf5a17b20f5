//! Whether every key unwraps under every KEK, to the same key.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::backends::{Kek, some_at_a_time};
use super::load::Ask;
use super::{Call, Inner, KeyManager};
use crate::envelope::record::Entry;
use crate::error::{Error, Result};
use crate::key::KeyState;
use crate::key_id::KeyId;

/// What [`KeyManager::check_consistency`] found.
#[derive(Debug)]
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
    /// The data key.
    pub key_id: KeyId,
    /// The name of the KEK.
    pub kek: String,
    /// Why it does not unwrap; `None` where there is no wrap under this KEK.
    pub error: Option<Error>,
}

impl KeyManager {
    /// Unwraps every data key under every KEK, and compares the check values: whether each region could be the last one. One call
    /// to a key service for each key and KEK, 16 at a time.
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
            self.load_set(Ask::Always).await?
        };
        let mut calls: Vec<BoxFuture<'_, Option<WrapProblem>>> = Vec::new();
        for entry in set.entries.values().filter(|entry| entry.state != KeyState::Destroyed) {
            for kek in &self.keks {
                calls.push(Box::pin(self.check_wrap(entry, kek)));
            }
        }
        let found = some_at_a_time(calls).await;
        Ok(Consistency { checked: found.len(), problems: found.into_iter().flatten().collect() })
    }

    async fn check_wrap(&self, entry: &Entry, kek: &Kek) -> Option<WrapProblem> {
        let error = match entry.wraps.get(&*kek.name) {
            None => None,
            Some(wrapped) => {
                Some(self.unwrap_under(kek, &self.context_of(entry), &wrapped.0, &entry.check).await.err()?)
            }
        };
        Some(WrapProblem { key_id: KeyId::new(entry.id)?, kek: kek.name.to_string(), error })
    }
}
