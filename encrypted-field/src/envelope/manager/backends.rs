//! Calls to the store and the key-encryption keys: bounded in time, and with their failures told apart.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use zeroize::Zeroizing;

use super::Inner;
use crate::envelope::kek::{AnyKek, KeyEncryptionKey, WrapContext};
use crate::envelope::record::{Digest, Wrapped, Wraps};
use crate::envelope::store::{AnyStore, KeyStore, Record};
use crate::envelope::{BackendError, BackendErrorKind};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::derive;
use crate::secret::SecretBytes;

/// Calls to key services that run at once.
const PARALLEL: usize = 16;
/// For how long a KEK that did not answer is asked after the others.
const DOWN_FOR: Duration = Duration::from_secs(30);
/// Most bytes of a wrapped key.
const MAX_WRAPPED: usize = 16 << 10;

/// The store, with its type erased.
pub(super) struct Store(Box<dyn AnyStore>);

impl Store {
    pub(super) fn new(store: impl KeyStore) -> Self {
        Self(Box::new(store))
    }

    pub(super) fn who(&self) -> String {
        format!("key store ({})", self.0.describe())
    }

    pub(super) fn is_in_database_backups(&self) -> bool {
        self.0.is_in_database_backups()
    }
}

/// A key-encryption key under the name that the store knows it by.
pub(super) struct Kek {
    pub(super) name: Box<str>,
    service: Box<dyn AnyKek>,
    /// Until when it is asked after the others, in milliseconds of the manager's clock.
    down_until: AtomicU64,
}

impl Kek {
    pub(super) fn new(name: String, kek: impl KeyEncryptionKey) -> Self {
        Self { name: name.into(), service: Box::new(kek), down_until: AtomicU64::new(0) }
    }

    fn who(&self) -> String {
        format!("KEK \"{}\" ({})", self.name, self.service.describe())
    }

    pub(super) fn is_per_scope(&self) -> bool {
        self.service.is_per_scope()
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who())
    }
}

impl Inner {
    pub(super) async fn load_records(&self, after: u64) -> Result<Vec<Record>> {
        let loaded = self.bounded(self.store.0.load(after)).await;
        loaded.map_err(|e| e.of_store(&self.store.who()))
    }

    pub(super) async fn swap_records(&self, expected: u64, changed: &[Record]) -> Result<bool> {
        let swapped = self.bounded(self.store.0.compare_and_swap(expected, changed)).await;
        swapped.map_err(|e| e.of_store(&self.store.who()))
    }

    pub(super) async fn forget_history(&self) -> Result<()> {
        let forgotten = self.bounded(self.store.0.forget_history()).await;
        forgotten.map_err(|e| e.of_store(&self.store.who()))
    }

