//! Any serde type, as JSON.

#[cfg(feature = "json")]
mod strict;

#[cfg(feature = "json")]
use super::{Encoded, Plaintext, PlaintextError};
#[cfg(feature = "json")]
use zeroize::Zeroizing;

/// The plaintext type of `#[encrypted(json = T)]`: `T`, stored as `serde_json` writes it (feature
/// `json`).
///
/// `T` is `Clone + PartialEq + Serialize + DeserializeOwned`. Two fields are equal if their values
/// are, by the `PartialEq` of `T`. So a `HashMap` or `HashSet` compares right, although its JSON
/// differs from one value to the next. This comparison is not constant-time.
///
/// Sealing reads the JSON back and compares it with the value, which takes time. If the value comes
/// back as another one, or not at all, sealing fails with [`ErrorKind::Unrepresentable`]. That
/// happens to
///
/// - a float that is NaN or infinite, even in an `Option`;
/// - `Some(None)`;
/// - a field that `#[serde(skip)]` leaves out, unless it has its default;
/// - a variant of an untagged enum that reads as an earlier one.
///
/// NaN, infinity and `Some(None)` are refused whatever the `PartialEq` of `T` says. The other two
/// are found by `PartialEq` alone. So if you write it by hand, compare every field: a skipped field
/// that it leaves out comes back as its default, and nothing notices.
///
/// NaN in memory equals nothing.
///
/// [`ErrorKind::Unrepresentable`]: crate::ErrorKind::Unrepresentable
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: zeroize::Zeroize> zeroize::Zeroize for Json<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(feature = "json")]
impl<T> Plaintext for Json<T>
where
    T: serde::Serialize + serde::de::DeserializeOwned + Clone + PartialEq + 'static,
{
    type Value = T;
    type View = T;

    const ENCODING: Option<&'static str> = Some("json");

    fn from_value(value: T) -> Self {
        Self(value)
    }

    fn into_value(self) -> T {
        self.0
    }

    fn view(&self) -> &T {
        &self.0
    }

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        // Measured first, so that growing leaves no copies behind that are not wiped.
        let (mut len, mut has_null) = (Counter(0), false);
        let mut measuring =
            serde_json::Serializer::with_formatter(&mut len, NotesNull(&mut has_null));
        self.0.serialize(&mut measuring).map_err(|_| NO_JSON)?;
        let mut json = Vec::with_capacity(len.0);
        serde_json::to_writer(&mut json, &self.0).map_err(|_| NO_JSON)?;
        let json = Encoded::owned(json);
        // Some values can be written and not read. Nothing is stored that is lost. (The value that
        // is read here is wiped only by a `T` that wipes itself when dropped.)
        match serde_json::from_slice::<T>(&json) {
            Ok(read) if read == self.0 => {
                // `==` may leave out what became `null`.
                if has_null {
                    strict::check(&self.0).map_err(lost)?;
                }
                Ok(json)
            }
            Ok(_) => Err(READS_AS_ANOTHER),
            Err(e) if e.is_data() => Err(does_not_read(&e)),
            // `serde_json` wrote it, so its syntax is right, and what is left is the depth.
            Err(_) => Err(TOO_DEEP),
        }
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        Self::from_legacy(&bytes)
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        // Not serde_json's own message, because that quotes what it read.
        serde_json::from_slice(stored)
            .map(Self)
            .map_err(|_| PlaintextError::new("not JSON of the field's type"))
    }

    fn equals(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

#[cfg(feature = "json")]
const NO_JSON: PlaintextError = PlaintextError::new(
    "its `Serialize` fails: JSON can't say it (such as a map whose keys are neither text nor numbers)",
);
#[cfg(feature = "json")]
const READS_AS_ANOTHER: PlaintextError = PlaintextError::new(
    "its JSON reads back as a value that is not equal to it: NaN or infinity in an `Option`, `Some(None)`, \
     a field that is skipped and not the default, or an untagged enum that takes it for another variant",
);
#[cfg(feature = "json")]
fn lost(lost: strict::Lost) -> PlaintextError {
    PlaintextError::new(match lost {
        strict::Lost::Float => "it has NaN or infinity, which JSON can't say; write it as text",
        strict::Lost::Some => {
            "it has a `Some` of what JSON writes as `null`, such as `Some(None)`: it reads back as `None`"
        }
        strict::Lost::Other => return NO_JSON,
    })
}

/// The reason, by how serde's message begins. The message itself quotes the value.
#[cfg(feature = "json")]
fn does_not_read(error: &serde_json::Error) -> PlaintextError {
    let message = Zeroizing::new(error.to_string());
    let begins = |text: &str| message.starts_with(text);
    PlaintextError::new(if begins("invalid type: null") {
        "its JSON has a `null` that its type does not read: JSON can't say NaN and infinity"
    } else if begins("u128 is not supported") || begins("i128 is not supported") {
        "it has a u128 or i128 in a flattened or internally tagged type, where serde does not read them"
    } else if begins("data did not match any variant") {
        "no variant of an untagged enum reads what was written; none can read a u128 or i128, NaN or infinity"
    } else {
        "its JSON is refused by its own `Deserialize`, which does not fit its `Serialize`"
    })
}

#[cfg(feature = "json")]
const TOO_DEEP: PlaintextError =
    PlaintextError::new("its JSON is nested more than 127 levels deep, and would not be read");

#[cfg(feature = "json")]
struct Counter(usize);

#[cfg(feature = "json")]
impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes as `serde_json` does, and notes each `null`.
#[cfg(feature = "json")]
struct NotesNull<'a>(&'a mut bool);

#[cfg(feature = "json")]
impl serde_json::ser::Formatter for NotesNull<'_> {
    fn write_null<W: std::io::Write + ?Sized>(&mut self, writer: &mut W) -> std::io::Result<()> {
        *self.0 = true;
        writer.write_all(b"null")
    }
}
