//! A value sealed ahead of its write.

use std::fmt;
use std::marker::PhantomData;

use super::{EncryptedField, Storage, seal};
use crate::error::Result;
use crate::format::aad::Kind;
use crate::key::Keyring;

/// What one write of a `T` to its column stores, sealed already, so that binding it can't fail. Made by
/// [`EncryptedField::presealed`].
///
/// It binds to SQLx queries. It is not `Clone`: bound twice it would store the same bytes twice, and show that
/// two rows hold the same secret. Seal once for each row.
pub struct Sealed<T> {
    stored: Stored,
    field: PhantomData<fn() -> T>,
}

pub(crate) enum Stored {
    Text(String),
    Binary(Vec<u8>),
}

impl<T: EncryptedField> Sealed<T> {
    pub(super) fn new(field: &T, ring: Option<&Keyring>) -> Result<Self> {
        let stored = match T::STORAGE {
            Storage::Text => Stored::Text(super::sealed(field, ring, Kind::Column, seal::text)?),
            Storage::Binary => Stored::Binary(super::sealed(field, ring, Kind::Column, seal::binary)?),
        };
        Ok(Self { stored, field: PhantomData })
    }
}

impl<T> Sealed<T> {
    /// The stored form, where the field's storage is text.
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
impl<T> Sealed<T> {
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    pub(crate) fn into_stored(self) -> Stored {
        self.stored
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}
