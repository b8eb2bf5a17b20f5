//! The source of a ring whose keys come from a key service. It tells how long they may be used, and
//! where others may be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::KeyEntry;
use crate::error::Result;
use crate::key_id::KeyId;

/// Behind a ring. Nothing here waits for a service.
pub(crate) trait KeySource: Send + Sync {
    /// Whether the keys may still be used, without having been confirmed anew. Gives the time, of a
    /// clock that never goes back.
    fn now(&self) -> Result<Duration>;

    /// As [`now`](Self::now), for sealing. It ends earlier if a key may have been retired or
    /// destroyed since.
    fn now_to_seal(&self) -> Result<Duration>;

    /// A value names a key that is not in the ring. Gives the key, if it has come since the ring
    /// was made, else why it is not there. `is_stored` says whether it is a value of a column, and
    /// not a detached one, which anybody may have sent.
    fn find(&self, id: KeyId, is_stored: bool) -> Result<Arc<KeyEntry>>;
}

/// A key of the ring, or one that has come since.
pub(crate) enum Found<'a> {
    InRing(&'a KeyEntry),
    Since(Arc<KeyEntry>),
}

impl std::ops::Deref for Found<'_> {
    type Target = KeyEntry;

    #[inline]
    fn deref(&self) -> &KeyEntry {
        match self {
            Self::InRing(key) => key,
            Self::Since(key) => key,
        }
    }
}

impl fmt::Debug for dyn KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySource")
    }
}
