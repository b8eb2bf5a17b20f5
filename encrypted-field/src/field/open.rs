//! Opening: header, key, scope, then the cipher, inside the buffer that becomes the plaintext.

use std::borrow::Cow;
use std::iter;

use zeroize::Zeroizing;

use super::FieldSpec;
use super::secret::OpenedUnder;
use crate::error::{Error, ErrorKind, Result};
use crate::format::aad::{Aad, BoundColumn, Kind};
use crate::format::{Header, MAX_PLAINTEXT, TAG_LEN, binary, malformed, padding, text};
use crate::key::{self, Found, KeyState, Keyring};
use crate::key_id::KeyId;

/// A plaintext that authenticated.
pub(crate) struct Opened {
    /// In the buffer that held the sealed value.
    pub(crate) plaintext: Zeroizing<Vec<u8>>,
    pub(crate) under: OpenedUnder,
}

// The buffer is wiped where opening fails, too: when it is asked whether a plaintext is a stored value already, what
// does not open is a secret that only looks like one.

pub(crate) fn binary(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    match sealed {
        Cow::Borrowed(sealed) => {
            let header = binary::parse(sealed)?;
            decrypt(ring, field, kind, &[], &header, sealed[binary::HEAD..].to_vec())
        }
        Cow::Owned(sealed) => {
            let mut sealed = Zeroizing::new(sealed);
            let header = binary::parse(&sealed)?;
            // Moves the ciphertext, not the plaintext, to the front.
            sealed.drain(..binary::HEAD);
            decrypt(ring, field, kind, &[], &header, std::mem::take(&mut *sealed))
        }
    }
}

pub(crate) fn text(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    sealed: Cow<'_, [u8]>,
) -> Result<Opened> {
    let mut sealed = Zeroizing::new(sealed.into_owned());
    let header = text::parse(&mut sealed)?;
    decrypt(ring, field, kind, &[], &header, std::mem::take(&mut *sealed))
}

/// `body` is ciphertext and tag.
pub(super) fn decrypt(
    ring: &Keyring,
    field: &FieldSpec<'_>,
    kind: Kind,
    bound: &[BoundColumn<'_>],
    header: &Header,
    body: Vec<u8>,
) -> Result<Opened> {
    let mut body = Zeroizing::new(body);
    let Header { key_id, suite, nonce } = header;
    let in_use;
    let key = match find(ring, field, *key_id) {
        Err(unknown) if field.scope_has_ring => {
            in_use = key::in_use();
            find_elsewhere(in_use.as_deref(), field, *key_id).ok_or(unknown)?
        }
        found => found?,
    };
    let previous_scope =
        field.previous_scopes.iter().any(|scope| key.is_of(scope)) && !key.is_of(field.scope);
    let cipher = key.field_cipher(if previous_scope { &key.scope } else { field.scope })?;
    // Either way: were an unbound value accepted where columns are bound, it could still be moved between rows.
    if suite.is_bound() == bound.is_empty() {
        return Err(Error::new(ErrorKind::BoundColumns).key(*key_id));
    }
    let len = body.len().checked_sub(TAG_LEN).filter(|len| *len <= MAX_PLAINTEXT);
    let len = len.ok_or_else(|| malformed("it ends within the tag").key(*key_id))?;

    let context = cipher.open(kind == Kind::Detached, nonce, |subkey| {
        let opens = |context: &str, body: &mut [u8]| {
            subkey.open(nonce, Aad::new(*suite, *key_id, kind, context, bound).as_bytes(), body)
        };
        if field.previous_contexts.is_empty() {
            return opens(field.context, &mut body).then_some(0);
        }
        // What does not authenticate may come out overwritten, and is needed for the next context.
        let sealed = body.clone();
        let mut contexts = iter::once(&field.context).chain(field.previous_contexts);
        contexts.position(|context| {
            body.copy_from_slice(&sealed);
            opens(context, &mut body)
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
    Ok(Opened {
        plaintext: body,
        under: OpenedUnder { key_id: *key_id, previous_context: context > 0, previous_scope, compromised },
    })
}

/// A key that the entered scope's own ring does not hold: it is of another scope, perhaps of a previous one. Of the entered
/// scope's keys that ring alone decides.
#[cold]
fn find_elsewhere<'a>(ring: Option<&'a Keyring>, field: &FieldSpec<'_>, id: KeyId) -> Option<Found<'a>> {
    find(ring?, field, id).ok().filter(|key| !key.is_of(field.scope))
}

#[inline]
fn find<'a>(ring: &'a Keyring, field: &FieldSpec<'_>, id: KeyId) -> Result<Found<'a>> {
    if !field.may_ask && !ring.holds(id) {
        return Err(Error::new(ErrorKind::UnknownKey).key(id));
    }
    ring.find(id)
}
