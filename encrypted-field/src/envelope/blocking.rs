//! Calls that block, off the threads of the runtime.

use std::panic::resume_unwind;

use tokio::runtime::Handle;

use super::{BackendError, BackendErrorKind};

/// Runs `call` on Tokio's threads for blocking calls where there is a runtime, else right here. Once begun it runs to its end,
/// also where the caller gives up waiting.
pub(super) async fn run<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    let Ok(runtime) = Handle::try_current() else { return call() };
    match runtime.spawn_blocking(call).await {
        Ok(result) => result,
        Err(e) => match e.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(BackendError::new(BackendErrorKind::Unavailable, "the runtime is shutting down")),
        },
    }
}
