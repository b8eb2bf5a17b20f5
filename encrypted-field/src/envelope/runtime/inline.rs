//! Without a runtime: on the thread that asks. Key services and stores that block it see to it
//! themselves that they come to an end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::Work;
use super::park::Unpark;
use crate::error::Result;

#[derive(Clone, Debug, Default)]
pub(in crate::envelope) struct Runtime;

pub(super) type Begun<T> = Work<T>;

// As its sibling has them.
#[allow(clippy::unused_self, clippy::unused_async)]
impl Runtime {
    pub(in crate::envelope) fn new() -> Self {
        Self
    }

    pub(super) fn begin<T>(&self, work: Work<T>) -> Begun<T> {
        work
    }

    pub(in crate::envelope) fn wait<T>(&self, mut work: Work<T>) -> Result<T> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
                return done;
            }
            thread::park();
        }
    }

    /// `None` after the time is over. Nothing can interrupt a call that blocks. A call that runs on
    /// another thread can be given up.
    pub(in crate::envelope) async fn timeout<T>(
        &self,
        time: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        let mut alarm = Alarm::new(Instant::now() + time);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if alarm.poll(context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// For the milliseconds between two attempts.
    pub(in crate::envelope) async fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Runs a call that blocks: right here.
#[cfg(any(feature = "diesel-store", feature = "file-store"))]
pub(super) fn spawn_blocking(call: Box<dyn FnOnce() + Send>) {
    call();
}

/// A thread that wakes a future when its time is over.
struct Alarm {
    shared: Arc<Ring>,
    thread: Option<thread::Thread>,
    until: Instant,
}

/// The state that the future and the thread share. `None` once nobody is to be woken any more.
struct Ring(Mutex<Option<Waker>>);

impl Ring {
    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarm {
    fn new(until: Instant) -> Self {
        Self { shared: Arc::new(Ring(Mutex::default())), thread: None, until }
    }

    /// Whether the time is over. It is over, too, if no thread can be started for it.
    fn poll(&mut self, context: &Context<'_>) -> bool {
        if Instant::now() >= self.until {
            return true;
        }
        *self.shared.waker() = Some(context.waker().clone());
        if self.thread.is_none() {
            let (shared, until) = (Arc::clone(&self.shared), self.until);
            let ring = move || {
                loop {
                    let now = Instant::now();
                    if shared.waker().is_none() {
                        return;
                    }
                    if now >= until {
                        break;
                    }
                    thread::park_timeout(until - now);
                }
                if let Some(waker) = shared.waker().take() {
                    waker.wake();
                }
            };
            match thread::Builder::new().name("encrypted-field".into()).spawn(ring) {
                Ok(started) => self.thread = Some(started.thread().clone()),
                Err(_) => return true,
            }
        }
        false
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        drop(self.shared.waker().take());
        if let Some(thread) = &self.thread {
            thread.unpark();
        }
    }
}
