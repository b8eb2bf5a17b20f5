//! Key stores: where wrapped keys are kept.

use std::pin::Pin;
use std::time::SystemTime;

use super::BackendError;

/// Keeps wrapped keys. It is not trusted: its content is authenticated, and wrapped under keys that
/// it does not have. It must give records of one moment, and change several of them all or not at
/// all.
///
/// An implementation that waits for nothing just returns. If it waits and the feature `tokio` is
/// on, it is polled on Tokio, and the library bounds its time. It must not block the thread: a call
/// that hangs in there is never given up. If its library blocks, it runs that elsewhere, such as by
/// `tokio::task::spawn_blocking`. Without that feature it must bound its own time.
///
/// A store that keeps all records in one text implements [`Document`](super::Document) instead, and
/// is a `KeyStore` by that. [`conformance::key_store`](super::conformance::key_store) tests one.
pub trait KeyStore: Send + Sync + 'static {
    /// The records that `query` [selects](Query::selects), as they were at one moment, in any
    /// order. None at all if nothing was ever written. A store that can't select gives more, or
    /// all.
    ///
    /// It sees every change that has succeeded before the call, so it reads no replica. A key is
    /// made active once each process must have seen it here.
    fn load(&self, query: &Query) -> impl Future<Output = Result<Loaded, BackendError>> + Send;

    /// Writes `changed`, each in place of the record of its name. One of them is the head, and no
    /// name is there twice. It writes only if the head that is stored has revision `expected`, or
    /// for `expected` 0 if there is no head. It writes all or nothing, durably, and before any
    /// other caller's change. `Ok(false)` if another revision is stored: nothing was written. No
    /// record is ever removed.
    fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// What it is, for messages, such as `table encrypted_field_keys (PostgreSQL)`. No credential.
    fn describe(&self) -> String;

    /// Whether backups of the application's database hold what is stored here. If they don't,
    /// destroying a key here destroys it for good.
    fn is_in_database_backups(&self) -> bool {
        true
    }

    /// Removes, after a key was destroyed, the older versions that the store itself keeps of its
    /// records.
    fn forget_history(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        async { Ok(()) }
    }
}

/// Which records are wanted: the head, and those that have one of the names or begin with one of
/// the prefixes, and have a revision above `after`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// Whole names.
    pub names: Vec<String>,
    /// Beginnings of names. The empty one selects all.
    pub prefixes: Vec<String>,
    /// Only records of a higher revision. The head is given in any case.
    pub after: u64,
}

impl Query {
    /// All records.
    pub fn all() -> Self {
        Self { prefixes: vec![String::new()], ..Self::default() }
    }

    /// The head alone.
    pub fn head() -> Self {
        Self::default()
    }

    /// The records of these names, too.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(names);
        self
    }

    /// The records whose names begin like this, too.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefixes.push(prefix.into());
        self
    }

    /// Only what was written after this revision. The head is given in any case.
    #[must_use]
    pub fn after(mut self, revision: u64) -> Self {
        self.after = revision;
        self
    }

    /// Whether a record is one of those that are wanted. This is for stores that look through all
    /// they have. It looks through all names and prefixes.
    pub fn selects(&self, record: &Record) -> bool {
        record.is_head()
            || record.revision > self.after
                && (self.prefixes.iter().any(|prefix| record.name.starts_with(prefix))
                    || self.names.contains(&record.name))
    }
}

/// What a store has loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The records.
    pub records: Vec<Record>,
    /// What time it was by the clock of the store's server. `None` if it has no clock but this
    /// host's. Changes are refused if it is far from the clock of this process.
    pub time: Option<SystemTime>,
}

impl Loaded {
    /// These records, from a store without a clock of its own.
    pub fn new(records: Vec<Record>) -> Self {
        Self { records, time: None }
    }

    /// By the clock of the store's server, at the time of loading.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }
}

/// One record of a store: its name, the revision in which it was written, and the text to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// 1 to 100 bytes of `a` to `z`, `0` to `9` and `/`.
    pub name: String,
    /// The revision of the store in which it was last written: 1 to `i64::MAX`.
    pub revision: u64,
    /// JSON, one object, UTF-8. Its white space and the order of its members may change, nothing
    /// else. At most 1 MiB.
    pub body: String,
}

impl Record {
    /// The name of the head.
    pub const HEAD: &'static str = "head";
    /// The most bytes of a name.
    pub const MAX_NAME: usize = 100;
    /// The most bytes of a body, 1 MiB.
    pub const MAX_BODY: usize = 1 << 20;

    /// Whether it is the head.
    pub fn is_head(&self) -> bool {
        self.name == Self::HEAD
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BackendError>> + Send + 'a>>;

/// [`KeyStore`] with its type erased.
pub(in crate::envelope) trait AnyStore: Send + Sync {
    fn load<'a>(&'a self, query: &'a Query) -> Answer<'a, Loaded>;
    fn compare_and_swap<'a>(&'a self, expected: u64, changed: &'a [Record]) -> Answer<'a, bool>;
    fn describe(&self) -> String;
    fn is_in_database_backups(&self) -> bool;
    fn forget_history(&self) -> Answer<'_, ()>;
}

impl<S: KeyStore> AnyStore for S {
    fn load<'a>(&'a self, query: &'a Query) -> Answer<'a, Loaded> {
        Box::pin(KeyStore::load(self, query))
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
