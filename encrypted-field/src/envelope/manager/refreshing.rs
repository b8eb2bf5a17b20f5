//! The thread that keeps keys up to date, and what values under unknown keys ask of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::outage::{FIRST_RETRY, LONGEST_RETRY, backoff, jittered};
use crate::error::{Error, ErrorKind, Result};
use crate::key_id::KeyId;

/// Between two refreshes that the same id has asked for.
const SAME_ID_EVERY: Duration = Duration::from_secs(30);
/// Ids that are remembered as asked for. More than that are forged, and any refresh serves all.
const MAX_ASKED: usize = 1024;
/// If there is more to do at once, others get their turn first.
const SOON: Duration = Duration::from_millis(100);

/// Shared with the thread, which must not keep the manager alive.
#[derive(Default)]
pub(super) struct Refresher(Arc<Shared>);

#[derive(Default)]
struct Shared {
    requests: Mutex<Requests>,
    /// Something was asked for, or was loaded.
    changed: Condvar,
    /// The manager is gone: its thread is to end.
    is_over: AtomicBool,
}

#[derive(Default)]
struct Requests {
    /// The process in which there is a thread. A child that was forked has none.
    running_in: Option<u32>,
    /// Ids that values have named.
    ids: HashMap<u32, Asked>,
    is_wanted: bool,
    /// Why the thread can't be woken for now.
    pause: Option<Pause>,
    /// Ids that stored values have named and that were not there, the lowest ones: those that are
    /// made up are not to push out the others.
    stored: BTreeSet<u32>,
    /// When the last refresh that succeeded began.
    loaded: Option<Duration>,
}

struct Asked {
    at: Duration,
    /// The scope of the value, if it is one that is loaded on demand.
    scope: Option<Box<str>>,
}

/// Why the thread is not woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Ids were asked for in vain.
    InVain,
    /// Refreshing fails.
    Failing,
}

/// The answer to a question for an id.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was looked for a short time ago, and is not there.
    NotThere,
    /// It is being looked for.
    Asked,
    /// It will be looked for, and not at once: because of a pause, or because the question is not
    /// worth a refresh of its own.
    Later(Option<Pause>),
}

impl Requests {
    fn is_running(&self) -> bool {
        self.running_in == Some(std::process::id())
    }

