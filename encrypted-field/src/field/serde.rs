//! serde for generated types: symmetric per field, nothing is detected.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};

use super::REDACTED;
use super::{EncryptedField, Secret};
use crate::plaintext::Plaintext;

/// From plaintext.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: EncryptedField,
    <T::Plain as Plaintext>::Value: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Deserialize::deserialize(deserializer).map(|value| T::from_secret(Secret::new(value)))
}

/// From plaintext, but not from what a redacted value became: it must not overwrite the secret.
pub fn deserialize_unredacted<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: EncryptedField,
    <T::Plain as Plaintext>::Value: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let value: T = deserialize(deserializer)?;
    let redacted = value.secret().plain().encode().is_ok_and(|plain| *plain == *REDACTED.as_bytes());
    if redacted {
        let column = T::CONTEXT;
        return Err(D::Error::custom(format_args!(
            "{column}: a redacted value came back as input; leave it out"
        )));
    }
    Ok(value)
}

/// From a detached value.
pub fn deserialize_sealed<'de, T: EncryptedField, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let sealed = String::deserialize(deserializer)?;
    T::open_text(&sealed).map_err(D::Error::custom)
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
pub fn serialize_redacted<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(REDACTED)
}

/// As a detached value.
pub fn serialize_sealed<T: EncryptedField, S: Serializer>(
    field: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&field.seal_text().map_err(S::Error::custom)?)
}
