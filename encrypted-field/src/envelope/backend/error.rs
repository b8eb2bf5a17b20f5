//! What a key service or a store may answer instead of doing what it was asked.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why a key service or a store did not do what it was asked. What implementations of
/// [`KeyEncryptionKey`](super::KeyEncryptionKey) and [`KeyStore`](super::KeyStore) return; the
/// library adds which of them it was and turns it into an [`Error`].
#[derive(Debug)]
pub struct BackendError {
    kind: BackendErrorKind,
    detail: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure it is: what the library does about it depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendErrorKind {
    /// Out of reach, too slow, or failing by itself (HTTP 5xx). Tried again later.
    Unavailable,
    /// Too many calls. Tried again later.
    Throttled,
    /// It does not let this process in: no permission, an expired token, a wrong clock. Somebody
    /// has to act.
    Denied,
    /// The key-encryption key itself is disabled, deleted, or not there. Somebody has to act.
    KeyUnusable,
    /// It answered that this wrapped key is not one of its key and context: changed, swapped, or of
    /// another key.
    Rejected,
    /// What it answered makes no sense.
    Garbled,
    /// It can't be used as it is configured: no such table or mount, a document too large for it.
    Misconfigured,
}

impl BackendErrorKind {
    /// Whether the same call may succeed later without anybody acting.
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Unavailable | Self::Throttled | Self::Garbled)
    }
}

impl BackendError {
    /// `detail` says what happened and how to mend it. It must hold neither a key nor a credential:
    /// it ends up in logs.
    pub fn new(kind: BackendErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// The error behind it. Only one that holds neither a key nor a credential, in `Display` or
    /// `Debug`.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> BackendErrorKind {
        self.kind
    }

    /// As an error about `who`, such as `KEK "eu" (AWS KMS alias/app)`.
    pub(in crate::envelope) fn of_kek(self, who: &str) -> Error {
        let kind = match self.kind {
            BackendErrorKind::Unavailable | BackendErrorKind::Throttled | BackendErrorKind::Garbled => {
                ErrorKind::KeyServiceUnavailable
            }
            BackendErrorKind::Denied | BackendErrorKind::Misconfigured => ErrorKind::KeyServiceDenied,
            BackendErrorKind::KeyUnusable => ErrorKind::KekUnusable,
            BackendErrorKind::Rejected => ErrorKind::WrappedKeyRejected,
        };
        self.into_error(kind, who)
    }

    /// As an error about the store `who`.
    pub(in crate::envelope) fn of_store(self, who: &str) -> Error {
        let kind = match self.kind {
            BackendErrorKind::Unavailable | BackendErrorKind::Throttled => ErrorKind::KeyStoreUnavailable,
            BackendErrorKind::Denied
            | BackendErrorKind::KeyUnusable
            | BackendErrorKind::Rejected
            | BackendErrorKind::Misconfigured => ErrorKind::KeyStoreUnusable,
            BackendErrorKind::Garbled => ErrorKind::KeyStoreTampered,
        };
        self.into_error(kind, who)
    }

    fn into_error(self, kind: ErrorKind, who: &str) -> Error {
        let error = Error::new(kind).detail(self.detail).within(who);
        match self.source {
            Some(source) => error.caused_by(Source(source)),
            None => error,
        }
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// A boxed error as one.
struct Source(Box<dyn StdError + Send + Sync>);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Source {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
