//! For plaintext types of your own: the trait, and the encodings, which `FORMAT.md` pins.

mod as_text;
mod by_name;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
mod civil;
mod decimal;
mod float;
mod integer;
#[cfg(feature = "jiff")]
mod jiff;
mod json;
mod network;
#[cfg(feature = "secrecy")]
mod secrecy;
mod text;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

use std::fmt;

use ctutils::CtEq as _;
use zeroize::Zeroize as _;

pub use as_text::Text;
pub use by_name::PlaintextType;
pub use json::Json;
/// The argument of [`Plaintext::decode`]: memory that wipes itself.
pub use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// A type that a field can hold. Each value has one encoding.
///
/// | type | feature | equality, if not that of the values |
/// |---|---|---|
/// | `String`, `Box<str>`, `Cow<'static, str>`, `char` | | |
/// | `SecretString` | `secrecy` | |
/// | `Vec<u8>`, `[u8; N]` | | |
/// | all integers, `bool` | | |
/// | `f32`, `f64` | | of the bits: NaN equals itself, `-0.0` is not `0.0` |
/// | `IpAddr`, `Ipv4Addr`, `Ipv6Addr`, `SocketAddr`, `SocketAddrV4`, `SocketAddrV6` | | |
/// | [`Text<T>`](Text) of a type that is `Display` and `FromStr` | | of the texts |
/// | `json = T` of any serde type, see [`Json`] | `json` | |
/// | `Uuid` | `uuid` | |
/// | `NaiveDate`, `NaiveTime`, `NaiveDateTime`, `DateTime<Utc>` | `chrono` | |
/// | `civil::Date`, `civil::Time`, `civil::DateTime`, `Timestamp` | `jiff` | |
/// | `Date`, `Time`, `PrimitiveDateTime`, `OffsetDateTime` | `time` | |
/// | `Decimal` | `rust_decimal` | 1.5 is not 1.50 |
/// | `BigDecimal` | `bigdecimal` | 1.5 is not 1.50 |
///
/// All string types share one encoding. So do all types of byte strings, integers of any width, and
/// the dates and times of the three crates. A field may change between types that share an
/// encoding. A value that does not fit the new type is an error. The encodings are in `FORMAT.md`,
/// section 7.
///
/// A type of your own takes a few lines on top of one of these, or has an encoding of its own:
///
/// ```
/// use encrypted_field::{Encrypted, Plaintext, plaintext::{Encoded, PlaintextError, Zeroizing}};
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
///     fn encode(&self) -> Result<Encoded<'_>, PlaintextError> { self.microdegrees.encode() }
///     fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
///         i32::decode(bytes).map(|microdegrees| Self { microdegrees })
///     }
/// }
///
/// #[derive(Encrypted)]
/// #[encrypted(table = "places")]
/// struct Place {
///     #[encrypted(Latitude)]
///     latitude: EncryptedLatitude,
/// }
/// # let place = Place { latitude: Latitude { microdegrees: -7 }.into() };
/// # let encoded = place.latitude.clone().into_inner().encode().unwrap().to_vec();
/// # assert_eq!(Latitude::decode(Zeroizing::new(encoded)).unwrap().microdegrees, -7);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the plaintext of an encrypted field",
    label = "not a plaintext type",
    note = "plaintext types are String, char, Vec<u8>, [u8; N], integers, floats, bool, IP addresses; with a feature of \
            encrypted-field (`uuid`, `chrono`, `time`, `jiff`, `rust_decimal`, `bigdecimal`, `secrecy`) those of the crate",
    note = "a type that is Display and FromStr: `#[encrypted(Text<{Self}>)]`; it must be Clone and PartialEq",
    note = "any serde type: `#[encrypted(json = {Self})]` with the feature `json`; its type must be Clone, PartialEq, \
            Serialize and DeserializeOwned",
    note = "or implement `encrypted_field::Plaintext` for it"
)]
pub trait Plaintext: Clone + 'static {
    /// The type that the application handles. It is `Self`, except for wrappers such as [`Json`]
    /// and [`Text`].
    type Value;
    /// The target of a field's `Deref`: `str` for `String`.
    type View: ?Sized;

    /// The name of the encoding, for tools that know columns by their description: see
    /// [`PlaintextType`]. `None` for an encoding of your own. If the type uses the encoding of
    /// another one, this is `i32::ENCODING`, for example.
    const ENCODING: Option<&'static str> = None;

    /// Takes the application's value.
    fn from_value(value: Self::Value) -> Self;

    /// Gives the application's value.
    fn into_value(self) -> Self::Value;

    /// The value to look at.
    fn view(&self) -> &Self::View;

    /// The bytes to be encrypted. [Equal](Self::equals) values give equal bytes, unless a type has
    /// its own `equals`.
    fn encode(&self) -> Result<Encoded<'_>, PlaintextError>;

    /// The value back from its bytes. Refuse everything that [`encode`](Self::encode) does not
    /// give.
    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError>;

    /// Whether two fields are equal. By default they are if their encodings are, and the time
    /// depends only on the lengths of these. A value without an encoding equals no other.
    fn equals(&self, other: &Self) -> bool {
        matches!((self.encode(), other.encode()), (Ok(a), Ok(b)) if a.ct_eq(&*b).to_bool())
    }

    /// Reads a value that was stored without encryption, for `legacy = plaintext`. It reads the
    /// `FromStr` form, JSON, or the text that PostgreSQL, MySQL, MariaDB and SQLite print when such
    /// a column is altered to text. It never moves or cuts a value. If it can't read one exactly,
    /// that is an error with the reason.
    ///
    /// It reads dates and times of PostgreSQL in `DateStyle` ISO, the default, under any time zone.
    /// An instant needs its offset, and MySQL and SQLite do not print one. If all your instants
    /// were in UTC, use this reader:
    ///
    /// ```
    /// # #[cfg(feature = "chrono")] {
    /// # use encrypted_field::{Plaintext, plaintext::PlaintextError};
    /// # use chrono::{DateTime, NaiveDateTime, Utc};
    /// /// For `#[encrypted(DateTime<Utc>, legacy = in_utc)]`.
    /// fn in_utc(stored: &[u8]) -> Result<DateTime<Utc>, PlaintextError> {
    ///     NaiveDateTime::from_legacy(stored).map(|shown| shown.and_utc())
    /// }
    /// # assert_eq!(in_utc(b"2024-02-29 01:02:03").unwrap().timestamp(), 1_709_168_523);
    /// # }
    /// ```
    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        let _ = stored;
        Err(NOT_READ_IN_THE_CLEAR)
    }

    /// The form in the clear, for the way back from encryption: [`from_legacy`](Self::from_legacy)
    /// reads it back as an equal value.
    ///
    /// By default this is the encoding, if `from_legacy` reads that. For a type that has another
    /// form in the clear, implement it.
    ///
    /// # Errors
    /// The value has no form that `from_legacy` would read back.
    fn to_legacy(&self) -> Result<Encoded<'_>, PlaintextError> {
        let encoded = self.encode()?;
        if reads_back(self, &encoded) { Ok(encoded) } else { Err(NO_PLAIN_FORM) }
    }

    /// Overwrites the value in memory, on drop. Does nothing unless the type implements it. Of the
    /// types of this crate, `BigDecimal` does not. [`Json`] and [`Text`] do in generated types if
    /// their content is `Zeroize`.
    fn wipe(&mut self) {}
}

