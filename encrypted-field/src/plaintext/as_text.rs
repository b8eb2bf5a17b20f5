//! Any type with a text form.

use std::fmt::Display;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::{Encoded, Plaintext, PlaintextError};

/// A plaintext by its text, for enums and other types that are `Display` and `FromStr`. The output
/// of `Display` is encoded as a `String` is, and `FromStr` reads it.
///
/// ```
/// use encrypted_field::{Encrypted, Text};
/// # use std::{fmt, str::FromStr};
///
/// #[derive(Debug, Clone, Copy, PartialEq)]
/// enum Role { Admin, Member }
///
/// # impl fmt::Display for Role {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
/// #         f.write_str(match self { Self::Admin => "admin", Self::Member => "member" })
/// #     }
/// # }
/// # impl FromStr for Role {
/// #     type Err = ();
/// #     fn from_str(text: &str) -> Result<Self, ()> {
/// #         match text { "admin" => Ok(Self::Admin), "member" => Ok(Self::Member), _ => Err(()) }
/// #     }
/// # }
/// #[derive(Encrypted)]
/// #[encrypted(table = "users")]
/// struct User {
///     #[encrypted(Text<Role>)]    // Role is Display and FromStr
///     role: UserRole,
/// }
///
/// let user = User { role: Role::Admin.into() };
/// assert_eq!(*user.role, Role::Admin);
/// # let _ = Role::Member;
/// ```
///
/// Sealing reads the text back. If the value does not come back equal, sealing fails with
/// [`ErrorKind::Unrepresentable`](crate::ErrorKind::Unrepresentable). Opening refuses a text that
/// `Display` would not write, such as another spelling. `legacy = plaintext` accepts what `FromStr`
/// accepts.
///
/// `T` is `Clone + PartialEq + Display + FromStr`. If it is `Zeroize`, it is wiped from memory on
/// drop. The derive knows `Text<T>` by its name, so do not rename it on import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text<T>(pub T);

impl<T: zeroize::Zeroize> zeroize::Zeroize for Text<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Display> Text<T> {
    fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
    }
}

impl<T: Display + FromStr + Clone + PartialEq + 'static> Plaintext for Text<T> {
    type Value = T;
    type View = T;

    const ENCODING: Option<&'static str> = Some("text");

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
        let mut text = self.text();
        if !text.parse::<T>().is_ok_and(|read| read == self.0) {
            return Err(PlaintextError::new(
                "its text (`Display`) does not read back as an equal value (`FromStr`)",
            ));
        }
        Ok(Encoded::owned(std::mem::take(&mut *text).into_bytes()))
    }

    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        let value = Self::from_legacy(&bytes)?;
        // One spelling per value.
        if value.text().as_bytes() == bytes.as_slice() { Ok(value) } else { Err(NOT_OF_THE_TYPE) }
    }

    fn from_legacy(stored: &[u8]) -> Result<Self, PlaintextError> {
        // Not its own error, because that may quote the text.
        let text = std::str::from_utf8(stored).map_err(|_| PlaintextError::new("not UTF-8"))?;
        text.parse().map(Self).map_err(|_| NOT_OF_THE_TYPE)
    }
}

const NOT_OF_THE_TYPE: PlaintextError =
    PlaintextError::new("not the text of a value of the field's type");
