//! Calls that block, where there is no runtime whose threads they would keep.

use super::BackendError;

/// Runs `call` right here.
#[allow(clippy::unused_async)] // The same call as with a runtime.
pub(super) async fn run<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
) -> Result<T, BackendError> {
    call()
}
