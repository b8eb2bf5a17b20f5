//! Where the keys come from.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use encrypted_field::Keyring;

/// What [`Keys::ring_for`] gives.
pub type RingFuture<'a> =
    Pin<Box<dyn Future<Output = encrypted_field::Result<Arc<Keyring>>> + Send + 'a>>;

/// What [`Keys::refresh`] gives.
pub type RefreshFuture<'a> = Pin<Box<dyn Future<Output = encrypted_field::Result<()>> + Send + 'a>>;

/// Gives the key ring for a scope. The engine asks for it once for each batch, so keys that rotate
/// while a job runs are taken up.
///
/// An error that is [retryable](encrypted_field::Error::is_retryable) makes the job wait. Another
/// one fails the rows of the scope, and leaves them as they are.
pub trait Keys: Send + Sync {
    /// The ring with the keys of this scope; `""` is the default scope.
    fn ring_for<'a>(&'a self, scope: &'a str) -> RingFuture<'a>;

    /// Asks the source for newer keys. The engine calls it if a value names a key that its ring has
    /// [not loaded](encrypted_field::ErrorKind::KeyNotLoaded), and decides on the row once more. By
    /// default there is nothing to ask.
    fn refresh(&self) -> RefreshFuture<'_> {
        Box::pin(async { Ok(()) })
    }
}

/// One ring for all scopes.
impl Keys for Arc<Keyring> {
    fn ring_for<'a>(&'a self, _: &'a str) -> RingFuture<'a> {
        Box::pin(async { Ok(Self::clone(self)) })
    }
}
