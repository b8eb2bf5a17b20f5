//! Plaintext types and their encodings, which `FORMAT.md` pins.

#[cfg(feature = "chrono")]
mod chrono;
mod civil;
mod decimal;
mod integer;
mod json;
mod text;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

use std::fmt;

use ctutils::CtEq as _;
use zeroize::{Zeroize as _, Zeroizing};

pub use json::Json;

use crate::error::{Error, ErrorKind};

/// What a field can hold: a type with one encoding.
///
/// Implemented for `String`, `Vec<u8>`, all integers, `bool`, and with the feature of the same name for
/// `uuid::Uuid`, the date and time types of `chrono` and `time`, `rust_decimal::Decimal`,
/// `bigdecimal::BigDecimal`, and (`json`) any serde type. It can be implemented for types of your own:
///
/// ```
/// use encrypted_field::{Encoded, Plaintext, PlaintextError, Zeroizing};
///
/// #[derive(Clone)]
/// struct Latitude { microdegrees: i32 }
///
/// impl Plaintext for Latitude {
///     type Value = Self;
///     type View = Self;
///     fn from_value(value: Self) -> Self { value }
///     fn into_value(self) -> Self { self }
///     fn view(&self) -> &Self { self }
///     fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
///         Ok(Encoded::inline(&self.microdegrees.to_be_bytes()))
///     }
///     fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
///         let bytes = bytes.as_slice().try_into().map_err(|_| PlaintextError::new("not four bytes"))?;
///         Ok(Self { microdegrees: i32::from_be_bytes(bytes) })
///     }
/// }
/// # let round = Latitude::decode(Zeroizing::new(Latitude { microdegrees: -7 }.encode().unwrap().to_vec()));
/// # assert_eq!(round.unwrap().microdegrees, -7);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the plaintext of an encrypted field",
    label = "not a plaintext type",
    note = "plaintext types are String, Vec<u8>, integers, bool, and with the feature of encrypted-field named so: \
            Uuid (`uuid`), dates and times (`chrono`, `time`), decimals (`rust_decimal`, `bigdecimal`)",
    note = "any serde type: `#[encrypted(json = {Self})]` with the feature `json`; its type must be Clone, Serialize \
            and DeserializeOwned",
    note = "or implement `encrypted_field::Plaintext` for it"
)]
pub trait Plaintext: Clone + 'static {
    /// What the application handles: `Self`, save for wrappers such as [`Json`].
    type Value;
    /// What a field of this type dereferences to: `str` for `String`.
    type View: ?Sized;

    /// Takes the application's value.
    fn from_value(value: Self::Value) -> Self;

    /// Gives the application's value.
    fn into_value(self) -> Self::Value;

    /// The value to look at.
    fn view(&self) -> &Self::View;

    /// The bytes to be encrypted. Equal values must give equal bytes.
    fn encode(&self) -> Result<Encoded<'_>, PlaintextError>;

    /// The value back from its bytes; anything but what [`encode`](Self::encode) gives is refused.
    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError>;

    /// Reads a value that was stored without encryption, for `legacy = plaintext`: its `FromStr` form or JSON.
    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        let _ = stored;
        Err(PlaintextError::new("this type has no plain form; give the field a `legacy` function"))
    }

    /// Overwrites the value in memory, on drop. Does nothing unless the type implements it: of those in this crate
    /// `BigDecimal` does not, and [`Json`] does in generated types where what it holds is `Zeroize`.
    fn wipe(&mut self) {}
}

/// Encoded plaintext: borrowed, short and on the stack, or owned. Wiped on drop unless borrowed.
pub struct Encoded<'a>(Bytes<'a>);

enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Inline([u8; Encoded::INLINE], u8),
    Owned(Zeroizing<Vec<u8>>),
}

impl<'a> Encoded<'a> {
    /// The most bytes that [`Encoded::inline`] keeps on the stack.
    pub const INLINE: usize = 48;

    /// The value's own bytes.
    #[inline]
    pub fn borrowed(bytes: &'a [u8]) -> Self {
        Self(Bytes::Borrowed(bytes))
    }

    /// A copy, without an allocation up to [`Encoded::INLINE`] bytes.
    pub fn inline(bytes: &[u8]) -> Self {
        let mut inline = [0; Self::INLINE];
        match (inline.get_mut(..bytes.len()), u8::try_from(bytes.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(bytes);
                Self(Bytes::Inline(inline, len))
            }
            _ => Self::owned(bytes.to_vec()),
        }
    }

    /// Bytes made for the occasion.
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self(Bytes::Owned(Zeroizing::new(bytes)))
    }
}

impl std::ops::Deref for Encoded<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Inline(bytes, len) => &bytes[..usize::from(*len)],
            Bytes::Owned(bytes) => bytes,
        }
    }
}

impl Drop for Encoded<'_> {
    fn drop(&mut self) {
        if let Bytes::Inline(bytes, _) = &mut self.0 {
            bytes.zeroize();
        }
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoded(..)")
    }
}

/// Why a plaintext can't be encoded or decoded: a fixed text, so that it can't hold the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaintextError(&'static str);

impl PlaintextError {
    /// Says what is wrong, such as `"not UTF-8"`.
    pub const fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    pub(crate) fn on_encode(self) -> Error {
        Error::new(ErrorKind::Unrepresentable).detail(self.0)
    }

    pub(crate) fn on_decode(self) -> Error {
        Error::new(ErrorKind::InvalidPlaintext).detail(self.0)
    }
}

impl fmt::Display for PlaintextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for PlaintextError {}

/// Equality of encodings, in time that depends on their lengths only. A value without an encoding equals itself, since
/// generated types are `Eq`, and nothing else.
pub(crate) fn ct_eq<P: Plaintext>(a: &P, b: &P) -> bool {
    matches!((a.encode(), b.encode()), (Ok(a), Ok(b)) if a.ct_eq(&*b).to_bool()) || std::ptr::eq(a, b)
}

/// The `FromStr` form of a legacy value, white space around it allowed: some databases pad.
fn legacy_str(stored: &[u8]) -> Result<&str, PlaintextError> {
    std::str::from_utf8(stored).map(str::trim).map_err(|_| PlaintextError::new("not UTF-8"))
}

/// `wipe` of a type that is all value: overwritten with another one.
#[cfg(any(feature = "chrono", feature = "time", feature = "uuid", feature = "rust_decimal"))]
macro_rules! overwrite_with {
    ($blank:expr) => {
        fn wipe(&mut self) {
            *self = $blank;
            zeroize::optimization_barrier(self);
        }
    };
}
#[cfg(any(feature = "chrono", feature = "time", feature = "uuid", feature = "rust_decimal"))]
use overwrite_with;

/// `impl Plaintext` items of a type that the application handles as it is.
macro_rules! plain_value {
    ($view:ty) => {
        type Value = Self;
        type View = $view;

        fn from_value(value: Self) -> Self {
            value
        }

        fn into_value(self) -> Self {
            self
        }

        fn view(&self) -> &$view {
            self
        }
    };
}
use plain_value;
