//! Waiting for a future on a thread.

use std::sync::Arc;
use std::task::Wake;
use std::thread::Thread;

/// Wakes a thread that has parked itself.
pub(super) struct Unpark(pub(super) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
