//! What generated code names. Not part of the public API: it may change in any release.

#[cfg(feature = "diesel")]
pub use diesel;
#[cfg(feature = "serde")]
pub use serde;
#[cfg(feature = "sqlx")]
pub use sqlx;
pub use std;

#[cfg(feature = "serde")]
pub use crate::field::checked::SerializeOption;
#[cfg(feature = "serde")]
pub use crate::field::serde as field_serde;
pub use crate::field::{
    FieldValue, MaybeStale, check_contexts,
    checked::{Checked, JsonValue, is_json_value, is_plaintext, of_crate},
    wipe::{Wipe, WipeElsewhere, WipeZeroize},
};
#[cfg(feature = "diesel")]
pub use crate::orm::diesel as diesel_support;
#[cfg(feature = "sqlx")]
pub use crate::orm::sqlx as sqlx_support;
pub use crate::{
    __diesel_column as diesel_column, __diesel_name as diesel_name,
    __diesel_table_name as diesel_table_name, __field as field, __impl_diesel as impl_diesel,
    __impl_pg_array as impl_pg_array, __impl_serde as impl_serde, __impl_sqlx as impl_sqlx,
    __plaintext as plaintext, __with_diesel as with_diesel, __with_sqlx as with_sqlx,
};
#[cfg(any(feature = "diesel", feature = "sqlx"))]
pub use crate::{field::from_text_column, orm::not_text};

use crate::field::{EncryptedField, REDACTED};
use crate::plaintext::PlaintextError;

/// `BotToken([encrypted])`.
pub fn redacted(f: &mut std::fmt::Formatter<'_>, name: &str) -> std::fmt::Result {
    write!(f, "{name}({REDACTED})")
}

/// Equality of two fields, as [`Plaintext::equals`](crate::Plaintext::equals) tells it.
pub fn equal<T: EncryptedField>(a: &T, b: &T) -> bool {
    a.secret() == b.secret()
}

/// Equality of two names, in a constant.
pub const fn is_same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The error of a legacy reader. It is dropped, because it may hold the value, unless it is a
/// [`PlaintextError`], which is a fixed text. A method of the type goes before one of a trait, so
/// that the macro tells the two apart by the type of the error.
#[expect(missing_debug_implementations, reason = "it may hold the value")]
pub struct LegacyError<E>(pub E);

impl LegacyError<PlaintextError> {
    pub fn reason(self) -> PlaintextError {
        self.0
    }
}

pub trait DroppedError: Sized {
    fn reason(self) -> PlaintextError {
        PlaintextError::new("its own error is not shown, since it may hold the value")
    }
}

impl<E> DroppedError for LegacyError<E> {}
