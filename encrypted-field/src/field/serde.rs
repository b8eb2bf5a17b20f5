//! serde for generated types: symmetric per field, nothing is detected.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

use super::REDACTED;
use super::{EncryptedField, EncryptedFieldExt as _, Secret};
use crate::plaintext::Plaintext;

/// From plaintext.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: EncryptedField,
    <T::Plain as Plaintext>::Value: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value = Deserialize::deserialize(deserializer);
    value.map(|value| T::from_secret(Secret::new(value))).map_err(refused::<T, D>)
}

/// From plaintext, but not from the marker of a redacted value, which must not overwrite the
/// secret.
pub fn deserialize_unredacted<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: EncryptedField,
    <T::Plain as Plaintext>::Value: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value: T = deserialize(deserializer)?;
    if value.secret().plain().encode().is_ok_and(|plain| is_redacted(&plain)) {
        let column = T::CONTEXT;
        return Err(D::Error::custom(format_args!(
            "{column}: a redacted value came back as input; leave it out"
        )));
    }
    Ok(value)
}

/// Whether this encodes the marker: as a string, or as JSON that holds one.
fn is_redacted(plain: &[u8]) -> bool {
    let unquoted = plain.strip_prefix(b"\"").and_then(|plain| plain.strip_suffix(b"\""));
    unquoted.unwrap_or(plain) == REDACTED.as_bytes()
}

/// From a detached value.
pub fn deserialize_sealed<'de, T: EncryptedField, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let sealed = String::deserialize(deserializer).map_err(refused::<T, D>)?;
    T::open_text(&sealed).map_err(D::Error::custom)
}

/// In place of the error of a value's own type, which quotes the value: `invalid type: string
/// "xoxb-…"`.
fn refused<'de, T: EncryptedField, D: Deserializer<'de>>(_: D::Error) -> D::Error {
    D::Error::custom(format_args!("{}: not a value of the field's type", T::CONTEXT))
}

/// As the plaintext.
pub fn serialize_plaintext<T, S>(field: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: EncryptedField,
    <T::Plain as Plaintext>::View: Serialize,
    S: Serializer,
{
    field.secret().expose().serialize(serializer)
}

/// As a marker.
pub fn serialize_redacted<T: EncryptedField, S: Serializer>(
    _: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(REDACTED)
}

/// As a detached value.
pub fn serialize_sealed<T: EncryptedField, S: Serializer>(
    field: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&field.seal_text().map_err(S::Error::custom)?)
}
