//! The keys that one call uses: those of the field's scope, or of the one that is entered.

use arc_swap::ArcSwap;

use super::EncryptedField;
use crate::error::{ErrorKind, Result};
use crate::format::aad::ContextAad;
use crate::key::{Keyring, Scope, with_current};

/// The context that a field's values are bound to, and the scope whose keys they use in this call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpec<'a> {
    pub(crate) context: &'a ContextAad<'a>,
    pub(crate) previous_contexts: &'a [&'a str],
    pub(crate) scope: &'a str,
    pub(crate) previous_scopes: &'a [&'a str],
    /// The scope is the one that is entered. `scope` has it in a call.
    pub(crate) dynamic_scope: bool,
    /// The ring holds the keys of `scope` only. Keys of other scopes are looked for in the ring in
    /// use.
    pub(crate) scope_has_ring: bool,
    /// A key that is not there may be asked for. That is not so when a plaintext is looked at,
    /// because it may name any key.
    pub(crate) may_ask: bool,
}

impl FieldSpec<'static> {
    pub(super) const fn of<T: EncryptedField>() -> Self {
        Self {
            context: const { &ContextAad::new(T::CONTEXT) },
            previous_contexts: T::PREVIOUS_CONTEXTS,
            scope: T::SCOPE,
            previous_scopes: T::PREVIOUS_SCOPES,
            dynamic_scope: T::DYNAMIC_SCOPE,
            scope_has_ring: false,
            may_ask: true,
        }
    }

    /// Runs `f` with the given ring, or without one with the entered scope's own or the one in use.
    ///
    /// # Errors
    /// [`ErrorKind::NoScope`], those of [`keyring`](crate::keyring), and those of `f`.
    #[inline(always)]
    pub(super) fn with_keys<R>(
        &self,
        given: Option<&Keyring>,
        f: impl FnOnce(&Keyring, &FieldSpec<'_>) -> Result<R>,
    ) -> Result<R> {
        let (entered, own, of_scope);
        let (mut ring, mut spec) = (given, self as &FieldSpec<'_>);
        if self.dynamic_scope {
            entered = Scope::current().ok_or(ErrorKind::NoScope)?;
            own = entered.ring().filter(|_| given.is_none()).map(ArcSwap::load);
            let scope_has_ring = own.is_some();
            of_scope = FieldSpec { scope: entered.name(), scope_has_ring, ..*self };
            ring = given.or_else(|| own.as_ref().map(|ring| &***ring));
            spec = &of_scope;
        }
        // One call of `f`, so that there is one copy of all that it does.
        with_current(ring, |ring| f(ring, spec))
    }
}
