//! Calls to the outside: the store, the key-encryption keys, the anchor. They are bounded in time,
//! and their failures are told apart.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::lease::Health;
use super::outage::Failure;
use crate::envelope::backend::{AnyKek, AnyStore, Mark};
use crate::envelope::record::{Digest, Wrapped, Wraps};
use crate::envelope::runtime::Runtime;
use crate::envelope::{
    Anchor, BackendError, BackendErrorKind, KeyEncryptionKey, KeyStore, Loaded, Query, Record,
    WrapContext,
};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::{Clock, derive};
use crate::key_id::KeyId;
use crate::secret::SecretBytes;

/// Calls to key services that run at once.
const PARALLEL: usize = 16;
/// For how long a KEK that did not answer is asked after the others.
const DOWN_FOR: Duration = Duration::from_secs(30);
/// Most bytes of a wrapped key.
const MAX_WRAPPED: usize = 16 << 10;
/// To read or to change more records than this may take as long as reading all.
const MANY: usize = 1000;

/// The store, with its type erased.
pub(super) struct Store(Box<dyn AnyStore>);

impl Store {
    pub(super) fn new(store: impl KeyStore) -> Self {
        Self(Box::new(store))
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
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
    state: Mutex<KekState>,
}

/// The answers of a KEK.
#[derive(Debug, Clone, Default)]
pub(super) struct KekState {
    /// When it last did what it was asked.
    pub(super) answered: Option<SystemTime>,
    /// Why it does not wrap any more. It may still unwrap, because each has a permission of its
    /// own.
    pub(super) wrap: Option<Failure>,
    /// Why it does not unwrap any more.
    pub(super) unwrap: Option<Failure>,
}

impl KekState {
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.unwrap.as_ref().or(self.wrap.as_ref())
    }

    fn of(&mut self, call: KekCall) -> &mut Option<Failure> {
        match call {
            KekCall::Wrap => &mut self.wrap,
            KekCall::Unwrap => &mut self.unwrap,
        }
    }
}

#[derive(Clone, Copy)]
enum KekCall {
    Wrap,
    Unwrap,
}

/// Why an anchor does not do what it was asked.
#[derive(Debug, Default)]
pub(super) struct AnchorState {
    read: Option<Failure>,
    raise: Option<Failure>,
}

impl Kek {
    pub(super) fn new(name: String, kek: impl KeyEncryptionKey) -> Self {
        let (service, state) = (Box::new(kek), Mutex::default());
        Self { name: name.into(), service, down_until: AtomicU64::new(0), state }
    }

    pub(super) fn state(&self) -> KekState {
        lock(&self.state).clone()
    }

    /// Says that it did not do what it was asked.
    pub(super) fn tell(&self, key_id: Option<KeyId>, error: &Error) {
        event::emit(&Event::KekFailed { kek: &self.name, key_id, kind: error.kind(), error });
    }

    /// Remembers what it has answered. If it refuses a wrapped key, that says nothing of the KEK
    /// itself.
    fn note<T>(
        &self,
        call: KekCall,
        answer: Result<T>,
        clock: &Clock,
        health: &Health,
    ) -> Result<T> {
        let now = clock.wall();
        let mut state = lock(&self.state);
        match &answer {
            Err(error) if !is_about_one_key(error) => {
                let failure = state.of(call);
                *failure = Some(Failure::again(failure.as_ref(), error, now));
            }
            Ok(_) | Err(_) => {
                state.answered = Some(now);
                if state.of(call).take().is_some() {
                    health.recover();
                }
            }
        }
        answer
    }

    /// For messages.
    pub(super) fn full_name(&self) -> String {
        format!("KEK \"{}\" ({})", self.name, self.service.describe())
    }

    /// What it is, for a status.
    pub(super) fn service(&self) -> String {
        self.service.describe()
    }

    pub(super) fn is_per_scope(&self) -> bool {
        self.service.is_per_scope()
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full_name())
    }
}