/// Encoded plaintext: borrowed, short and on the stack, or owned. It is wiped on drop unless it is
/// borrowed.
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

    /// A copy. Up to [`Encoded::INLINE`] bytes take no allocation.
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

    /// Bytes that were made for this call.
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

/// Why a plaintext can't be encoded or decoded. It is a fixed text, so that it can't hold the
/// plaintext.
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

    pub(crate) fn on_legacy(self) -> Error {
        Error::new(ErrorKind::LegacyRefused).detail(self.0)
    }

    pub(crate) fn on_plain_write(self) -> Error {
        Error::new(ErrorKind::PlaintextWrite).detail(self.0)
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

/// A value equals itself, even one whose [`Plaintext::equals`] says otherwise (it has no encoding,
/// or is NaN in JSON), because generated types are `Eq`.
pub(crate) fn equal<P: Plaintext>(a: &P, b: &P) -> bool {
    std::ptr::eq(a, b) || a.equals(b)
}

/// Of a type that does not say how it reads what was not encrypted.
pub(crate) const NOT_READ_IN_THE_CLEAR: PlaintextError =
    PlaintextError::new("this type has no plain form; give the field a `legacy` function");

const NO_PLAIN_FORM: PlaintextError = PlaintextError::new(
    "the value has no form in the clear that would be read back as the same value; give its type \
     `Plaintext::to_legacy` and `from_legacy`",
);

fn reads_back<P: Plaintext>(value: &P, plain: &[u8]) -> bool {
    P::from_legacy(plain).is_ok_and(|read| value.equals(&read))
}

/// `to_legacy` of a type whose form in the clear is its text.
fn shown<P: Plaintext + fmt::Display>(value: &P) -> Result<Encoded<'static>, PlaintextError> {
    let text = Encoded::owned(value.to_string().into_bytes());
    if reads_back(value, &text) { Ok(text) } else { Err(NO_PLAIN_FORM) }
}

/// The `FromStr` form of a legacy value, white space around it allowed: some databases pad.
fn legacy_str(stored: &[u8]) -> Result<&str, PlaintextError> {
    std::str::from_utf8(stored).map(str::trim).map_err(|_| PlaintextError::new("not UTF-8"))
}

/// `wipe` of a type that is all value: overwritten with another one.
macro_rules! overwrite_with {
    ($blank:expr) => {
        fn wipe(&mut self) {
            *self = $blank;
            zeroize::optimization_barrier(self);
        }
    };
}
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
