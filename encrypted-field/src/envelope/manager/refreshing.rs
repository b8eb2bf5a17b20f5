//! The thread that keeps keys up to date, and what values under unknown keys ask of it.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::cipher;
use crate::error::{Error, ErrorKind, Result};

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
    requests: Mutex<Requests>,
    /// Something was asked for, or was loaded.
    changed: Condvar,
}

#[derive(Default)]
struct Requests {
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
pub(super) enum Answer {
    /// It was looked for a short time ago, and is not there.
    NotThere,
    /// It is being looked for.
    Asked,
}

impl Requests {
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

/// What the thread does, again and again.
pub(super) trait Work: Send + Sync + 'static {
    /// All that is due now.
    fn turn(self: Arc<Self>) -> Turn;

    /// How often there is a turn.
    fn interval(&self) -> Duration;

    /// Whether anything was loaded yet.
    fn is_loaded(&self) -> bool;
}

/// How a turn has ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Done,
    /// There is more to do, at once.
    Unfinished,
    Failed,
}

impl Refresher {
    /// A refresh that began at `at` has succeeded.
    pub(super) fn loaded(&self, at: Duration) {
        self.0.requests().loaded = Some(at);
        self.0.changed.notify_all();
    }

    /// Asks for a refresh, because a value names a key that is not there. Gives also whether there
    /// is a thread that does it.
    pub(super) fn ask(&self, id: u32, now: Duration) -> (Answer, bool) {
        let mut requests = self.0.requests();
        let asked = (requests.ask(id, now), requests.is_running());
        drop(requests);
        self.0.changed.notify_all();
        asked
    }

    /// Waits for a refresh that began after `asked`, or until `is_there`.
    pub(super) fn wait(&self, asked: Duration, most: Duration, is_there: impl Fn() -> bool) {
        let is_open =
            |requests: &mut Requests| !is_there() && requests.loaded.is_none_or(|loaded| loaded <= asked);
        let requests = self.0.requests();
        let waited = self.0.changed.wait_timeout_while(requests, most, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Starts the thread, once in each process.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub(super) fn start<W: Work>(&self, work: &Arc<W>) -> Result<()> {
        let shared = Arc::clone(&self.0);
        let me = std::process::id();
        if shared.requests().running_in.replace(me) == Some(me) {
            return Ok(());
        }
        // Where the first load, which is about to begin, fails, it is soon tried again.
        let is_loaded = work.is_loaded();
        let first = if is_loaded { work.interval() } else { FIRST_RETRY.min(work.interval()) };
        let thread = thread::Builder::new().name("encrypted-field-keys".into());
        let failed = Arc::clone(&shared);
        let work = Arc::downgrade(work);
        thread.spawn(move || run(&work, &shared, jittered(first), is_loaded)).map(drop).map_err(|e| {
            failed.requests().running_in = None;
            let detail = "no thread could be started to refresh the keys";
            Error::new(ErrorKind::KeyServiceUnavailable).detail(detail).caused_by(e)
        })
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        // The manager is gone: its thread is to notice now.
        self.0.requests().is_wanted = true;
        self.0.changed.notify_all();
    }
}

fn run<W: Work>(work: &Weak<W>, shared: &Shared, first: Duration, mut is_loaded: bool) {
    let (mut wait, mut failures) = (first, 0_u32);
    loop {
        let requests = shared.requests();
        // A service that does not answer is not asked more often because somebody makes up ids.
        let may_be_woken = failures == 0;
        let is_idle = |requests: &mut Requests| !(requests.is_wanted && may_be_woken);
        let waited = shared.changed.wait_timeout_while(requests, wait, is_idle);
        let (mut requests, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let was_wanted = std::mem::take(&mut requests.is_wanted);
        let was_loaded = requests.loaded.is_some();
        drop(requests);
        let Some(work) = work.upgrade() else { return };
        let interval = work.interval();
        if !std::mem::replace(&mut is_loaded, true) && was_loaded && !was_wanted {
            wait = jittered(interval);
            continue;
        }
        let turn = work.turn();
        // Not held while it waits: where nobody else has it, it ends.
        wait = match turn {
            Turn::Done => jittered(interval),
            Turn::Unfinished => SOON,
            Turn::Failed => jittered((FIRST_RETRY * 2_u32.saturating_pow(failures.min(16))).min(interval)),
        };
        failures = if turn == Turn::Failed { failures + 1 } else { 0 };
        if was_wanted {
            // Whoever asks meanwhile waits this long; whoever forges ids gains no more than that.
            thread::sleep(AT_MOST_EVERY);
        }
    }
}

/// An interval, give or take a tenth.
fn jittered(interval: Duration) -> Duration {
    let mut random = [0; 2];
    // Without randomness nothing else works either; this does.
    let _ = cipher::random(&mut random);
    interval * 9 / 10 + interval / 5 * u32::from(u16::from_be_bytes(random)) / u32::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answer, without a clock.
    #[test]
    fn an_unknown_id_is_asked_for_once_and_again_after_a_while() {
        let at = Duration::from_secs;
        let mut requests = Requests { loaded: Some(at(1)), ..Requests::default() };
        assert_eq!(requests.ask(7, at(10)), Answer::Asked);
        assert!(std::mem::take(&mut requests.is_wanted));
        assert_eq!(requests.ask(7, at(11)), Answer::Asked);
        assert!(!requests.is_wanted, "it is being looked for already");

        requests.loaded = Some(at(12));
        assert_eq!(requests.ask(7, at(13)), Answer::NotThere);
        assert!(!requests.is_wanted, "it was looked for");
        assert_eq!(requests.ask(8, at(13)), Answer::Asked);
        assert!(std::mem::take(&mut requests.is_wanted), "another id is not held up by it");

        assert_eq!(requests.ask(7, at(10) + SAME_ID_EVERY), Answer::Asked);
        assert!(requests.is_wanted, "it may be there by now");
    }

    #[test]
    fn forged_ids_do_not_grow_without_bound() {
        let mut requests = Requests::default();
        for id in 1..10_000 {
            requests.ask(id, Duration::from_secs(1));
        }
        assert!(requests.ids.len() <= MAX_ASKED);
    }

    #[test]
    fn jitter_is_a_tenth() {
        for _ in 0..1000 {
            let interval = jittered(Duration::from_secs(100));
            assert!((Duration::from_secs(90)..=Duration::from_secs(110)).contains(&interval), "{interval:?}");
        }
    }
}
