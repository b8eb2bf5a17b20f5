//! Calls that block, each on a thread, and only so many at once: a library that hangs must not take
//! all threads of a process.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::envelope::{BackendError, BackendErrorKind};

/// Whoever waited for a call may have gone for another reason than that it takes too long. So a
/// call that is younger than this is not taken for one that hangs.
const YOUNG: Duration = Duration::from_millis(50);

/// Where calls that block run. All clones are one.
#[derive(Clone, Debug)]
pub(in crate::envelope) struct Lanes {
    most: usize,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Debug, Default)]
struct Calls {
    running: usize,
    /// When those of them began for which nobody waits any more.
    given_up: Vec<Instant>,
    waiting: Vec<Waker>,
}

/// One call.
struct Lane<T> {
    outcome: Mutex<Outcome<T>>,
    began: Instant,
}

enum Outcome<T> {
    Running(Option<Waker>),
    GivenUp,
    Done(thread::Result<Result<T, BackendError>>),
    Taken,
}

type Job = Box<dyn FnOnce() + Send>;

impl Lanes {
    /// For so many calls at once, and at least one.
    pub(in crate::envelope) fn new(most: usize) -> Self {
        Self { most: most.max(1), calls: Arc::default() }
    }

    /// Runs a call on a thread of its own. Once begun, it runs to its end, even if the caller gives
    /// up waiting.
    ///
    /// # Errors
    /// Those of the call. [`BackendErrorKind::Unavailable`] at once, if all calls that may run
    /// hang.
    pub(in crate::envelope) async fn on_own_thread<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let spawn = |job: Job| {
            let spawned = thread::Builder::new().name("encrypted-field".into()).spawn(job);
            spawned.map(drop).map_err(|e| {
                BackendError::new(
                    BackendErrorKind::Unavailable,
                    "no thread could be started for it",
                )
                .caused_by(e)
            })
        };
        self.run(call, spawn).await
    }

    /// Runs a call where the runtime has calls that block: on one of its threads, or right here.
    ///
    /// # Errors
    /// As [`on_own_thread`](Self::on_own_thread).
    #[cfg(any(feature = "diesel-store", feature = "file-store"))]
    pub(in crate::envelope) async fn on_runtime<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        self.run(call, |job| {
            super::backend::spawn_blocking(job);
            Ok(())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
        spawn: impl FnOnce(Job) -> Result<(), BackendError>,
    ) -> Result<T, BackendError> {
        poll_fn(|context| self.poll_place(context)).await?;
        let began = Instant::now();
        let lane = Arc::new(Lane { outcome: Mutex::new(Outcome::Running(None)), began });
        let waiting = Waiting { lanes: self, lane: &lane };
        let (lanes, thread) = (self.clone(), Arc::clone(&lane));
        // Its place becomes free even if the job is dropped without being run.
        let place = Place { lanes, lane: thread };
        spawn(Box::new(move || place.end(catch_unwind(AssertUnwindSafe(call)))))?;
        match poll_fn(|context| waiting.poll(context)).await {
            Ok(result) => result,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// A place among those that may run.
    fn poll_place(&self, context: &Context<'_>) -> Poll<Result<(), BackendError>> {
        let mut calls = self.calls();
        if calls.running < self.most {
            calls.running += 1;
            return Poll::Ready(Ok(()));
        }
        if calls.given_up.len() >= self.most
            && calls.given_up.iter().all(|began| began.elapsed() >= YOUNG)
        {
            let detail = format!(
                "no call is made, because {} that got no answer in time are still under way: its library hangs; mend what \
                 it waits for, or restart the process",
                self.most
            );
            return Poll::Ready(Err(BackendError::new(BackendErrorKind::Unavailable, detail)));
        }
        if !calls.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            calls.waiting.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// Changes what is under way. Gives those who wait for a place, to be woken when nothing is
    /// locked any more.
    fn change(&self, change: impl FnOnce(&mut Calls)) -> Vec<Waker> {
        let mut calls = self.calls();
        change(&mut calls);
        std::mem::take(&mut calls.waiting)
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lane<T> {
    fn outcome(&self) -> MutexGuard<'_, Outcome<T>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the one who asked.
struct Waiting<'a, T> {
    lanes: &'a Lanes,
    lane: &'a Lane<T>,
}

impl<T> Waiting<'_, T> {
    fn poll(&self, context: &Context<'_>) -> Poll<thread::Result<Result<T, BackendError>>> {
        let mut outcome = self.lane.outcome();
        if let Outcome::Running(waker) = &mut *outcome {
            let before = waker.replace(context.waker().clone());
            drop(outcome);
            drop(before);
            return Poll::Pending;
        }
        match std::mem::replace(&mut *outcome, Outcome::Taken) {
            Outcome::Done(result) => Poll::Ready(result),
            _ => Poll::Ready(Ok(Err(BackendError::new(
                BackendErrorKind::Unavailable,
                "its call was not run",
            )))),
        }
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut outcome = self.lane.outcome();
        if !matches!(*outcome, Outcome::Running(_)) {
            return;
        }
        let before = std::mem::replace(&mut *outcome, Outcome::GivenUp);
        // Before the thread can see it, which takes it back.
        let waiting = self.lanes.change(|calls| calls.given_up.push(self.lane.began));
        drop(outcome);
        drop(before);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// The end of the thread.
struct Place<T> {
    lanes: Lanes,
    lane: Arc<Lane<T>>,
}

impl<T> Place<T> {
    fn end(self, result: thread::Result<Result<T, BackendError>>) {
        self.over(Outcome::Done(result));
    }

    /// The first call counts.
    fn over(&self, over: Outcome<T>) {
        let mut outcome = self.lane.outcome();
        let (before, waiting) = match &*outcome {
            Outcome::Running(_) => {
                let before = std::mem::replace(&mut *outcome, over);
                (before, self.lanes.change(|calls| calls.running -= 1))
            }
            Outcome::GivenUp => {
                let before = std::mem::replace(&mut *outcome, Outcome::Taken);
                let began = self.lane.began;
                let end = |calls: &mut Calls| {
                    calls.running -= 1;
                    if let Some(at) = calls.given_up.iter().position(|other| *other == began) {
                        calls.given_up.swap_remove(at);
                    }
                };
                (before, self.lanes.change(end))
            }
            Outcome::Done(_) | Outcome::Taken => return,
        };
        drop(outcome);
        waiting.into_iter().for_each(Waker::wake);
        if let Outcome::Running(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.over(Outcome::Taken);
    }
}
