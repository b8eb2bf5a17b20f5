//! What runs the calls to key services and stores.
//!
//! A [`Call`] is awaited, in an async program, or [waited for](Call::wait), on a thread of a program without one.

#[cfg(not(feature = "tokio"))]
#[path = "blocking.rs"]
mod backend;
#[cfg(feature = "tokio")]
#[path = "tokio.rs"]
mod backend;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

pub(super) use backend::Runtime;

use crate::error::Result;

/// Something that a [`KeyManager`](super::KeyManager) does. Nothing happens before it is awaited or [waited for](Self::wait).
#[must_use = "nothing happens before it is awaited, or `wait` is called"]
pub struct Call<T> {
    future: Pin<Box<dyn Future<Output = Result<T>> + Send>>,
    runtime: Runtime,
}

impl<T: Send + 'static> Call<T> {
    pub(super) fn new(runtime: &Runtime, future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self { future: Box::pin(future), runtime: runtime.clone() }
    }

    /// Blocks this thread until it is done. With the feature `tokio` it runs on the runtime that is current here or was when the
    /// manager was built, else on one that the manager makes for itself.
    ///
    /// On a thread that drives an async runtime, await it instead: one that has no other thread would wait for itself, which
    /// ends with [`KeyServiceUnavailable`](crate::ErrorKind::KeyServiceUnavailable) after a minute.
    ///
    /// # Errors
    /// Those of the call.
    pub fn wait(self) -> Result<T> {
        self.runtime.wait(self.future)
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.runtime.within(|| this.future.as_mut().poll(context))
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call(..)")
    }
}
