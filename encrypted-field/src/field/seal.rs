//! Sealing: the active key, and one buffer that becomes the stored value.

use super::{FieldSpec, open};
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{Aad, Kind};
use crate::format::{self, MAX_PLAINTEXT, Suite, binary, text};
use crate::key::{KeyEntry, Keyring};

const SUITE: Suite = Suite::XAES_256_GCM;

/// Seals in binary form with the active key of the given ring, or of the one in use.
pub(super) fn binary(
    field: &FieldSpec<'static>,
    ring: Option<&Keyring>,
    kind: Kind,
    plain: &[u8],
) -> Result<Vec<u8>> {
    field.with_keys(ring, |ring, field| binary_with(ring, field, kind, plain))
}

#[inline(always)]
pub(super) fn binary_with(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    plain: &[u8],
) -> Result<Vec<u8>> {
    let key = key_for(ring, field, plain)?;
    binary::sealed(key.id, SUITE, plain, |body| encrypt(key, field, kind, body))
}

/// Seals in text form with the active key of the given ring, or of the one in use.
pub(super) fn text(
    field: &FieldSpec<'static>,
    ring: Option<&Keyring>,
    kind: Kind,
    plain: &[u8],
) -> Result<String> {
    field.with_keys(ring, |ring, field| text_with(ring, field, kind, plain))
}

#[inline(always)]
pub(super) fn text_with(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    plain: &[u8],
) -> Result<String> {
    let key = key_for(ring, field, plain)?;
    text::sealed(key.id, SUITE, plain, |body| encrypt(key, field, kind, body))
}

/// Everything that is refused, before the plaintext is copied anywhere.
#[inline(always)]
fn key_for<'a>(ring: &'a Keyring, field: &FieldSpec<'_>, plain: &[u8]) -> Result<&'a KeyEntry> {
    if plain.len() > MAX_PLAINTEXT {
        return Err(Error::new(ErrorKind::TooLarge).detail(format!("{} bytes", plain.len())));
    }
    let key = ring.active_field_key(field.scope)?;
    if is_stored_value_of(ring, field, plain) {
        return Err(ErrorKind::DoubleEncryption.into());
    }
    Ok(key)
}

/// Whether the plaintext opens under this very field. A text that only looks like a stored value,
/// such as one that a user typed, does not.
#[inline]
fn is_stored_value_of(ring: &Keyring, field: &FieldSpec<'_>, plain: &[u8]) -> bool {
    (format::begins_as_text(plain) || format::begins_as_binary(plain)) && opens(ring, field, plain)
}

#[cold]
fn opens(ring: &Keyring, field: &FieldSpec<'_>, plain: &[u8]) -> bool {
    let field = &FieldSpec { may_ask: false, ..*field };
    [Kind::Column, Kind::Detached].into_iter().any(|kind| {
        let opened = if format::begins_as_text(plain) {
            open::text_with(ring, field, kind, plain.into())
        } else {
            open::binary_with(ring, field, kind, plain.into())
        };
        opened.is_ok()
    })
}

#[inline(always)]
fn encrypt(key: &KeyEntry, field: &FieldSpec<'_>, kind: Kind, body: &mut [u8]) -> Result<()> {
    let aad = Aad::new(SUITE, key.id, kind, field.context, &[]);
    key.field_cipher(field.scope)?.seal(kind == Kind::Detached, aad.as_bytes(), body)
}
