//! Plaintext types as data, by the names of their encodings: a tool that moves a table knows no
//! Rust type.

use zeroize::Zeroizing;

use super::{Plaintext, PlaintextError};

type Converted = Result<Zeroizing<Vec<u8>>, PlaintextError>;

/// A plaintext type by the [name of its encoding](Plaintext::ENCODING).
///
/// | name | reads and writes in the clear | feature |
/// |---|---|---|
/// | `text` | text in UTF-8 | |
/// | `bytes` | bytes | |
/// | `integer` | an integer of any width, up to `i128` | |
/// | `bool` | `true`, `false`; also reads `t`, `f`, `1`, `0` | |
/// | `f32`, `f64` | a float | |
/// | `uuid` | a UUID with hyphens; also reads 16 bytes | `uuid` |
/// | `date`, `time`, `datetime`, `timestamp` | dates and times | one of `chrono`, `jiff`, `time` |
/// | `decimal` | a decimal | `bigdecimal` or `rust_decimal` |
/// | `ip`, `socket` | an address | |
/// | `json` | any JSON, kept byte for byte | `json` |
#[derive(Clone, Copy)]
pub struct PlaintextType {
    name: &'static str,
    from_plain: fn(&[u8]) -> Converted,
    to_plain: fn(Zeroizing<Vec<u8>>) -> Converted,
}

impl PlaintextType {
    /// The type with this name. `None` if there is none, or if its feature is off.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|known| known.name == name)
    }

    /// All that this build knows.
    pub fn all() -> impl Iterator<Item = Self> {
        [
            Some(Self::of::<String>()),
            Some(Self::of::<Vec<u8>>()),
            Some(Self::of::<i128>()),
            Some(Self::of::<bool>()),
            Some(Self::of::<f32>()),
            Some(Self::of::<f64>()),
            Some(Self::of::<std::net::IpAddr>()),
            Some(Self::of::<std::net::SocketAddr>()),
            #[cfg(feature = "uuid")]
            Some(Self::of::<uuid::Uuid>()),
            #[cfg(feature = "json")]
            Some(Self::JSON),
        ]
        .into_iter()
        .flatten()
        .chain(dates())
        .chain(decimals())
    }

    /// A type of the application's own. Its name is empty unless it has an
    /// [`ENCODING`](Plaintext::ENCODING).
    pub const fn of<P: Plaintext>() -> Self {
        Self {
            name: match P::ENCODING {
                Some(name) => name,
                None => "",
            },
            from_plain: |plain| encoded(&P::from_legacy(plain)?),
            to_plain: |encoded| plain(&P::decode(encoded)?),
        }
    }

    /// Kept as it is: its Rust type, which alone could say more, is not known.
    #[cfg(feature = "json")]
    const JSON: Self = Self {
        name: "json",
        from_plain: |plain| json(Zeroizing::new(plain.to_vec())),
        to_plain: json,
    };

    /// The name of the encoding.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A value that was stored without encryption, in its encoding: what `legacy = plaintext`
    /// reads.
    ///
    /// # Errors
    /// Says why it is no value of the type.
    pub fn from_plain(&self, stored: &[u8]) -> Converted {
        (self.from_plain)(stored)
    }

    /// The form in the clear of an encoded value, which [`from_plain`](Self::from_plain) reads
    /// back.
    ///
    /// # Errors
    /// Says why the value has none.
    pub fn to_plain(&self, encoded: Zeroizing<Vec<u8>>) -> Converted {
        (self.to_plain)(encoded)
    }
}

fn encoded<P: Plaintext>(value: &P) -> Converted {
    Ok(Zeroizing::new(value.encode()?.to_vec()))
}

fn plain<P: Plaintext>(value: &P) -> Converted {
    Ok(Zeroizing::new(value.to_legacy()?.to_vec()))
}

#[cfg(feature = "json")]
fn json(json: Zeroizing<Vec<u8>>) -> Converted {
    match serde_json::from_slice::<serde::de::IgnoredAny>(&json) {
        Ok(_) => Ok(json),
        Err(_) => Err(PlaintextError::new("not JSON")),
    }
}

/// Of one of the crates: their encodings are the same.
fn dates() -> impl Iterator<Item = PlaintextType> {
    #[cfg(feature = "jiff")]
    return [
        PlaintextType::of::<jiff::civil::Date>(),
        PlaintextType::of::<jiff::civil::Time>(),
        PlaintextType::of::<jiff::civil::DateTime>(),
        PlaintextType::of::<jiff::Timestamp>(),
    ]
    .into_iter();
    #[cfg(all(feature = "chrono", not(feature = "jiff")))]
    return [
        PlaintextType::of::<chrono::NaiveDate>(),
        PlaintextType::of::<chrono::NaiveTime>(),
        PlaintextType::of::<chrono::NaiveDateTime>(),
        PlaintextType::of::<chrono::DateTime<chrono::Utc>>(),
    ]
    .into_iter();
    #[cfg(all(feature = "time", not(any(feature = "jiff", feature = "chrono"))))]
    return [
        PlaintextType::of::<time::Date>(),
        PlaintextType::of::<time::Time>(),
        PlaintextType::of::<time::PrimitiveDateTime>(),
        PlaintextType::of::<time::OffsetDateTime>(),
    ]
    .into_iter();
    #[cfg(not(any(feature = "jiff", feature = "chrono", feature = "time")))]
    std::iter::empty()
}

/// Of the crate that holds more.
fn decimals() -> impl Iterator<Item = PlaintextType> {
    #[cfg(feature = "bigdecimal")]
    return std::iter::once(PlaintextType::of::<bigdecimal::BigDecimal>());
    #[cfg(all(feature = "rust_decimal", not(feature = "bigdecimal")))]
    return std::iter::once(PlaintextType::of::<rust_decimal::Decimal>());
    #[cfg(not(any(feature = "bigdecimal", feature = "rust_decimal")))]
    std::iter::empty()
}

impl std::fmt::Debug for PlaintextType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PlaintextType").field(&self.name).finish()
    }
}
