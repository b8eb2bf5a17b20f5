//! What can go wrong. Every message names the column and the key id if they are known, and the fix.
//! None holds plaintext, ciphertext or key bytes.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::key_id::KeyId;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate: a [kind](ErrorKind), and the column and the key id if they are known.
///
/// `Display` and `Debug` never contain plaintext, ciphertext or key bytes.
/// [`Error::find`] finds it inside of an ORM's error.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    column: Option<Cow<'static, str>>,
    key_id: Option<KeyId>,
    detail: Option<Cow<'static, str>>,
    /// Somebody has to act, although most errors of this kind go away by themselves.
    is_final: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Who has to act on an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorFamily {
    /// The program did something that it must not do. The same call fails again.
    Misuse,
    /// What is stored is not a value that this field may read.
    Data,
    /// The keys are missing, wrong or out of reach.
    Keys,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $family:ident $name:ident = $text:literal,)*) => {
        /// What went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl ErrorKind {
            /// Who has to act on it.
            pub const fn family(self) -> ErrorFamily {
                match self {
                    $(Self::$name => ErrorFamily::$family,)*
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// The plaintext to be sealed is itself a stored value that opens under this very field.
    Misuse DoubleEncryption = "the value to be encrypted is a stored value of this very column; pass the plaintext, or open it first",
    /// The plaintext is longer than 2^28 bytes (256 MiB), the limit of the format.
    Misuse TooLarge = "longer than 2^28 bytes (256 MiB), the limit of a field; encrypt files as files",
    /// The value has no encoding, such as a `u128` above `i128::MAX`.
    Misuse Unrepresentable = "the value has no encoding",

    /// The feature `fips` is on, and the cryptographic module is not in FIPS mode.
    Misuse FipsMode = "the cryptographic module does not report FIPS mode; check how the program was linked",
    /// The field takes its keys from the scope that is entered, and no scope is entered.
    Misuse NoScope = "the field takes its keys from the scope that is entered, and none is; run this inside of `Scope::run` or \
        `Scope::enter`",
    /// The name is not the name of a tenant's scope: it is empty, or it is the name of a scope
    /// whose keys are loaded with the process.
    Misuse InvalidScope = "this is not the name of a tenant's scope",
    /// The program asked for something that can't be undone, without the value that confirms it.
    Misuse NotConfirmed = "this can't be undone and was not confirmed",
    /// Values of one column would open in another.
    Misuse AmbiguousContext = "values of one column would open in another",
    /// The field can't store its values as plaintext, or not this one.
    Misuse PlaintextWrite = "the value can't be stored as plaintext",
    /// Two models declare one column in two ways.
    Misuse ConflictingModels = "two models declare one column in two ways",

    /// The stored value can't be one of this library, and the field declares no `legacy` reader.
    Data NotEncrypted = "the stored value is not encrypted by this library",
    /// The stored value can't be one of this library, and the program has closed the legacy reader.
    Data LegacyClosed = "the stored value is not encrypted by this library, and legacy reads are closed for this column; \
        encrypt the row, or reopen them for as long as that takes",
    /// The legacy reader refused the stored value. The reader of `legacy = plaintext` says why, and
    /// so does a function that returns a
    /// [`PlaintextError`](crate::plaintext::PlaintextError). Other errors of a function are
    /// dropped, because they may hold the value.
    Data LegacyRefused = "the stored value is not encrypted by this library, and the field's legacy reader refused it; \
        see what stands in the row, and let the reader take it or mend the row",
    /// The stored value is one of this library, but it was cut off or changed, or something stands
    /// before or after it.
    Data Malformed = "the stored value is damaged",
    /// A binary column has the text form, or a text column has the binary form.
    Data WrongStorage = "the stored value has the form for the other kind of column (text against binary); read it \
        with the storage it was written with",
    /// The value was written in a later version of the stored format.
    Data UnsupportedVersion = "the stored value has a format version that this release does not read; upgrade encrypted-field",
    /// The value was written with an algorithm or flag that is unknown to this version.
    Data UnsupportedSuite = "the stored value has an algorithm or a flag that this release does not read; upgrade encrypted-field",
    /// The row has the reserved value for "not written yet" (`ef1:0:`).
    Data Pending = "the row is pending: its value was never written; write it",
    /// The value is bound to other columns of its row and the field declares none, or the other way
    /// round.
    Data BoundColumns = "the stored value is bound to other columns of its row, and the field declares none (or the other \
        way round)",
    /// The value does not authenticate: it was changed, belongs to another column, or its key
    /// differs. Nothing can tell which of these it is. A detached value that authenticates and is
    /// not of the field's type has this kind, too.
    Data Authentication = "the stored value does not authenticate: it was changed, was moved here from another column, or \
        was written under another key with this id; bring back the row's own value, or the key",
    /// The value authenticates, but its content is not of the field's type.
    Data InvalidPlaintext = "the value opens, but does not hold the field's type; declare the type that was written",
    /// The key belongs to another scope than the field's.
    Data ScopeMismatch = "the value is under a key of another scope; a field opens only values of its own scope",
    /// The key is not one for fields.
    Data PurposeMismatch = "the value is under a key that is not for fields",

    /// No keys are installed, and the environment has none.
    Keys NoKeys = "no keys are set: call `encrypted_field::install` at start-up, or set the environment's, with a key \
        from `openssl rand -base64 32`",
    /// The given keys can't be used: they are malformed, too short, duplicate or ambiguous.
    Keys InvalidKeys = "the keys can't be used",
    /// No key of this scope and purpose is active, so nothing can be sealed.
    Keys NoActiveKey = "no key of this scope and purpose is active; add one to the key ring",
    /// The value names a key id that the key ring does not hold.
    Keys UnknownKey = "the key ring does not hold this key; add it as a retired key (it was active once)",
    /// The key is disabled, destroyed, or compromised and refused.
    Keys KeyUnusable = "the key may not be used",
    /// A key id that is in use came back with other bytes, another scope or purpose, or after it
    /// was destroyed.
    Keys KeyConflict = "this key id is in use for another key; give the new key a new id",
    /// The key file can't be read or written, or is not safe to use.
    Keys KeyFile = "the key file can't be used",
    /// The value names a key that this process has not loaded yet. Try again in a moment. See
    /// [`Error::is_retryable`].
    Keys KeyNotLoaded = "this process has not loaded the key yet; try again in a moment",
    /// The key service and the store have not confirmed the keys for longer than the process may
    /// use them without that.
    Keys KeysExpired = "the keys are too old: they could not be refreshed",
    /// The key is past the date until which it may seal, because nobody has made the next one
    /// active.
    Keys KeyPastLifetime = "the key is past its lifetime and seals no more; rotate it",
    /// The key service is out of reach, too slow, or answers with errors of its own.
    Keys KeyServiceUnavailable = "the key service does not answer as it should",
    /// The key service refuses this process: no permission, an expired token, a wrong clock, or a
    /// wrong setting.
    Keys KeyServiceDenied = "the key service refuses this process",
    /// The key-encryption key is disabled or deleted, or it does not exist.
    Keys KekUnusable = "the key-encryption key can't be used",
    /// A wrapped key does not unwrap: it was changed, swapped, or wrapped under another
    /// key-encryption key.
    Keys WrappedKeyRejected = "the wrapped key does not unwrap; `repair` wraps it anew if another key-encryption key of the store \
        unwraps it; else restore the store from a backup",
    /// The key store is out of reach or too slow.
    Keys KeyStoreUnavailable = "the key store does not answer as it should",
    /// The key store can't be used: no permission, no such table, nothing in it, too large.
    Keys KeyStoreUnusable = "the key store can't be used",
    /// The key store does not authenticate: somebody without the key-encryption key has changed it.
    Keys KeyStoreTampered = "the key store was changed by somebody without the key-encryption key, or is damaged; nothing of it is used; see \
        that it is the right one, and restore it from a backup",
    /// The key store is older than one that was seen before, older than its anchor, or older than
    /// the configured minimum. Or it is another store, or empty.
    Keys KeyStoreRolledBack = "the key store was set back, replaced or emptied; bring the newest one back, or where a backup was restored on purpose, \
        look at it and `accept_restored`",
    /// Nobody has signed the key store for too long. What this process sees may be an old state of
    /// it, so the process seals nothing.
    Keys KeyStoreFrozen = "the key store was not signed anew for too long, and may be an old state of itself: nothing is sealed until \
        somebody who maintains it signs it; let a process `install` or `maintain` it, and see that the store is no replica",
    /// The clock of this process and that of the key store or a key service are too far apart, so
    /// the process writes nothing that has a date.
    Keys ClockSkew = "the clock of this process and another one contradict each other",
    /// Others change the key store all the time. This change was not made.
    Keys KeyStoreBusy = "the key store was changed by others each time that this change was tried; try again",
    /// The key's state or age does not allow this change.
    Keys KeyLifecycle = "the key's life does not allow this",
    /// The operating system gave no random bytes.
    Keys Randomness = "the operating system gave no random bytes",
}

impl Error {
    pub(crate) fn new(kind: ErrorKind) -> Self {
        Self(Box::new(Inner {
            kind,
            column: None,
            key_id: None,
            detail: None,
            is_final: false,
            source: None,
        }))
    }

    /// Adds what is wrong in this case and how to mend it. The text must not hold a secret.
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Says where the detail applies, such as the variable or the file that holds the keys.
    pub(crate) fn within(mut self, place: &str) -> Self {
        let detail = self.0.detail.take();
        self.0.detail = Some(match detail {
            Some(detail) => format!("{place}: {detail}").into(),
            None => place.to_owned().into(),
        });
        self
    }

    /// What is wrong in this case.
    #[cfg(feature = "envelope")]
    pub(crate) fn details(&self) -> &str {
        self.0.detail.as_deref().unwrap_or_default()
    }

    /// Adds to the detail.
    pub(crate) fn and(mut self, more: &str) -> Self {
        self.0.detail = Some(match self.0.detail.take() {
            Some(detail) => format!("{detail}; {more}").into(),
            None => more.to_owned().into(),
        });
        self
    }

    /// Says that the same call fails again until somebody acts, whatever its kind.
    #[cfg(feature = "envelope")]
    pub(crate) fn finally(mut self, is_final: bool) -> Self {
        self.0.is_final = is_final;
        self
    }

    pub(crate) fn at(mut self, column: impl Into<Cow<'static, str>>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    pub(crate) fn key(mut self, id: KeyId) -> Self {
        self.0.key_id = Some(id);
        self
    }

    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The context of the field concerned, by default `table.column`.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The key concerned.
    pub fn key_id(&self) -> Option<KeyId> {
        self.0.key_id
    }

    /// Whether the same call may succeed later although nobody acts: the keys are not loaded yet,
    /// or a key service or a store is out of reach. Keys are not retryable if they have expired
    /// because the store was set back or a permission is gone.
    pub fn is_retryable(&self) -> bool {
        let may_go_away = matches!(
            self.kind(),
            ErrorKind::KeyNotLoaded
                | ErrorKind::KeysExpired
                | ErrorKind::KeyServiceUnavailable
                | ErrorKind::KeyStoreUnavailable
                | ErrorKind::KeyStoreBusy
                | ErrorKind::KeyStoreFrozen
        );
        may_go_away && !self.0.is_final
    }

    /// Finds this crate's error in a Diesel, SQLx or other error that carries it.
    ///
    /// - Diesel's errors carry it. The text of a read error names only the field.
    /// - SQLx's errors of reading carry it, and so does the error of `try_bind`.
    /// - SQLx's `bind` keeps only the text of the error, so this finds nothing. Seal before you
    ///   bind: `query.bind(token.to_stored_value()?)`.
    ///
    ///
    /// ```
    /// # use encrypted_field::{Error, ErrorKind, Keyring};
    /// let wrapped = std::io::Error::other(Keyring::builder().build().unwrap_err());
    /// assert_eq!(Error::find(&wrapped).map(Error::kind), Some(ErrorKind::InvalidKeys));
    /// ```
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found);
            }
            // Some errors hide what they hold from `source()`.
            if let Some(io) = error.downcast_ref::<std::io::Error>()
                && let Some(inner) = io.get_ref()
                && let Some(found) = Self::find(inner)
            {
                return Some(found);
            }
            #[cfg(feature = "diesel")]
            if let Some(
                diesel::result::Error::SerializationError(inner)
                | diesel::result::Error::DeserializationError(inner)
                | diesel::result::Error::QueryBuilderError(inner),
            ) = error.downcast_ref()
                && let Some(found) = Self::find(&**inner)
            {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { column, key_id, .. } = &*self.0;
        if let Some(column) = column {
            write!(f, "{column}: ")?;
        }
        if let Some(id) = key_id {
            write!(f, "key {id}: ")?;
        }
        Message(&self.0).fmt(f)
    }
}

/// What went wrong and what to do, without the place.
struct Message<'a>(&'a Inner);

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.kind.text())?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Texts of this crate, which need no escapes and are easier to read without.
        fmt::Display::fmt(self, f)
    }
}

/// The message stands last: a panic and `main` print this form, and whoever reads it there wants to
/// know what to do.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, column, key_id, detail: _, is_final, source } = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", kind);
        if let Some(column) = column {
            out.field("column", column);
        }
        if let Some(id) = key_id {
            out.field("key_id", &id.get());
        }
        if *is_final {
            out.field("is_final", is_final);
        }
        if let Some(source) = source {
            out.field("source", source);
        }
        out.field("message", &Message(&self.0));
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}
