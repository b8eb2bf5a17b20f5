//! Calls to the store and the key-encryption keys: bounded in time, and with their failures told apart.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

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
/// A change of more records than this takes as long as reading all.
const MANY: usize = 1000;

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

    pub(super) fn who(&self) -> String {
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
        let time = if after == 0 { self.cache.bulk_timeout } else { self.cache.call_timeout };
        let loaded = self.bounded(time, self.store.0.load(after)).await;
        loaded.map_err(|e| e.of_store(&self.store.who()))
    }

    pub(super) async fn swap_records(&self, expected: u64, changed: &[Record]) -> Result<bool> {
        let is_bulk = changed.len() > MANY;
        let time = if is_bulk { self.cache.bulk_timeout } else { self.cache.call_timeout };
        let swapped = self.bounded(time, self.store.0.compare_and_swap(expected, changed)).await;
        swapped.map_err(|e| e.of_store(&self.store.who()))
    }

    pub(super) async fn forget_history(&self) -> Result<()> {
        let forgotten = self.bounded(self.cache.call_timeout, self.store.0.forget_history()).await;
        forgotten.map_err(|e| e.of_store(&self.store.who()))
    }

    /// Wraps a key under one KEK, and tries whether it unwraps again.
    pub(super) async fn wrap(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wrapped> {
        let tried = async {
            let call = kek.service.wrap(context, key.expose());
            let wrapped =
                self.bounded(self.cache.call_timeout, call).await.map_err(|e| e.of_kek(&kek.who()))?;
            if wrapped.len() > MAX_WRAPPED {
                let detail = "it made a wrapped key of more than 16 KiB";
                return Err(Error::new(ErrorKind::KeyServiceUnavailable).detail(detail).within(&kek.who()));
            }
            self.unwrap_under(kek, context, &wrapped, &Digest(derive::check_value(key))).await?;
            Ok(Wrapped(wrapped))
        };
        let tried = tried.await;
        if let Err(error) = &tried {
            event::emit(&Event::KekFailed { kek: &kek.name, key_id: context.key_id, kind: error.kind() });
        }
        tried
    }

    /// Wraps a key under each of these KEKs, at once, and gives what each made of it.
    pub(super) async fn wrap_under_each<'a>(
        &'a self,
        keks: Vec<&'a Kek>,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Vec<(&'a Kek, Result<Wrapped>)> {
        let mut calls: Vec<BoxFuture<'_, _>> = Vec::with_capacity(keks.len());
        for kek in keks {
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

    /// For the store key, which is checked by what it authenticates.
    pub(super) async fn unwrap_unchecked(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<SecretBytes> {
        let unwrapped = self.bounded(self.cache.call_timeout, kek.service.unwrap(context, wrapped)).await;
        let unwrapped = unwrapped.map_err(|e| e.of_kek(&kek.who()))?;
        let mut key = SecretBytes::zeroed();
        if unwrapped.len() != key.expose().len() {
            let detail = format!("it unwraps to {} bytes and not to a key", unwrapped.len());
            return Err(Error::new(ErrorKind::WrappedKeyRejected).detail(detail).within(&kek.who()));
        }
        key.expose_mut().copy_from_slice(&unwrapped);
        Ok(key)
    }

    /// Unwraps under the first KEK that does it, in order of preference; those that did not answer of late come last. `check` is
    /// `None` for the store key.
    pub(super) async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wraps: &Wraps,
        check: Option<&Digest>,
    ) -> Result<SecretBytes> {
        let now = self.clock.monotonic();
        let is_down = |kek: &&Kek| u128::from(kek.down_until.load(Ordering::Relaxed)) > now.as_millis();
        // The order is settled first: one that fails meanwhile is not asked again.
        let ours = self.keks.iter().filter(|kek| wraps.contains_key(&*kek.name));
        let (down, up): (Vec<&Kek>, Vec<&Kek>) = ours.partition(is_down);
        let mut failures: Vec<Error> = Vec::new();
        for kek in up.into_iter().chain(down) {
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
                        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                        kek.down_until.store(until, Ordering::Relaxed);
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
            let call = kek.service.destroy_scope(scope);
            self.bounded(self.cache.call_timeout, call).await.map_err(|e| e.of_kek(&kek.who()))?;
        }
        Ok(())
    }

    async fn bounded<T>(
        &self,
        time: Duration,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
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

/// As [`some_at_a_time`], until one answers with an error that may go away by itself: the others would get the same. What is left
/// out is missing in the result.
pub(super) async fn until_out_of_reach<K, T>(
    calls: Vec<BoxFuture<'_, (K, Result<T>)>>,
) -> Vec<(K, Result<T>)> {
    let mut answers = Vec::with_capacity(calls.len());
    let mut running = stream::iter(calls).buffer_unordered(PARALLEL);
    while let Some(answer) = running.next().await {
        let is_out_of_reach = matches!(&answer.1, Err(error) if !is_about_one_key(error));
        answers.push(answer);
        if is_out_of_reach {
            break;
        }
    }
    answers
}

/// Whether the key can't be unwrapped, and not merely not now or not by this process.
pub(super) fn is_about_one_key(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WrappedKeyRejected | ErrorKind::InvalidKeys)
}

/// One error for several: one that is not about this key alone, where there is one, with what the others say.
fn worst(mut failures: Vec<Error>) -> Error {
    let by = |is: fn(&Error) -> bool| failures.iter().position(is);
    let at = by(Error::is_retryable).or_else(|| by(|error| !is_about_one_key(error))).unwrap_or(0);
    let error = failures.swap_remove(at);
    if failures.is_empty() {
        return error;
    }
    let others = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    error.and(&format!("others failed, too: {others}"))
}
