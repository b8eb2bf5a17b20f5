//! On Tokio: the runtime that is current, else the one that was current when the manager was built,
//! else one of its own.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::task::{JoinError, JoinHandle};

use super::Work;
use super::park::Unpark;
use crate::error::{Error, ErrorKind, Result};

#[derive(Clone, Debug)]
pub(in crate::envelope) struct Runtime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// A runtime of several threads. One with a single thread stands still while its program does
    /// something else.
    of_program: Option<Handle>,
    /// Made when there is no other. One thread drives it all the time, so that connections in it
    /// stay alive between calls.
    own: Mutex<Option<tokio::runtime::Runtime>>,
}

/// Work that runs as a task, and goes on even if nobody waits for it any more.
pub(super) struct Begun<T>(std::result::Result<JoinHandle<Result<T>>, Option<Error>>);

impl<T: Send + 'static> Future for Begun<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(task) => {
                Pin::new(task).poll(context).map(|done| done.unwrap_or_else(|e| Err(ended(&e))))
            }
            Err(error) => {
                Poll::Ready(Err(error.take().unwrap_or_else(|| unavailable("it did not begin"))))
            }
        }
    }
}

impl Runtime {
    pub(in crate::envelope) fn new() -> Self {
        Self(Arc::new(Shared { of_program: several_threads(), own: Mutex::default() }))
    }

    /// Unless it was shut down: a task that is spawned there ends at once.
    fn of_program(&self) -> Option<Handle> {
        let handle = self.0.of_program.as_ref()?;
        let is_over = handle.spawn(std::future::pending::<()>());
        let ended = is_over.is_finished();
        is_over.abort();
        (!ended).then(|| handle.clone())
    }

    fn own(&self) -> Result<Handle> {
        let mut own = self.0.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &*own {
            return Ok(own.handle().clone());
        }
        let made = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("encrypted-field")
            .enable_all()
            .build()
            .map_err(|e| unavailable("no thread could be started for it").caused_by(e))?;
        let handle = made.handle().clone();
        *own = Some(made);
        Ok(handle)
    }

    pub(super) fn begin<T: Send + 'static>(&self, work: Work<T>) -> Begun<T> {
        let current = Handle::try_current().ok().or_else(|| self.of_program());
        let handle = current.map_or_else(|| self.own(), Ok);
        Begun(handle.map(|handle| handle.spawn(work)).map_err(Some))
    }

    pub(in crate::envelope) fn wait<T: Send + 'static>(&self, work: Work<T>) -> Result<T> {
        if let Some(current) = several_threads() {
            // Another thread takes over what this one would have done.
            return tokio::task::block_in_place(|| current.block_on(work));
        }
        // Not on a runtime that is current here. It has a single thread, which may be this one.
        let handle = match self.of_program() {
            Some(handle) if Handle::try_current().is_err() => handle,
            _ => self.own()?,
        };
        let task = handle.spawn(work);
        block(task).unwrap_or_else(|e| Err(ended(&e)))
    }

    /// `None` after the time is over.
    pub(in crate::envelope) async fn timeout<T>(
        &self,
        time: Duration,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::time::timeout(time, future).await.ok()
    }

    /// For the milliseconds between two attempts.
    pub(in crate::envelope) async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// The current runtime, if it has several threads.
fn several_threads() -> Option<Handle> {
    Handle::try_current()
        .ok()
        .filter(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

/// Blocks until the task is over, on whatever thread.
fn block<T: Send + 'static>(mut task: JoinHandle<T>) -> std::result::Result<T, JoinError> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = Pin::new(&mut task).poll(&mut context) {
            return done;
        }
        thread::park();
    }
}

fn ended(error: &JoinError) -> Error {
    unavailable(if error.is_panic() {
        "a key-encryption key, a store or an event hook has panicked"
    } else {
        "the Tokio runtime was shut down"
    })
}

impl Drop for Shared {
    fn drop(&mut self) {
        // In an async program the usual drop would panic, because it waits.
        if let Some(own) = self.own.lock().unwrap_or_else(PoisonError::into_inner).take() {
            own.shutdown_background();
        }
    }
}

fn unavailable(detail: &'static str) -> Error {
    Error::new(ErrorKind::KeyServiceUnavailable).detail(detail)
}

/// Runs a call that blocks. If there is a runtime, it runs on Tokio's threads for blocking calls,
/// else right here. A runtime that was shut down drops it.
#[cfg(any(feature = "diesel-store", feature = "file-store"))]
pub(super) fn spawn_blocking(call: Box<dyn FnOnce() + Send>) {
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(call)),
        Err(_) => call(),
    }
}
