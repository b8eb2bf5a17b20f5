//! A field: its context and scope, and how its values are sealed and opened.

pub(crate) mod checked;
pub mod column;
mod convert;
mod ext;
mod keys;
mod legacy_switch;
mod model;
mod moving;
mod open;
mod parallel;
mod plain_write;
mod seal;
mod secret;
#[cfg(feature = "serde")]
pub mod serde;
mod stored_value;
#[cfg(test)]
mod vectors;
pub(crate) mod wipe;

#[cfg(any(feature = "diesel", feature = "sqlx"))]
pub use convert::from_text_column;
pub use ext::EncryptedFieldExt;
pub(crate) use keys::FieldSpec;
pub use legacy_switch::{
    close, is_closed, reopen, write_plaintext, write_sealed, writes_plaintext,
};
pub use model::{EncryptedModel, FieldInfo, MaybeStale, check_contexts};
#[cfg(any(feature = "diesel", feature = "sqlx"))]
pub(crate) use moving::Failed;
pub use moving::FieldValue;
#[cfg(feature = "diesel")]
pub use moving::MoveStale;
#[cfg(feature = "diesel-async")]
pub use moving::MoveStaleAsync;
#[cfg(feature = "sqlx")]
pub use moving::MoveStaleSqlx;
pub(crate) use secret::REDACTED;
pub use secret::Secret;
pub(crate) use stored_value::Stored;
pub use stored_value::{StoredValue, ToStoredValue};

use crate::plaintext::{Plaintext, PlaintextError};

/// Which form SQLx reads and writes. (Diesel takes it from the column's SQL type.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Storage {
    /// `ef1:…` in a text column, the default.
    Text,
    /// Bytes in a binary column. They are a quarter shorter.
    Binary,
}

/// A function that reads the values of a column from before the encryption. Its error is a fixed
/// text, and the field's error contains it. (The error of an application's function is dropped,
/// because it may hold the value.)
pub type LegacyReader<P> = fn(&[u8]) -> std::result::Result<P, PlaintextError>;

/// A type whose values are stored encrypted. `#[derive(Encrypted)]` implements it.
///
/// It says what the field is bound to. The operations on its values are in [`EncryptedFieldExt`],
/// which nothing can override.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an encrypted field type",
    note = "`#[derive(Encrypted)]` declares one for each field annotated with `#[encrypted(…)]`"
)]
pub trait EncryptedField: Sized {
    /// What the field holds.
    type Plain: Plaintext;
    /// The associated data of every value, so that a value that is moved to another column does not
    /// open. By default it is `table.column`.
    const CONTEXT: &'static str;
    /// Contexts that the field had before. They are tried on read.
    const PREVIOUS_CONTEXTS: &'static [&'static str] = &[];
    /// The scope of its keys, `""` by default. It means nothing if the scope is
    /// [dynamic](Self::DYNAMIC_SCOPE).
    const SCOPE: &'static str = "";
    /// Whether its keys are those of the [scope that is entered](crate::Scope). Without one,
    /// everything that needs a key fails with [`NoScope`](crate::ErrorKind::NoScope), whatever ring
    /// is passed.
    const DYNAMIC_SCOPE: bool = false;
    /// Scopes that the keys of its values had before: such values open too, and are stale.
    const PREVIOUS_SCOPES: &'static [&'static str] = &[];
    /// The form that SQLx stores.
    const STORAGE: Storage = Storage::Text;
    /// Reads values that this library did not write.
    const LEGACY: Option<LegacyReader<Self::Plain>> = None;

    /// Wraps a plaintext.
    fn from_secret(secret: Secret<Self::Plain>) -> Self;

    /// The plaintext and where it came from.
    fn secret(&self) -> &Secret<Self::Plain>;
}
