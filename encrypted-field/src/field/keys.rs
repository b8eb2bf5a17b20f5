//! Which keys one call uses: those of the field's scope, or of the one that is entered.

use super::EncryptedField;
use crate::error::{ErrorKind, Result};
use crate::key::{Keyring, Scope, with_current};

/// What a field's values are bound to, and whose keys are theirs in this call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpec<'a> {
    pub(crate) context: &'static str,
    pub(crate) previous_contexts: &'static [&'static str],
    pub(crate) scope: &'a str,
    pub(crate) previous_scopes: &'static [&'static str],
    /// The ring holds the keys of `scope` only; those of others are to be looked for in the ring in use.
    pub(crate) scope_has_ring: bool,
    /// A key that is not there may be asked for. Not where a plaintext is looked at: it may name any.
    pub(crate) may_ask: bool,
}

impl FieldSpec<'static> {
    const fn of<T: EncryptedField>() -> Self {
        Self {
            context: T::CONTEXT,
            previous_contexts: T::PREVIOUS_CONTEXTS,
            scope: T::SCOPE,
            previous_scopes: T::PREVIOUS_SCOPES,
            scope_has_ring: false,
            may_ask: true,
        }
    }
}

/// Runs `f` with the given ring, or without one with the entered scope's own or the one in use.
///
/// # Errors
/// [`ErrorKind::NoScope`], those of [`keyring`](crate::keyring), and those of `f`.
#[inline]
pub(super) fn with_keys<T: EncryptedField, R>(
    given: Option<&Keyring>,
    f: impl FnOnce(&Keyring, &FieldSpec<'_>) -> Result<R>,
) -> Result<R> {
    if !T::DYNAMIC_SCOPE {
        let f = |ring: &Keyring| f(ring, const { &FieldSpec::of::<T>() });
        return match given {
            Some(ring) => f(ring),
            None => with_current(f),
        };
    }
    let entered = Scope::current().ok_or(ErrorKind::NoScope)?;
    let spec = FieldSpec { scope: entered.name(), ..FieldSpec::of::<T>() };
    match (given, entered.ring()) {
        (Some(ring), _) => f(ring, &spec),
        (None, Some(own)) => f(&own.load(), &FieldSpec { scope_has_ring: true, ..spec }),
        (None, None) => with_current(|ring| f(ring, &spec)),
    }
}
