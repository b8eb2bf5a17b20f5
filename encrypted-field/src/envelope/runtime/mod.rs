//! What runs the calls to key services and stores.
//!
//! A [`Call`] is awaited, in an async program, or [waited for](Call::wait), on a thread of a
//! program without one.

#[cfg(not(feature = "tokio"))]
mod inline;
mod lanes;
mod park;
#[cfg(feature = "tokio")]
mod tokio;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "tokio")]
use self::tokio as backend;
#[cfg(not(feature = "tokio"))]
use inline as backend;

pub(super) use backend::Runtime;
pub(super) use lanes::Lanes;

use crate::error::Result;

type Work<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Something that a [`KeyManager`](super::KeyManager) does. Nothing happens before it is awaited or
/// [waited for](Self::wait).
///
/// With the feature `tokio` it then runs as a task of its own. So it is finished even if the call
/// is dropped half-way, as happens to a request that takes too long.
#[must_use = "nothing happens before it is awaited, or `wait` is called"]
pub struct Call<T> {
    state: State<T>,
    runtime: Runtime,
}

enum State<T> {
    Made(Work<T>),
    Begun(backend::Begun<T>),
    Over,
}

impl<T: Send + 'static> Call<T> {
    pub(super) fn new(
        runtime: &Runtime,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Self {
        Self { state: State::Made(Box::pin(future)), runtime: runtime.clone() }
    }

    /// Blocks this thread until it is done. With the feature `tokio` it runs on a runtime of
    /// several threads: the one that is current here or was current when the manager was built.
    /// Otherwise it runs on one that the manager makes for itself.
    ///
    /// On the only thread of a Tokio runtime, await it instead. Blocking would stop everything else
    /// that runs there.
    ///
    /// # Errors
    /// Those of the call.
    pub fn wait(self) -> Result<T> {
        match self.state {
            State::Made(work) => self.runtime.wait(work),
            State::Begun(begun) => self.runtime.wait(Box::pin(begun)),
            State::Over => unreachable!("a call that is over was awaited to its end"),
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if matches!(this.state, State::Made(_))
            && let State::Made(work) = std::mem::replace(&mut this.state, State::Over)
        {
            this.state = State::Begun(this.runtime.begin(work));
        }
        let State::Begun(begun) = &mut this.state else {
            unreachable!("a call is not polled after its end");
        };
        Pin::new(begun).poll(context)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call(..)")
    }
}
