//! What all formats have in common, and a closure for those that this crate does not know.

use std::fmt;
use std::sync::Arc;

use encrypted_field::plaintext::{PlaintextError, Zeroizing};

/// The format in which other software has stored an encrypted column, with the keys to read it.
///
/// It never writes. A value that does not authenticate is refused, and so is each format that
/// does not authenticate.
pub trait ForeignFormat: Send + Sync {
    /// The plaintext of a stored value, as the other software has serialised it.
    ///
    /// It looks at `stored` as a whole: nothing may stand before or after the value. The error is
    /// a fixed text, so that it can't hold the value.
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError>;

    /// The name by which [`from_settings`](crate::from_settings) knows the format.
    fn name(&self) -> &'static str;
}

impl<F: ForeignFormat + ?Sized> ForeignFormat for Box<F> {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        (**self).read(stored)
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}

impl<F: ForeignFormat + ?Sized> ForeignFormat for Arc<F> {
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        (**self).read(stored)
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}

/// A format of your own. `read` must refuse what does not authenticate.
///
/// ```
/// use encrypted_field::plaintext::{PlaintextError, Zeroizing};
/// use encrypted_field_foreign::{ForeignFormat, from_fn};
///
/// // A value that another format reads, after a prefix.
/// fn prefixed(inner: impl ForeignFormat) -> impl ForeignFormat {
///     from_fn("prefixed", move |stored: &[u8]| {
///         let value = stored.strip_prefix(b"v2|").ok_or(PlaintextError::new("no prefix v2|"))?;
///         inner.read(value)
///     })
/// }
/// ```
pub fn from_fn<F>(name: &'static str, read: F) -> FromFn<F>
where
    F: Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> + Send + Sync,
{
    FromFn { name, read }
}

/// See [`from_fn`].
pub struct FromFn<F> {
    name: &'static str,
    read: F,
}

impl<F> ForeignFormat for FromFn<F>
where
    F: Fn(&[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> + Send + Sync,
{
    fn read(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, PlaintextError> {
        (self.read)(stored)
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").field("name", &self.name).finish_non_exhaustive()
    }
}

/// `Debug` that shows no key.
macro_rules! redacted {
    ($($type:ty),*) => {$(
        impl ::std::fmt::Debug for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}
pub(crate) use redacted;
