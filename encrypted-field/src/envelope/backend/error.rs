//! What a key service or a store may answer instead of doing what it was asked.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// Why a key service or a store did not do what it was asked. Implementations of
/// [`KeyEncryptionKey`](super::KeyEncryptionKey) and [`KeyStore`](super::KeyStore) return it. The
/// library adds which of them it was and turns it into an [`Error`].
#[derive(Debug)]
pub struct BackendError {
    kind: BackendErrorKind,
    detail: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What kind of failure it is. The library acts on it.
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
    /// It answered that this wrapped key is of another key-encryption key. That says more than
    /// [`Rejected`](Self::Rejected): the context is not what is wrong. For services that can tell.
    OtherKek,
    /// Its answer makes no sense.
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
    /// `detail` says what happened and how to mend it. It must hold neither a key nor a credential,
    /// because it ends up in logs.
    pub fn new(kind: BackendErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), source: None }
    }

    /// The error behind it. It must hold neither a key nor a credential, in `Display` or in
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
            BackendErrorKind::Unavailable
            | BackendErrorKind::Throttled
            | BackendErrorKind::Garbled => ErrorKind::KeyServiceUnavailable,
            BackendErrorKind::Denied | BackendErrorKind::Misconfigured => {
                ErrorKind::KeyServiceDenied
            }
            BackendErrorKind::KeyUnusable => ErrorKind::KekUnusable,
            BackendErrorKind::Rejected | BackendErrorKind::OtherKek => {
                ErrorKind::WrappedKeyRejected
            }
        };
        let is_other_kek = self.kind == BackendErrorKind::OtherKek;
        let error = self.into_error(kind, who);
        if is_other_kek { error.caused_by(OtherKek) } else { error }
    }

    /// As an error about the store `who`.
    pub(in crate::envelope) fn of_store(self, who: &str) -> Error {
        let kind = match self.kind {
            BackendErrorKind::Unavailable | BackendErrorKind::Throttled => {
                ErrorKind::KeyStoreUnavailable
            }
            BackendErrorKind::Denied
            | BackendErrorKind::KeyUnusable
            | BackendErrorKind::Rejected
            | BackendErrorKind::OtherKek
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

/// Behind an error about a key-encryption key that is known to be another one.
#[derive(Debug)]
pub(in crate::envelope) struct OtherKek;

impl OtherKek {
    pub(in crate::envelope) fn is_behind(error: &Error) -> bool {
        error.source().is_some_and(<dyn StdError>::is::<Self>)
    }
}

impl fmt::Display for OtherKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another key-encryption key has wrapped it")
    }
}

impl StdError for OtherKek {}

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