    /// Wraps a key under one KEK, and tries whether it unwraps again.
    pub(super) async fn wrap(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wrapped> {
        let wrapped =
            self.bounded(kek.service.wrap(context, key.expose())).await.map_err(|e| e.of_kek(&kek.who()))?;
        if wrapped.len() > MAX_WRAPPED {
            let detail = "it made a wrapped key of more than 16 KiB";
            return Err(Error::new(ErrorKind::KeyServiceUnavailable).detail(detail).within(&kek.who()));
        }
        self.unwrap_under(kek, context, &wrapped, &Digest(derive::check_value(key))).await?;
        Ok(Wrapped(wrapped))
    }

    /// Wraps a key under each KEK, at once.
    ///
    /// # Errors
    /// That of the first KEK that does not do it: nothing is to be stored then.
    pub(super) async fn wrap_under_all(&self, context: &WrapContext<'_>, key: &SecretBytes) -> Result<Wraps> {
        let wraps = self.wrap_under_each(context, key).await;
        wraps.into_iter().map(|(kek, wrapped)| Ok((kek.name.to_string(), wrapped?))).collect()
    }

    /// Wraps a key under each KEK, at once, and gives what each made of it.
    pub(super) async fn wrap_under_each(
        &self,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Vec<(&Kek, Result<Wrapped>)> {
        let mut calls: Vec<BoxFuture<'_, _>> = Vec::with_capacity(self.keks.len());
        for kek in &self.keks {
            calls.push(Box::pin(async move { (kek, self.wrap(kek, context, key).await) }));
        }
        some_at_a_time(calls).await
    }

    /// Unwraps under one KEK, and compares the check value.
    pub(super) async fn unwrap_under(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        wrapped: &[u8],
        check: &Digest,
    ) -> Result<SecretBytes> {
        let unwrapped = self.unwrap_unchecked(kek, context, wrapped).await?;
        if !Digest(derive::check_value(&unwrapped)).equals(check) {
            let detail = "it unwraps to another key than the one with this check value";
            return Err(Error::new(ErrorKind::WrappedKeyRejected).detail(detail).within(&kek.who()));
        }
        Ok(unwrapped)
    }

    async fn unwrap_unchecked(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<SecretBytes> {
        let unwrapped: Result<Zeroizing<[u8; 32]>, _> =
            self.bounded(kek.service.unwrap(context, wrapped)).await;
        let unwrapped = unwrapped.map_err(|e| e.of_kek(&kek.who()))?;
        Ok(SecretBytes::new(*unwrapped))
    }

    /// Unwraps under the first KEK that does it, in order of preference; those that did not answer of late come last. `check` is
    /// `None` for the store key, which is checked by what it authenticates.
    pub(super) async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wraps: &Wraps,
        check: Option<&Digest>,
    ) -> Result<SecretBytes> {
        let now = self.clock.monotonic();
        let is_down = |kek: &&Kek| u128::from(kek.down_until.load(Ordering::Relaxed)) > now.as_millis();
        let ours = || self.keks.iter().filter(|kek| wraps.contains_key(&*kek.name));
        let mut failures: Vec<Error> = Vec::new();
        for kek in ours().filter(|kek| !is_down(kek)).chain(ours().filter(is_down)) {
            let wrapped = &wraps[&*kek.name].0;
            let unwrapped = match check {
                Some(check) => self.unwrap_under(kek, context, wrapped, check).await,
                None => self.unwrap_unchecked(kek, context, wrapped).await,
            };
            match unwrapped {
                Ok(key) => {
                    kek.down_until.store(0, Ordering::Relaxed);
                    return Ok(key);
                }
                Err(error) => {
                    event::emit(&Event::KekFailed {
                        kek: &kek.name,
                        key_id: context.key_id,
                        kind: error.kind(),
                    });
                    if error.kind() != ErrorKind::WrappedKeyRejected {
                        let until = self.clock.monotonic() + DOWN_FOR;
                        kek.down_until
                            .store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
                    }
                    failures.push(error);
                }
            }
        }
        if failures.is_empty() {
            let known = wraps.keys().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "it is wrapped under {known} and under no KEK of this process; start one that has one of those and this one, and \
                 `rewrap` there"
            );
            return Err(Error::new(ErrorKind::KekUnusable).detail(detail));
        }
        Err(worst(failures))
    }

    /// Destroys the KEKs of a scope, where there are any.
    pub(super) async fn destroy_keks_of(&self, scope: &str) -> Result<()> {
        for kek in self.keks.iter().filter(|kek| kek.is_per_scope()) {
            self.bounded(kek.service.destroy_scope(scope)).await.map_err(|e| e.of_kek(&kek.who()))?;
        }
        Ok(())
    }

    async fn bounded<T>(
        &self,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        let time = self.cache.call_timeout;
        self.runtime.timeout(time, call).await.unwrap_or_else(|| {
            let detail = format!("it did not answer within {} ms", time.as_millis());
            Err(BackendError::new(BackendErrorKind::Unavailable, detail))
        })
    }
}

/// Waits for all calls, of which [`PARALLEL`] run at once. Boxed, so that their type has a name.
pub(super) async fn some_at_a_time<T>(calls: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(calls).buffered(PARALLEL).collect().await
}

/// One error for several: one that may go away by itself, where there is one, with what the others say.
fn worst(mut failures: Vec<Error>) -> Error {
    let at = failures.iter().position(Error::is_retryable).unwrap_or(0);
    let error = failures.swap_remove(at);
    if failures.is_empty() {
        return error;
    }
    let others = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    error.and(&format!("others failed, too: {others}"))
}
