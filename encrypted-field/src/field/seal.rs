//! Sealing: active key, fresh nonce, one buffer that becomes the stored value.

use zeroize::Zeroize as _;

use super::{FieldSpec, open};
use crate::cipher;
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{Aad, Kind};
use crate::format::{self, Header, MAX_PLAINTEXT, NONCE_LEN, Suite, TAG_LEN, binary, text};
use crate::key::{KeyEntry, Keyring};

pub(super) fn binary(ring: &Keyring, field: &FieldSpec, kind: Kind, plain: &[u8]) -> Result<Vec<u8>> {
    let (key, nonce) = prepare(ring, field, plain)?;
    let header = Header { key_id: key.id, suite: Suite::XAES_256_GCM, nonce };
    let mut out = Vec::with_capacity(binary::stored_len(plain.len()));
    binary::write_head(&mut out, &header);
    out.extend_from_slice(plain);
    out.extend_from_slice(&[0; TAG_LEN]);
    encrypt(key, field, kind, &header, &mut out[binary::HEAD..])?;
    Ok(out)
}

pub(super) fn text(ring: &Keyring, field: &FieldSpec, kind: Kind, plain: &[u8]) -> Result<String> {
    let (key, nonce) = prepare(ring, field, plain)?;
    let header = Header { key_id: key.id, suite: Suite::XAES_256_GCM, nonce };
    let mut draft = text::Draft::new(&header, plain);
    encrypt(key, field, kind, &header, draft.body())?;
    Ok(draft.finish())
}

/// Everything that can fail, before the plaintext is copied anywhere.
fn prepare<'a>(
    ring: &'a Keyring,
    field: &FieldSpec,
    plain: &[u8],
) -> Result<(&'a KeyEntry, [u8; NONCE_LEN])> {
    if plain.len() > MAX_PLAINTEXT {
        return Err(Error::new(ErrorKind::TooLarge).detail(format!("{} bytes", plain.len())));
    }
    let key = ring.active_field_key(field.scope)?;
    if format::is_ours(plain) && is_stored_value_of(ring, field, plain) {
        return Err(ErrorKind::DoubleEncryption.into());
    }
    let mut nonce = [0; NONCE_LEN];
    cipher::random(&mut nonce)?;
    Ok((key, nonce))
}

/// Whether the plaintext opens under this very field. What only looks like a stored value, which a user may have
/// typed, does not.
fn is_stored_value_of(ring: &Keyring, field: &FieldSpec, plain: &[u8]) -> bool {
    let open = if format::text_version(plain).is_some() { open::text } else { open::binary };
    [Kind::Column, Kind::Detached].into_iter().any(|kind| open(ring, field, kind, plain.to_vec()).is_ok())
}

/// `body` is plaintext and room for the tag.
fn encrypt(key: &KeyEntry, field: &FieldSpec, kind: Kind, header: &Header, body: &mut [u8]) -> Result<()> {
    let aad = Aad::new(header.suite, header.key_id, kind, field.context, &[]);
    let message_key = key.field_cipher(field.scope)?.message_key(&header.nonce);
    let (plain, tag) = body.split_at_mut(body.len() - TAG_LEN);
    let Some(made) = message_key.seal(aad.as_bytes(), plain) else {
        plain.zeroize();
        return Err(ErrorKind::TooLarge.into());
    };
    tag.copy_from_slice(&made);
    Ok(())
}