    /// `may_wake`: whether the question is worth a refresh of its own.
    fn ask(
        &mut self,
        id: u32,
        scope: Option<&str>,
        may_wake: bool,
        is_stored: bool,
        now: Duration,
    ) -> Answer {
        if is_stored {
            self.stored.insert(id);
            if self.stored.len() > MAX_ASKED {
                self.stored.pop_last();
            }
        }
        let answer = match self.pause {
            None if may_wake => Answer::Asked,
            pause => Answer::Later(pause.filter(|_| may_wake)),
        };
        match (self.ids.get(&id), self.loaded) {
            (Some(asked), Some(loaded)) if loaded > asked.at && now < asked.at + SAME_ID_EVERY => {
                return Answer::NotThere;
            }
            (Some(asked), loaded) if loaded.is_none_or(|loaded| loaded <= asked.at) => {
                self.is_wanted |= may_wake;
                return answer;
            }
            _ => {}
        }
        if self.ids.len() >= MAX_ASKED {
            self.ids.clear();
        }
        self.ids.insert(id, Asked { at: now, scope: scope.map(Into::into) });
        self.is_wanted |= may_wake;
        answer
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

    /// Whether a key is there, of a scope that is loaded on demand or of the process.
    fn has(&self, id: KeyId, scope: Option<&str>) -> bool;
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

    /// Asks for a refresh, because a value names a key that is not there. Only a stored value wakes
    /// the thread, unless it `may_wake` in any case. Tells also whether there is a thread.
    pub(super) fn ask(
        &self,
        id: KeyId,
        scope: Option<&str>,
        may_wake: bool,
        is_stored: bool,
        now: Duration,
    ) -> (Answer, bool) {
        let mut requests = self.0.requests();
        let asked =
            (requests.ask(id.get(), scope, may_wake, is_stored, now), requests.is_running());
        let is_wanted = requests.is_wanted;
        drop(requests);
        if is_wanted {
            self.0.changed.notify_all();
        }
        asked
    }

    /// The ids that stored values have named, and that were not there.
    pub(super) fn asked_for(&self) -> Vec<u32> {
        self.0.requests().stored.iter().copied().collect()
    }

    /// Waits for a refresh that began after `asked`, or until `is_there`.
    pub(super) fn wait(&self, asked: Duration, most: Duration, is_there: impl Fn() -> bool) {
        let is_open = |requests: &mut Requests| {
            !is_there() && requests.loaded.is_none_or(|loaded| loaded <= asked)
        };
        let requests = self.0.requests();
        let waited = self.0.changed.wait_timeout_while(requests, most, is_open);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Starts the thread, once in each process.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start<W: Work>(&self, work: &Arc<W>) -> Result<()> {
        let shared = Arc::clone(&self.0);
        let me = std::process::id();
        if shared.requests().running_in.replace(me) == Some(me) {
            return Ok(());
        }
        // If the first load, which is about to begin, fails, it is soon tried again.
        let is_loaded = work.is_loaded();
        let first = if is_loaded { work.interval() } else { FIRST_RETRY.min(work.interval()) };
        let thread = thread::Builder::new().name("encrypted-field-keys".into());
        let failed = Arc::clone(&shared);
        let work = Arc::downgrade(work);
        thread.spawn(move || run(&work, &shared, jittered(first), is_loaded)).map(drop).map_err(
            |e| {
                failed.requests().running_in = None;
                let detail = "no thread could be started to refresh the keys";
                Error::new(ErrorKind::KeyServiceUnavailable).detail(detail).caused_by(e)
            },
        )
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits without being woken by who asks. Gives whether it is over.
    fn pause(&self, time: Duration, why: Pause) -> bool {
        let mut requests = self.requests();
        requests.pause = (!time.is_zero()).then_some(why);
        let waited = self.changed.wait_timeout_while(requests, time, |_| !self.is_over());
        let (mut requests, _) = waited.unwrap_or_else(PoisonError::into_inner);
        requests.pause = None;
        self.is_over()
    }

    /// Whether the manager is gone.
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The ids that the next refresh is for.
    fn asked(&self) -> Vec<(KeyId, Option<Box<str>>)> {
        let requests = self.requests();
        let open = requests
            .ids
            .iter()
            .filter(|(_, asked)| requests.loaded.is_none_or(|at| at <= asked.at));
        open.filter_map(|(id, asked)| Some((KeyId::new(*id)?, asked.scope.clone()))).collect()
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        // With the lock, so that the thread is not between looking and waiting.
        let _requests = self.0.requests();
        self.0.is_over.store(true, Ordering::Relaxed);
        self.0.changed.notify_all();
    }
}

fn run<W: Work>(work: &Weak<W>, shared: &Shared, first: Duration, mut is_loaded: bool) {
    // Failures in a row, and refreshes in a row that unknown ids have asked for in vain.
    let (mut wait, mut failures, mut in_vain) = (first, 0_u32, 0_u32);
    loop {
        // A service that does not answer is not asked more often because of made-up ids. One that
        // answers is asked less and less often.
        let pause = match (failures, in_vain) {
            (0, 0) => Duration::ZERO,
            (0, in_vain) => backoff(in_vain, LONGEST_RETRY.min(wait)),
            _ => wait,
        };
        let why = if failures > 0 { Pause::Failing } else { Pause::InVain };
        if shared.pause(pause, why) {
            return;
        }
        let requests = shared.requests();
        let is_idle = |requests: &mut Requests| !requests.is_wanted && !shared.is_over();
        let waited =
            shared.changed.wait_timeout_while(requests, wait.saturating_sub(pause), is_idle);
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
        let asked = if was_wanted { shared.asked() } else { Vec::new() };
        let turn = Arc::clone(&work).turn();
        if was_wanted {
            let is_there =
                |(id, scope): &(KeyId, Option<Box<str>>)| work.has(*id, scope.as_deref());
            in_vain = if asked.iter().any(is_there) { 0 } else { in_vain.saturating_add(1) };
        } else {
            in_vain = 0;
        }
        // Not held while it waits. If nobody else has it, it ends.
        drop(work);
        failures = if turn == Turn::Failed { failures.saturating_add(1) } else { 0 };
        wait = match turn {
            Turn::Done => jittered(interval),
            Turn::Unfinished => SOON,
            Turn::Failed => backoff(failures, interval),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each answer, without a clock.
    #[test]
    fn an_unknown_id_is_asked_for_once_and_again_after_a_while() {
        let at = Duration::from_secs;
        let mut requests = Requests { loaded: Some(at(1)), ..Requests::default() };
        let ask = |requests: &mut Requests, id, now| requests.ask(id, None, true, true, at(now));
        assert_eq!(ask(&mut requests, 7, 10), Answer::Asked);
        assert!(std::mem::take(&mut requests.is_wanted));

        requests.loaded = Some(at(12));
        assert_eq!(ask(&mut requests, 7, 13), Answer::NotThere);
        assert!(!requests.is_wanted, "it was looked for");
        assert_eq!(ask(&mut requests, 8, 13), Answer::Asked);
        assert!(std::mem::take(&mut requests.is_wanted), "another id is not held up by it");

        assert_eq!(ask(&mut requests, 7, 40), Answer::Asked);
        assert!(requests.is_wanted, "it may be there by now");
    }

    /// They are answered by the refresh that is due next.
    #[test]
    fn a_question_that_wakes_nobody_is_answered_all_the_same() {
        let at = Duration::from_secs;
        let mut requests = Requests { loaded: Some(at(1)), ..Requests::default() };
        assert_eq!(requests.ask(7, None, false, false, at(10)), Answer::Later(None));
        assert!(requests.stored.is_empty(), "anybody may have made it up");
        assert!(!requests.is_wanted);
        requests.loaded = Some(at(12));
        assert_eq!(requests.ask(7, None, false, false, at(13)), Answer::NotThere);

        requests.pause = Some(Pause::InVain);
        assert_eq!(requests.ask(8, None, true, true, at(13)), Answer::Later(Some(Pause::InVain)));
        assert!(requests.is_wanted, "others have asked in vain, so it comes after a while");
        requests.pause = None;
        assert_eq!(requests.ask(8, None, true, true, at(14)), Answer::Asked);
    }

    #[test]
    fn forged_ids_do_not_grow_without_bound() {
        let mut requests = Requests::default();
        for id in (1..10_000).rev() {
            requests.ask(id, None, true, true, Duration::from_secs(1));
        }
        assert!(requests.ids.len() <= MAX_ASKED && requests.stored.len() <= MAX_ASKED);
        assert!(requests.stored.contains(&7), "a low one stays, whenever it came");
    }
}
