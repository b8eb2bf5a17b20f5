//! Key stores: where wrapped keys are kept.

use std::pin::Pin;

use super::BackendError;

/// Keeps wrapped keys. It is not trusted: what it holds is authenticated, and wrapped under keys that it does not have. What it must
/// do is to give all records of one moment, and to change them all or not at all.
///
/// An implementation that doesn't wait for anything just returns. One that does is polled on Tokio where the feature `tokio` is
/// on, and bounded in time by the library; without that feature it must bound its own time.
///
/// [`conformance::key_store`](super::conformance::key_store) tests one.
pub trait KeyStore: Send + Sync + 'static {
    /// The records whose revision is above `after`, and in any case the head (id 0), as they were at one moment, in any
    /// order. Nothing at all where nothing was ever written. A store that can't select gives all. It sees every change that has
    /// succeeded before the call, so it reads no replica: a key is made active once each process must have seen it here.
    fn load(&self, after: u64) -> impl Future<Output = Result<Vec<Record>, BackendError>> + Send;

    /// Writes `changed` (one of them the head; none twice), each in place of the record of its id, if the head that is stored has
    /// revision `expected`, or for `expected` 0 if there is none. All or nothing, durably, and before any other caller's
    /// change. `Ok(false)` where another revision is stored: nothing was written. No record is ever removed.
    fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// What it is, for messages: such as `table encrypted_field_keys (PostgreSQL)`. No credential.
    fn describe(&self) -> String;

    /// Whether backups of the application's database hold what is stored here. Where they don't, destroying a key here destroys
    /// it for good.
    fn is_in_database_backups(&self) -> bool {
        true
    }

    /// Removes, after a key was destroyed, the older versions that the store itself keeps of its records.
    fn forget_history(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        async { Ok(()) }
    }
}

/// One record of a store: its id, the revision in which it was written, and the text to be kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 0 is the head; else the id of a key.
    pub id: u32,
    /// The revision of the store in which it was last written: 1 to `i64::MAX`.
    pub revision: u64,
    /// JSON, one object, UTF-8. Its members may be reordered, nothing else may change. At most 64 KiB.
    pub body: String,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// [`KeyStore`] with its type erased.
pub(super) trait AnyStore: Send + Sync {
    fn load(&self, after: u64) -> Answer<'_, Vec<Record>>;
    fn compare_and_swap<'a>(&'a self, expected: u64, changed: &'a [Record]) -> Answer<'a, bool>;
    fn describe(&self) -> String;
    fn is_in_database_backups(&self) -> bool;
    fn forget_history(&self) -> Answer<'_, ()>;
}

impl<S: KeyStore> AnyStore for S {
    fn load(&self, after: u64) -> Answer<'_, Vec<Record>> {
        Box::pin(KeyStore::load(self, after))
    }

    fn compare_and_swap<'a>(&'a self, expected: u64, changed: &'a [Record]) -> Answer<'a, bool> {
        Box::pin(KeyStore::compare_and_swap(self, expected, changed))
    }

    fn describe(&self) -> String {
        KeyStore::describe(self)
    }

    fn is_in_database_backups(&self) -> bool {
        KeyStore::is_in_database_backups(self)
    }

    fn forget_history(&self) -> Answer<'_, ()> {
        Box::pin(KeyStore::forget_history(self))
    }
}
