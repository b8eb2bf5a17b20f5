//! Sealing: the active key, and one buffer that becomes the stored value.

use super::{FieldSpec, open};
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{Aad, Kind};
use crate::format::{self, MAX_PLAINTEXT, Suite, binary, text};
use crate::key::{KeyEntry, Keyring};

const SUITE: Suite = Suite::XAES_256_GCM;

pub(super) fn binary(ring: &Keyring, field: &FieldSpec<'_>, kind: Kind, plain: &[u8]) -> Result<Vec<u8>> {
    let key = key_for(ring, field, plain)?;
    let mut draft = binary::Draft::new(key.id, SUITE, plain);
    encrypt(key, field, kind, draft.body())?;
    Ok(draft.finish())
}

pub(super) fn text(ring: &Keyring, field: &FieldSpec<'_>, kind: Kind, plain: &[u8]) -> Result<String> {
    let key = key_for(ring, field, plain)?;
    let mut draft = text::Draft::new(key.id, SUITE, plain);
    encrypt(key, field, kind, draft.body())?;
    Ok(draft.finish())
}

/// Everything that is refused, before the plaintext is copied anywhere.
fn key_for<'a>(ring: &'a Keyring, field: &FieldSpec<'_>, plain: &[u8]) -> Result<&'a KeyEntry> {
    if plain.len() > MAX_PLAINTEXT {
        return Err(Error::new(ErrorKind::TooLarge).detail(format!("{} bytes", plain.len())));
    }
    let key = ring.active_field_key(field.scope)?;
    if format::is_ours(plain) && is_stored_value_of(ring, field, plain) {
        return Err(ErrorKind::DoubleEncryption.into());
    }
    Ok(key)
}

/// Whether the plaintext opens under this very field. What only looks like a stored value, which a user may have
/// typed, does not.
fn is_stored_value_of(ring: &Keyring, field: &FieldSpec<'_>, plain: &[u8]) -> bool {
    let open = if format::text_version(plain).is_some() { open::text } else { open::binary };
    let field = &FieldSpec { may_ask: false, ..*field };
    [Kind::Column, Kind::Detached].into_iter().any(|kind| open(ring, field, kind, plain.into()).is_ok())
}

fn encrypt(key: &KeyEntry, field: &FieldSpec<'_>, kind: Kind, body: &mut [u8]) -> Result<()> {
    let aad = Aad::new(SUITE, key.id, kind, field.context, &[]);
    key.field_cipher(field.scope)?.seal(kind == Kind::Detached, aad.as_bytes(), body)
}
