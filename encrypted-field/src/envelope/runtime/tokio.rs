//! On Tokio: the runtime that is current, else the one that was when the manager was built, else one of its own.

use std::pin::Pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use crate::error::{Error, ErrorKind, Result};

/// For how long the only thread of a runtime waits, perhaps for itself.
const LONGEST_FOR_ITSELF: Duration = Duration::from_mins(1);

#[derive(Clone, Debug)]
pub(in crate::envelope) struct Runtime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    of_program: Option<Handle>,
    /// Made when there is no other. One thread drives it all the time, so that connections in it stay alive between calls.
    own: Mutex<Option<tokio::runtime::Runtime>>,
}

impl Runtime {
    pub(in crate::envelope) fn new() -> Self {
        Self(Arc::new(Shared { of_program: Handle::try_current().ok(), own: Mutex::default() }))
    }

    fn handle(&self) -> Result<Handle> {
        if let Ok(current) = Handle::try_current() {
            return Ok(current);
        }
        if let Some(handle) = &self.0.of_program {
            return Ok(handle.clone());
        }
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

    /// With a runtime current: where the caller's executor is another one, its own.
    pub(super) fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        if Handle::try_current().is_ok() {
            return f();
        }
        match self.handle() {
            Ok(handle) => {
                let _entered = handle.enter();
                f()
            }
            Err(_) => f(),
        }
    }

    pub(in crate::envelope) fn wait<T: Send + 'static>(
        &self,
        future: Pin<Box<dyn Future<Output = Result<T>> + Send>>,
    ) -> Result<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.handle()?.spawn(async move {
            // Whoever waited may have given up.
            let _ = sender.send(future.await);
        });
        let may_be_itself = Handle::try_current().is_ok_and(|current| current.metrics().num_workers() == 1);
        let done = if may_be_itself {
            receiver.recv_timeout(LONGEST_FOR_ITSELF)
        } else {
            receiver.recv().map_err(RecvTimeoutError::from)
        };
        match done {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) => Err(unavailable(
                "it took longer than 60 s; on a thread that drives an async runtime, await instead of `wait`",
            )),
            Err(RecvTimeoutError::Disconnected) => Err(unavailable("the Tokio runtime was shut down")),
        }
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

impl Drop for Shared {
    fn drop(&mut self) {
        // In an async program the usual drop would panic: it waits.
        if let Some(own) = self.own.lock().unwrap_or_else(PoisonError::into_inner).take() {
            own.shutdown_background();
        }
    }
}

fn unavailable(detail: &'static str) -> Error {
    Error::new(ErrorKind::KeyServiceUnavailable).detail(detail)
}
