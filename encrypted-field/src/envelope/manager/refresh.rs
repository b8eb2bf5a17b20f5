//! The thread that keeps keys up to date, and what values under unknown keys do about it.

use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::{Inner, KeyManager};
use crate::cipher;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::key::KeyEntry;
use crate::key_id::KeyId;

/// Between two refreshes that unknown ids have asked for: so many forged ones make one a second.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Between two refreshes that the same id has asked for.
const SAME_ID_EVERY: Duration = Duration::from_secs(30);
/// Ids that are remembered as asked for. More than that are forged, and any refresh serves all.
const MAX_ASKED: usize = 1024;
/// Where there is more to do at once, others get their turn first.
const SOON: Duration = Duration::from_millis(100);
/// After a failure the next attempt comes after this, and each one after that takes twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Shared with the thread, which must not keep the manager alive.
#[derive(Default)]
pub(super) struct Refresher(Arc<Shared>);

#[derive(Default)]
struct Shared {
    asks: Mutex<Asks>,
    /// Something was asked for, or was loaded.
    changed: Condvar,
}

#[derive(Default)]
struct Asks {
    /// The process in which there is a thread: a child that was forked has none.
    running_in: Option<u32>,
    /// Ids that values have named, and when.
    ids: HashMap<u32, Duration>,
    is_wanted: bool,
    /// When the last refresh that succeeded began.
    loaded: Option<Duration>,
}

/// What becomes of a question for an id.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// It was looked for a short time ago, and is not there.
    NotThere,
    /// It is being looked for.
    Asked,
}

impl Asks {
    fn is_running(&self) -> bool {
        self.running_in == Some(std::process::id())
    }

    fn ask(&mut self, id: u32, now: Duration) -> Answer {
        match (self.ids.get(&id), self.loaded) {
            (Some(asked), Some(loaded)) if loaded > *asked && now < *asked + SAME_ID_EVERY => {
                return Answer::NotThere;
            }
            (Some(asked), loaded) if loaded.is_none_or(|loaded| loaded <= *asked) => return Answer::Asked,
            _ => {}
        }
        if self.ids.len() >= MAX_ASKED {
            self.ids.clear();
        }
        self.ids.insert(id, now);
        self.is_wanted = true;
        Answer::Asked
    }
}

impl Refresher {
    /// A refresh that began at `at` has succeeded.
    pub(super) fn loaded(&self, at: Duration) {
        self.0.asks().loaded = Some(at);
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn asks(&self) -> MutexGuard<'_, Asks> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        // The manager is gone: its thread is to notice now.
        self.0.asks().is_wanted = true;
        self.0.changed.notify_all();
    }
}