/// The backends outside of this process, and how long they may take to answer.
pub(super) struct Backends {
    /// In every wrap and in the MAC of every head.
    pub(super) key_set: Box<str>,
    pub(super) store: Store,
    /// By preference.
    pub(super) keks: Vec<Kek>,
    /// Names of KEKs of the store that this process does not have on purpose.
    pub(super) offline_keks: Vec<String>,
    pub(super) anchor: Option<Anchor>,
    pub(super) anchor_state: Mutex<AnchorState>,
    /// It is told when something works again.
    pub(super) health: Arc<Health>,
    pub(super) call_timeout: Duration,
    pub(super) bulk_timeout: Duration,
    pub(super) runtime: Runtime,
    pub(super) clock: Clock,
}

impl Backends {
    pub(super) async fn load(&self, query: &Query) -> Result<Loaded> {
        let time = if query.names.len() > MANY { self.bulk_timeout } else { self.call_timeout };
        let loaded = self.bounded(time, self.store.0.load(query)).await;
        loaded.map_err(|e| e.of_store(&self.store.name()))
    }

    pub(super) async fn swap(&self, expected: u64, changed: &[Record]) -> Result<bool> {
        let time = if changed.len() > MANY { self.bulk_timeout } else { self.call_timeout };
        let swapped = self.bounded(time, self.store.0.compare_and_swap(expected, changed)).await;
        swapped.map_err(|e| e.of_store(&self.store.name()))
    }

    pub(super) async fn forget_history(&self) -> Result<()> {
        let forgotten = self.bounded(self.call_timeout, self.store.0.forget_history()).await;
        forgotten.map_err(|e| e.of_store(&self.store.name()))
    }

    /// The mark that the anchor has. `None` if there is no anchor, or it was never written.
    pub(super) async fn read_anchor(&self) -> Result<Option<Mark>> {
        let Some(anchor) = &self.anchor else { return Ok(None) };
        let read = self.bounded(self.call_timeout, anchor.read()).await;
        self.note_anchor(|state| &mut state.read, read.map_err(|e| e.of_store(&anchor.describe())))
    }

    pub(super) async fn raise_anchor(&self, mark: Mark) -> Result<()> {
        let Some(anchor) = &self.anchor else { return Ok(()) };
        let raised = self.bounded(self.call_timeout, anchor.raise(mark)).await;
        self.note_anchor(
            |state| &mut state.raise,
            raised.map_err(|e| e.of_store(&anchor.describe())),
        )
    }

    /// Why the anchor does not work. The next change raises it again, and the next refresh reads
    /// it.
    pub(super) fn anchor_failure(&self) -> Option<Failure> {
        let state = lock(&self.anchor_state);
        state.read.clone().or_else(|| state.raise.clone())
    }

    fn note_anchor<T>(
        &self,
        of: fn(&mut AnchorState) -> &mut Option<Failure>,
        answer: Result<T>,
    ) -> Result<T> {
        let mut state = lock(&self.anchor_state);
        let failure = of(&mut state);
        match &answer {
            Err(error) => {
                *failure = Some(Failure::again(failure.as_ref(), error, self.clock.wall()));
            }
            Ok(_) if failure.take().is_some() => self.health.recover(),
            Ok(_) => {}
        }
        answer
    }

