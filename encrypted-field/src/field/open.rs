//! Opening: header, key, scope, then the cipher, inside the buffer that becomes the plaintext.

use std::borrow::Cow;
use std::iter;

use zeroize::Zeroizing;

use super::FieldSpec;
use super::secret::OpenedUnder;
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{Aad, BoundColumn, ContextAad, Kind};
use crate::format::{Header, MAX_PLAINTEXT, TAG_LEN, binary, malformed, padding, text};
use crate::key::{self, Found, KeyState, Keyring};
use crate::key_id::KeyId;

/// A plaintext that authenticated.
pub(crate) struct Opened {
    /// In the buffer that held the sealed value.
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    pub(crate) under: OpenedUnder,
    /// Whether a write would move it, as things are.
    pub(crate) is_stale: bool,
}

// The buffer is wiped even if opening fails. Sealing asks whether a plaintext is a stored value
// already. If it does not open, it is a secret that only looks like one.
//
// The two functions that follow are compiled once, and all below them into them: results that are
// handed on through memory took a fifth of opening a token.

/// Opens a value in binary form with a key of the given ring, or of the one in use.
pub(super) fn binary(
    field: &FieldSpec<'static>,
    ring: Option<&Keyring>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    field.with_keys(ring, |ring, field| binary_with(ring, field, kind, sealed))
}

/// Opens a value in text form with a key of the given ring, or of the one in use.
pub(super) fn text(
    field: &FieldSpec<'static>,
    ring: Option<&Keyring>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    field.with_keys(ring, |ring, field| text_with(ring, field, kind, sealed))
}

#[inline(always)]
pub(super) fn binary_with(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    let mut sealed = Zeroizing::new(sealed.into_owned());
    let header = binary::parse(&sealed)?;
    // Moves the ciphertext, not the plaintext, to the front.
    sealed.drain(..binary::HEAD);
    decrypt(ring, field, kind, &[], &header, sealed)
}

#[inline(always)]
pub(super) fn text_with(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    let mut sealed = Zeroizing::new(sealed.into_owned());
    let header = text::parse(&mut sealed)?;
    decrypt(ring, field, kind, &[], &header, sealed)
}

/// `body` is ciphertext and tag.
#[inline(always)]
pub(super) fn decrypt(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    bound: &[BoundColumn<'_>],
    header: &Header,
    mut body: Zeroizing<Vec<u8>>,
) -> Result<Opened> {
    let Header { key_id, suite, nonce } = header;
    let in_use;
    let is_stored = kind == Kind::Column;
    let key = match find(ring, field, *key_id, is_stored) {
        Err(unknown) if field.scope_has_ring => {
            in_use = key::in_use();
            find_elsewhere(in_use.as_deref(), field, *key_id, is_stored).ok_or(unknown)?
        }
        found => found?,
    };
    let previous_scope =
        field.previous_scopes.iter().any(|scope| key.is_of(scope)) && !key.is_of(field.scope);
    let cipher = key.field_cipher(if previous_scope { &key.scope } else { field.scope })?;
    // In both directions. If an unbound value were accepted although columns are bound, it could
    // still be moved between rows.
    if suite.is_bound() == bound.is_empty() {
        return Err(Error::new(ErrorKind::BoundColumns).key(*key_id));
    }
    let len = body.len().checked_sub(TAG_LEN).filter(|len| *len <= MAX_PLAINTEXT);
    let len = len.ok_or_else(|| malformed("it ends within the tag").key(*key_id))?;

    let context = cipher.open(kind == Kind::Detached, nonce, |subkey| {
        let opens = |context: &ContextAad<'_>, body: &mut [u8]| {
            subkey.open(nonce, Aad::new(*suite, *key_id, kind, context, bound).as_bytes(), body)
        };
        if field.previous_contexts.is_empty() {
            return opens(field.context, &mut body).then_some(0);
        }
        // If the value does not authenticate, the buffer may be overwritten. But it is needed for
        // the next context.
        let sealed = body.clone();
        let previous = field.previous_contexts.iter().map(|context| ContextAad::new(context));
        iter::once(*field.context).chain(previous).position(|context| {
            body.copy_from_slice(&sealed);
            opens(&context, &mut body)
        })
    });
    let context = context.ok_or_else(|| Error::new(ErrorKind::Authentication).key(*key_id))?;

    let len = if suite.is_padded() {
        padding::unpadded_len(&body[..len]).map_err(|e| e.key(*key_id))?
    } else {
        len
    };
    body.truncate(len);
    let compromised = key.state == KeyState::Compromised;
    let under =
        OpenedUnder { key_id: *key_id, previous_context: context > 0, previous_scope, compromised };
    Ok(Opened { plaintext: body, under, is_stale: under.is_stale(ring, field.scope) })
}

/// A key that the entered scope's own ring does not hold. It is of another scope, perhaps of a
/// previous one. Only that ring decides on the entered scope's own keys.
#[cold]
fn find_elsewhere<'a>(
    ring: Option<&'a Keyring>,
    field: &FieldSpec<'_>,
    id: KeyId,
    is_stored: bool,
) -> Option<Found<'a>> {
    find(ring?, field, id, is_stored).ok().filter(|key| !key.is_of(field.scope))
}

#[inline(always)]
fn find<'a>(
    ring: &'a Keyring,
    field: &FieldSpec<'_>,
    id: KeyId,
    is_stored: bool,
) -> Result<Found<'a>> {
    if !field.may_ask && !ring.contains(id) {
        return Err(Error::new(ErrorKind::UnknownKey).key(id));
    }
    ring.find(id, is_stored)
}
