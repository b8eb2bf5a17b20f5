//! The plaintext in memory, and where it came from.

use std::fmt;

use crate::key::{KeyState, Keyring, Purpose};
use crate::key_id::KeyId;
use crate::plaintext::{self, Plaintext};

/// Printed in place of a secret.
pub(crate) const REDACTED: &str = "[encrypted]";

/// A plaintext, and the key that it was read under. It is wiped on drop if its type can be.
///
/// A generated field type holds one, and a newtype that you write by hand wraps one:
///
/// ```
/// use encrypted_field::{Encrypted, Secret};
///
/// #[derive(Encrypted)]
/// #[encrypted(context = "slack_connections.bot_token")]
/// pub struct BotToken(Secret<String>);
///
/// assert_eq!(&*BotToken::from("xoxb-1"), "xoxb-1");
/// ```
#[derive(Clone)]
pub struct Secret<P: Plaintext> {
    /// `None` only once it is taken out: `Drop` forbids moving out of a field.
    plain: Option<P>,
    origin: Origin,
}

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Made in this process.
    New,
    /// Read by a legacy reader.
    Legacy,
    /// Opened.
    Opened(OpenedUnder),
}

/// How a value was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenedUnder {
    pub(crate) key_id: KeyId,
    pub(crate) previous_context: bool,
    pub(crate) previous_scope: bool,
    pub(crate) compromised: bool,
}

impl<P: Plaintext> Secret<P> {
    /// A value that has not been stored yet.
    pub fn new(value: P::Value) -> Self {
        Self { plain: Some(P::from_value(value)), origin: Origin::New }
    }

    pub(super) fn opened(plain: P, under: OpenedUnder) -> Self {
        Self { plain: Some(plain), origin: Origin::Opened(under) }
    }

    pub(super) fn legacy(plain: P) -> Self {
        Self { plain: Some(plain), origin: Origin::Legacy }
    }

    /// The value to look at.
    pub fn expose(&self) -> &P::View {
        self.plain().view()
    }

    /// The value itself. From here on nothing wipes it.
    pub fn into_inner(mut self) -> P::Value {
        P::into_value(self.take())
    }

    pub(crate) fn plain(&self) -> &P {
        match &self.plain {
            Some(plain) => plain,
            None => {
                unreachable!("only `into_inner` takes the plaintext, and it consumes the secret")
            }
        }
    }

    #[doc(hidden)]
    pub fn __plain_mut(&mut self) -> Option<&mut P> {
        self.plain.as_mut()
    }

    /// For a generated type. It has a `Drop` of its own, and so can't be taken apart either.
    #[doc(hidden)]
    pub fn __take(&mut self) -> P::Value {
        P::into_value(self.take())
    }

    fn take(&mut self) -> P {
        match self.plain.take() {
            Some(plain) => plain,
            None => {
                unreachable!("only `into_inner` takes the plaintext, and it consumes the secret")
            }
        }
    }

    /// The key that it was read under.
    pub fn key_id(&self) -> Option<KeyId> {
        match self.origin {
            Origin::Opened(under) => Some(under.key_id),
            Origin::New | Origin::Legacy => None,
        }
    }

    /// Whether a legacy reader has read it.
    pub fn is_legacy(&self) -> bool {
        self.origin == Origin::Legacy
    }

    /// Against the active key of a scope. Without a ring, no key can be told to be out of date.
    pub(super) fn is_stale(&self, keys: Option<(&Keyring, &str)>) -> bool {
        match self.origin {
            Origin::New => false,
            Origin::Legacy => true,
            Origin::Opened(under) => match keys {
                Some((ring, scope)) => under.is_stale(ring, scope),
                None => under.is_behind_any_key(),
            },
        }
    }
}

impl OpenedUnder {
    /// Whether it is out of date whatever the active key is.
    fn is_behind_any_key(self) -> bool {
        self.previous_context || self.previous_scope || self.compromised
    }

    /// Whether a write would move it, as things are.
    #[inline]
    pub(super) fn is_stale(self, ring: &Keyring, scope: &str) -> bool {
        self.is_behind_any_key() || is_behind(ring, scope, self.key_id)
    }
}

/// Whether a write would use another key that is not an older one. A pending key is the next active
/// one, and processes that are ahead of this one use it already.
fn is_behind(ring: &Keyring, scope: &str, key_id: KeyId) -> bool {
    ring.active_key(scope, Purpose::Field) != Some(key_id)
        && ring
            .get(key_id.get())
            .is_none_or(|key| key.state != KeyState::Pending || key.scope != scope)
}

impl<P: Plaintext> Drop for Secret<P> {
    fn drop(&mut self) {
        if let Some(plain) = &mut self.plain {
            plain.wipe();
        }
    }
}

/// Of the plaintexts, as fields compare; SECURITY.md, "Timing", has what that takes.
impl<P: Plaintext> PartialEq for Secret<P> {
    fn eq(&self, other: &Self) -> bool {
        plaintext::equal(self.plain(), other.plain())
    }
}

impl<P: Plaintext> Eq for Secret<P> {}

impl<P: Plaintext> fmt::Debug for Secret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({REDACTED})")
    }
}
