//! A value sealed ahead of its write.

use std::fmt;
use std::marker::PhantomData;

use super::convert::{stored_binary, stored_text};
use super::{EncryptedField, Storage};
use crate::error::Result;
use crate::key::Keyring;

/// The stored form that one write of a `T` to its column needs. [`ToStoredValue`] makes it.
///
/// It binds to SQLx queries. It is not `Clone`: bound twice it would store the same bytes twice,
/// and show that two rows hold the same secret. Seal once for each row.
pub struct StoredValue<T> {
    stored: Stored,
    field: PhantomData<fn() -> T>,
}

/// What a column gets, in one of the two forms.
pub enum Stored {
    /// `ef1:…`
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored(..)")
    }
}

impl<T: EncryptedField> StoredValue<T> {
    pub(super) fn new(field: &T, ring: Option<&Keyring>) -> Result<Self> {
        let stored = match T::STORAGE {
            Storage::Text => Stored::Text(stored_text(field, ring)?),
            Storage::Binary => Stored::Binary(stored_binary(field, ring)?),
        };
        Ok(Self { stored, field: PhantomData })
    }
}

impl<T> StoredValue<T> {
    /// The stored form, if the field's storage is text.
    pub fn as_text(&self) -> Option<&str> {
        match &self.stored {
            Stored::Text(text) => Some(text),
            Stored::Binary(_) => None,
        }
    }

    /// The stored form, as bytes in either storage.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.stored {
            Stored::Text(text) => text.as_bytes(),
            Stored::Binary(bytes) => bytes,
        }
    }
}

#[cfg(feature = "sqlx")]
impl<T> StoredValue<T> {
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    pub(crate) fn into_stored(self) -> Stored {
        self.stored
    }
}

impl<T> fmt::Debug for StoredValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredValue(..)")
    }
}

/// Seals a value for one write to its column, before the write.
///
/// This is how a value is bound in SQLx. A failure is an [`Error`](crate::Error) with its kind, at
/// the place where the value is sealed. Binding the field itself works, too, but `bind` turns a
/// failure into text, and `QueryBuilder::push_bind` panics.
///
/// ```
/// # #[cfg(feature = "sqlx-sqlite")] {
/// use encrypted_field::{Encrypted, ToStoredValue as _};
///
/// #[derive(Encrypted)]
/// #[encrypted(table = "slack_connections")]
/// struct SlackConnection {
///     #[encrypted(String)]
///     bot_token: BotToken,
///     #[encrypted(String)]
///     signing_secret: Option<SigningSecret>,
/// }
///
/// # fn main() -> encrypted_field::Result<()> {
/// # use encrypted_field::{Keyring, generate_key};
/// # let _ring = Keyring::builder().active(1, generate_key()?).build()?.hold();
/// # let row = SlackConnection { bot_token: "xoxb-1".into(), signing_secret: None };
/// let query = sqlx::query::<sqlx::Sqlite>("INSERT INTO slack_connections VALUES (?, ?)")
///     .bind(row.bot_token.to_stored_value()?)
///     .bind(row.signing_secret.to_stored_value()?); // `None` is NULL
/// # drop(query);
/// # Ok(())
/// # }
/// # main().unwrap();
/// # }
/// ```
pub trait ToStoredValue {
    /// A [`StoredValue`], or an `Option` of one.
    type Stored;

    /// The value sealed with a fresh nonce under the active key.
    ///
    /// # Errors
    /// As [`EncryptedFieldExt::to_stored`](crate::EncryptedFieldExt::to_stored).
    fn to_stored_value(&self) -> Result<Self::Stored>;
}

impl<T: EncryptedField> ToStoredValue for T {
    type Stored = StoredValue<T>;

    fn to_stored_value(&self) -> Result<StoredValue<T>> {
        StoredValue::new(self, None)
    }
}

/// NULL stays NULL.
impl<T: EncryptedField> ToStoredValue for Option<T> {
    type Stored = Option<StoredValue<T>>;

    fn to_stored_value(&self) -> Result<Option<StoredValue<T>>> {
        self.as_ref().map(|value| StoredValue::new(value, None)).transpose()
    }
}