impl Inner {
    /// A value names a key that the ring has not: that of `scope`, or for `None` the one without scopes that are loaded on
    /// demand.
    pub(super) fn find(&self, id: KeyId, scope: Option<&str>) -> Result<Arc<KeyEntry>> {
        if let Some(key) = self.in_ring(id, scope) {
            return Ok(key);
        }
        let unknown = |kind: ErrorKind, detail: &'static str| Err(Error::new(kind).detail(detail).key(id));
        if let Some(set) = self.known() {
            if set.get(id.get()).is_some_and(|entry| entry.on_demand && scope != Some(&*entry.scope)) {
                return Err(Error::new(ErrorKind::ScopeMismatch).key(id));
            }
            if u64::from(id.get()) < set.head.next_id && set.get(id.get()).is_none() {
                return unknown(ErrorKind::UnknownKey, "the key store has never given this id");
            }
        }
        let now = self.clock.monotonic();
        let (answer, is_running) = {
            let mut asks = self.refresher.0.asks();
            (asks.ask(id.get(), now), asks.is_running())
        };
        let is_known = self.known().is_some_and(|set| set.get(id.get()).is_some());
        if answer == Answer::NotThere && !is_known {
            return unknown(ErrorKind::UnknownKey, "the key store was read since, and does not have it");
        }
        event::emit(&Event::KeyNotLoaded { key_id: id });
        if !is_running {
            return unknown(
                ErrorKind::KeyNotLoaded,
                "nothing refreshes the keys here; call `load`, or `install` in place of it",
            );
        }
        self.refresher.0.changed.notify_all();
        let is_open = |asks: &mut Asks| {
            self.in_ring(id, scope).is_none() && asks.loaded.is_none_or(|loaded| loaded <= now)
        };
        let asks = self.refresher.0.asks();
        let waited = self.refresher.0.changed.wait_timeout_while(asks, self.cache.wait, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.in_ring(id, scope).map_or_else(|| Err(Error::new(ErrorKind::KeyNotLoaded).key(id)), Ok)
    }

    fn in_ring(&self, id: KeyId, scope: Option<&str>) -> Option<Arc<KeyEntry>> {
        let in_scope = scope.and_then(|scope| self.in_scope(scope, id));
        in_scope.or_else(|| self.current.load().as_ref().and_then(|current| current.ring.entry(id).cloned()))
    }

    /// An interval, give or take a tenth.
    fn jittered(interval: Duration) -> Duration {
        let mut random = [0; 2];
        // Without randomness nothing else works either; this does.
        let _ = cipher::random(&mut random);
        interval * 9 / 10 + interval / 5 * u32::from(u16::from_be_bytes(random)) / u32::from(u16::MAX)
    }

    /// One turn of the thread: all that is due. Gives for how long nothing is.
    fn turn_of_thread(self: &Arc<Self>, failures: &mut u32) -> Duration {
        let inner = Arc::clone(self);
        let work = async move {
            inner.refresh().await?;
            Ok(inner.maintain_and_tell().await.is_ok_and(|done| done.unfinished))
        };
        // A panic of somebody's key-encryption key, store or hook must not end this.
        let done = panic::catch_unwind(AssertUnwindSafe(|| self.runtime.wait(Box::pin(work))));
        if let Ok(Ok(unfinished)) = done {
            *failures = 0;
            return if unfinished { SOON } else { Self::jittered(self.cache.refresh) };
        }
        let panicked =
            Error::new(ErrorKind::KeyServiceUnavailable).detail("refreshing the keys has panicked");
        if done.is_err() {
            self.health.failed(&panicked);
        }
        let retry = FIRST_RETRY * 2_u32.saturating_pow((*failures).min(16));
        *failures += 1;
        Self::jittered(retry.min(self.cache.refresh))
    }
}

/// Starts the thread, once in each process.
pub(super) fn start(inner: &Arc<Inner>) -> Result<()> {
    let shared = Arc::clone(&inner.refresher.0);
    let me = std::process::id();
    if shared.asks().running_in.replace(me) == Some(me) {
        return Ok(());
    }
    let manager = Arc::downgrade(inner);
    // Where the first load, which is about to begin, fails, it is soon tried again.
    let is_loaded = inner.current.load().is_some();
    let first =
        Inner::jittered(if is_loaded { inner.cache.refresh } else { FIRST_RETRY.min(inner.cache.refresh) });
    let thread = thread::Builder::new().name("encrypted-field-keys".into());
    let failed = Arc::clone(&shared);
    thread.spawn(move || run(&manager, &shared, first, is_loaded)).map(drop).map_err(|e| {
        failed.asks().running_in = None;
        let detail = "no thread could be started to refresh the keys";
        Error::new(ErrorKind::KeyServiceUnavailable).detail(detail).caused_by(e)
    })
}

fn run(manager: &Weak<Inner>, shared: &Shared, first: Duration, mut is_loaded: bool) {
    let (mut wait, mut failures) = (first, 0);
    loop {
        let asks = shared.asks();
        // A service that does not answer is not asked more often because somebody makes up ids.
        let may_be_woken = failures == 0;
        let waited = shared.changed.wait_timeout_while(asks, wait, |asks| !(asks.is_wanted && may_be_woken));
        let (mut asks, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let was_wanted = std::mem::take(&mut asks.is_wanted);
        let was_loaded = asks.loaded.is_some();
        drop(asks);
        let Some(manager) = manager.upgrade() else { return };
        if !std::mem::replace(&mut is_loaded, true) && was_loaded && !was_wanted {
            wait = Inner::jittered(manager.cache.refresh);
            continue;
        }
        wait = manager.turn_of_thread(&mut failures);
        drop(manager);
        if was_wanted {
            // Whoever asks meanwhile waits this long; whoever forges ids gains no more than that.
            thread::sleep(AT_MOST_EVERY);
        }
    }
}

/// The manager whose keys are those of the process lives as long as it does.
///
/// # Errors
/// [`ErrorKind::KeyConflict`] where another one is.
pub(super) fn keep(manager: &KeyManager) -> Result<()> {
    static INSTALLED: OnceLock<KeyManager> = OnceLock::new();
    if Arc::ptr_eq(&INSTALLED.get_or_init(|| manager.clone()).0, &manager.0) {
        return Ok(());
    }
    let detail =
        "another key manager is installed in this process; `start` this one, and pass its `keyring` by hand";
    Err(Error::new(ErrorKind::KeyConflict).detail(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answer, without a clock.
    #[test]
    fn an_unknown_id_is_asked_for_once_and_again_after_a_while() {
        let at = Duration::from_secs;
        let mut asks = Asks { loaded: Some(at(1)), ..Asks::default() };
        assert_eq!(asks.ask(7, at(10)), Answer::Asked);
        assert!(std::mem::take(&mut asks.is_wanted));
        assert_eq!(asks.ask(7, at(11)), Answer::Asked);
        assert!(!asks.is_wanted, "it is being looked for already");

        asks.loaded = Some(at(12));
        assert_eq!(asks.ask(7, at(13)), Answer::NotThere);
        assert!(!asks.is_wanted, "it was looked for");
        assert_eq!(asks.ask(8, at(13)), Answer::Asked);
        assert!(std::mem::take(&mut asks.is_wanted), "another id is not held up by it");

        assert_eq!(asks.ask(7, at(10) + SAME_ID_EVERY), Answer::Asked);
        assert!(asks.is_wanted, "it may be there by now");
    }

    #[test]
    fn forged_ids_do_not_grow_without_bound() {
        let mut asks = Asks::default();
        for id in 1..10_000 {
            asks.ask(id, Duration::from_secs(1));
        }
        assert!(asks.ids.len() <= MAX_ASKED);
    }

    #[test]
    fn jitter_is_a_tenth() {
        for _ in 0..1000 {
            let interval = Inner::jittered(Duration::from_secs(100));
            assert!((Duration::from_secs(90)..=Duration::from_secs(110)).contains(&interval), "{interval:?}");
        }
    }
}
