//! What generated code names. Not part of the public API: it may change in any release.

#[cfg(feature = "diesel")]
pub use diesel;
#[cfg(feature = "serde")]
pub use serde;
#[cfg(feature = "sqlx")]
pub use sqlx;
pub use std;

#[cfg(feature = "serde")]
pub use crate::field::serde as field_serde;
pub use crate::field::{
    MaybeStale,
    wipe::{Wipe, WipeElsewhere, WipeZeroize},
};
#[cfg(feature = "diesel")]
pub use crate::orm::diesel as diesel_support;
pub use crate::{
    __diesel_column as diesel_column, __field as field, __impl_diesel as impl_diesel,
    __impl_pg_array as impl_pg_array, __impl_serde as impl_serde, __impl_sqlx as impl_sqlx,
};

use crate::field::{EncryptedField, REDACTED};
use crate::plaintext::{Plaintext, PlaintextError};

/// `BotToken([encrypted])`.
pub fn redacted(f: &mut std::fmt::Formatter<'_>, name: &str) -> std::fmt::Result {
    write!(f, "{name}({REDACTED})")
}

/// Equality of two fields, in time that depends on their lengths only.
pub fn ct_eq<T: EncryptedField>(a: &T, b: &T) -> bool {
    crate::plaintext::ct_eq(a.secret().plain(), b.secret().plain())
}

/// Drops a legacy reader's own error: it may hold the value.
pub fn legacy_result<P: Plaintext, E>(read: Result<P::Value, E>) -> Result<P, PlaintextError> {
    read.map(P::from_value).map_err(|_| PlaintextError::new("refused"))
}