    /// The time by the clock of a key service, and whose clock it is.
    pub(super) fn service_time(&self) -> Option<(SystemTime, String)> {
        self.keks.iter().find_map(|kek| Some((kek.service.time()?, kek.full_name())))
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
            let wrapped = self.bounded(self.call_timeout, call).await;
            let wrapped = wrapped.map_err(|e| e.of_kek(&kek.full_name()));
            let wrapped = kek.note(KekCall::Wrap, wrapped, &self.clock, &self.health)?;
            if wrapped.len() > MAX_WRAPPED {
                let detail = "it made a wrapped key of more than 16 KiB";
                return Err(Error::new(ErrorKind::KeyServiceUnavailable)
                    .detail(detail)
                    .within(&kek.full_name()));
            }
            let again = self.unwrap_under(kek, context, &wrapped).await?;
            is_key_of(&Digest(derive::check_value(key)))(&again)
                .map_err(|e| e.within(&kek.full_name()))?;
            Ok(Wrapped(wrapped))
        };
        let tried = tried.await;
        if let Err(error) = &tried {
            kek.tell(context.key_id(), error);
        }
        tried
    }

    /// Wraps a key under each of these KEKs, at once, and gives what each made of it.
    async fn wrap_under_each<'a>(
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

    /// Wraps a key under each of these KEKs, at once.
    ///
    /// # Errors
    /// That of the first KEK that does not do it. Nothing may be stored then.
    pub(super) async fn wrap_under_all(
        &self,
        keks: Vec<&Kek>,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wraps> {
        let wraps = self.wrap_under_each(keks, context, key).await;
        wraps.into_iter().map(|(kek, wrapped)| Ok((kek.name.to_string(), wrapped?))).collect()
    }

    /// Wraps a key under those of the KEKs that do it.
    ///
    /// # Errors
    /// If none does.
    pub(super) async fn wrap_under_some(
        &self,
        keks: Vec<&Kek>,
        context: &WrapContext<'_>,
        key: &SecretBytes,
    ) -> Result<Wraps> {
        let mut made = Wraps::new();
        let mut first_error = None;
        for (kek, wrapped) in self.wrap_under_each(keks, context, key).await {
            match wrapped {
                Ok(wrapped) => drop(made.insert(kek.name.to_string(), wrapped)),
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        match first_error {
            Some(error) if made.is_empty() => Err(error),
            _ => Ok(made),
        }
    }

    /// Unwraps under one KEK, to whatever key that gives.
    pub(super) async fn unwrap_under(
        &self,
        kek: &Kek,
        context: &WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<SecretBytes> {
        let unwrapped = self.bounded(self.call_timeout, kek.service.unwrap(context, wrapped)).await;
        let unwrapped = unwrapped.map_err(|e| e.of_kek(&kek.full_name()));
        let unwrapped = kek.note(KekCall::Unwrap, unwrapped, &self.clock, &self.health)?;
        let mut key = SecretBytes::zeroed();
        if unwrapped.len() != key.expose().len() {
            let detail = format!("it unwraps to {} bytes and not to a key", unwrapped.len());
            return Err(Error::new(ErrorKind::WrappedKeyRejected)
                .detail(detail)
                .within(&kek.full_name()));
        }
        key.expose_mut().copy_from_slice(&unwrapped);
        Ok(key)
    }

    /// Unwraps under the first KEK whose answer `is_it` accepts, in order of preference. KEKs that
    /// did not answer lately come last.
    pub(super) async fn unwrap(
        &self,
        context: &WrapContext<'_>,
        wraps: &Wraps,
        is_it: &(dyn Fn(&SecretBytes) -> Result<()> + Sync),
    ) -> Result<SecretBytes> {
        let now = self.clock.monotonic();
        let is_down =
            |kek: &&Kek| u128::from(kek.down_until.load(Ordering::Relaxed)) > now.as_millis();
        // The order is settled first. A KEK that fails meanwhile is not asked again.
        let ours = self.keks.iter().filter(|kek| wraps.contains_key(&*kek.name));
        let (down, up): (Vec<&Kek>, Vec<&Kek>) = ours.partition(is_down);
        let mut failures: Vec<Error> = Vec::new();
        for kek in up.into_iter().chain(down) {
            let unwrapped = self.unwrap_under(kek, context, &wraps[&*kek.name].0).await;
            let checked = unwrapped.and_then(|key| match is_it(&key) {
                Ok(()) => Ok(key),
                Err(error) => Err(error.within(&kek.full_name())),
            });
            match checked {
                Ok(key) => {
                    kek.down_until.store(0, Ordering::Relaxed);
                    return Ok(key);
                }
                Err(error) => {
                    kek.tell(context.key_id(), &error);
                    if error.is_retryable() || !is_about_one_key(&error) {
                        let until = self.clock.monotonic() + DOWN_FOR;
                        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
                        kek.down_until.store(until, Ordering::Relaxed);
                    }
                    failures.push(error);
                }
            }
        }
        if failures.is_empty() {
            let known =
                wraps.keys().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "it is wrapped under {known} and under no KEK of this process; start one that has one of those and this one, and \
                 `rewrap` there"
            );
            return Err(Error::new(ErrorKind::KekUnusable).detail(detail));
        }
        Err(most_telling(failures))
    }

    /// Destroys the KEKs of a scope, if there are any. `others` are all other scopes.
    pub(super) async fn destroy_keks_of(&self, scope: &str, others: &[String]) -> Result<()> {
        for kek in self.keks.iter().filter(|kek| kek.is_per_scope()) {
            let call = kek.service.destroy_scope(scope, others);
            self.bounded(self.call_timeout, call).await.map_err(|e| e.of_kek(&kek.full_name()))?;
        }
        Ok(())
    }

    pub(super) fn kek(&self, name: &str) -> Option<&Kek> {
        self.keks.iter().find(|kek| *kek.name == *name)
    }

    pub(super) fn has_kek(&self, name: &str) -> bool {
        self.kek(name).is_some()
    }

    /// The KEKs that the store is wrapped under.
    ///
    /// # Errors
    /// If this process does not have all of them. Processes with the others could not unwrap a key
    /// that this one makes.
    pub(super) fn keks_of(&self, store_key: &Wraps) -> Result<Vec<&Kek>> {
        let find = |name: &String| {
            self.kek(name).ok_or_else(|| {
                let detail = format!(
                    "the store is wrapped under the KEK \"{name}\", which this process does not have; add it, leave it out with \
                     `leave_out_kek`, or say that it is an `offline_kek`"
                );
                Error::new(ErrorKind::KekUnusable).detail(detail)
            })
        };
        let is_needed = |name: &&String| self.has_kek(name) || !self.offline_keks.contains(name);
        store_key.keys().filter(is_needed).map(find).collect()
    }

    pub(super) fn store_error(
        &self,
        kind: ErrorKind,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Error {
        Error::new(kind).detail(detail).within(&self.store.name())
    }

    pub(super) fn of_store(&self, error: Error) -> Error {
        error.within(&self.store.name())
    }

    async fn bounded<T>(
        &self,
        time: Duration,
        call: impl Future<Output = Result<T, BackendError>>,
    ) -> Result<T, BackendError> {
        // A backend may be somebody else's. If it panics, that is an answer, too.
        let call = std::panic::AssertUnwindSafe(call).catch_unwind();
        let answer = self.runtime.timeout(time, call).await.map(|answer| {
            answer.unwrap_or_else(|_| {
                Err(BackendError::new(BackendErrorKind::Unavailable, "it has panicked"))
            })
        });
        answer.unwrap_or_else(|| {
            let detail = format!("it did not answer within {} ms", time.as_millis());
            Err(BackendError::new(BackendErrorKind::Unavailable, detail))
        })
    }
}

/// A panic of somebody's backend leaves nothing half-written behind these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks that a key has this check value.
pub(super) fn is_key_of(check: &Digest) -> impl Fn(&SecretBytes) -> Result<()> + Sync {
    let check = *check;
    move |key| {
        if Digest(derive::check_value(key)).equals(&check) {
            return Ok(());
        }
        let detail = "it unwraps to another key than the one with this check value";
        Err(Error::new(ErrorKind::WrappedKeyRejected).detail(detail))
    }
}

/// Waits for all calls, of which [`PARALLEL`] run at once. Boxed, so that their type has a name.
pub(super) async fn some_at_a_time<T>(calls: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(calls).buffered(PARALLEL).collect().await
}

/// As [`some_at_a_time`], until one answers with an error that may go away by itself. The others
/// would get the same error. The result lacks those that are left out.
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

/// One error for several. If one of them is not about this key alone, it is that one, with what the
/// others say.
fn most_telling(mut failures: Vec<Error>) -> Error {
    let by = |is: fn(&Error) -> bool| failures.iter().position(is);
    let at = by(Error::is_retryable).or_else(|| by(|error| !is_about_one_key(error))).unwrap_or(0);
    let error = failures.swap_remove(at);
    if failures.is_empty() {
        return error;
    }
    // Each kind is said once.
    let own = |other: &Error| {
        if other.kind() == error.kind() { other.details().to_owned() } else { other.to_string() }
    };
    let others = failures.iter().map(own).collect::<Vec<_>>().join("; ");
    error.and(&format!("others failed, too: {others}"))
}
