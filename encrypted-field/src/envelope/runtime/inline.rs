//! Without a runtime: on the thread that asks. Key services and stores see to it themselves that
//! they come to an end.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use super::Work;
use super::park::Unpark;
use crate::envelope::BackendError;
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

    /// `None` after the time is over, which here is never: nothing can interrupt a call that
    /// blocks.
    pub(in crate::envelope) async fn timeout<T>(
        &self,
        _: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        Some(pin!(future).await)
    }

    /// For the milliseconds between two attempts.
    pub(in crate::envelope) async fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Runs a call that blocks: right here.
#[allow(clippy::unused_async)] // As its sibling.
#[cfg_attr(not(any(feature = "diesel-store", feature = "file-store")), allow(dead_code))]
pub(in crate::envelope) async fn run_blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    call()
}
