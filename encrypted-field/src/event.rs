//! For operators: one hook for what they count and log. It sees stale reads, legacy reads,
//! failures, and which keys seal.
//!
//! ```
//! use encrypted_field::event::{self, Event};
//!
//! event::set_hook(|event| match event {
//!     Event::KeysInstalled { ring, .. } => eprintln!("keys: {ring:?}"), // ids, states, scopes
//!     Event::OpenFailed { error, .. } => eprintln!("{error}"),
//!     _ => {}
//! });
//! ```

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::error::{Error, ErrorKind};
use crate::key::{self, KeyState, Keyring};
use crate::key_id::KeyId;

/// Something that happened to a stored value or to the keys. It never holds the value or a key.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A key ring was installed, and it is the first one or seals with other keys than the one
    /// before. It came from [`install`](crate::install), from the environment at its first use, or
    /// from a key manager.
    ///
    /// `{ring:?}` shows ids, states and scopes. Log it: at start-up it shows whether an old key
    /// seals by mistake.
    #[non_exhaustive]
    KeysInstalled {
        /// The ring.
        ring: &'a Keyring,
    },
    /// A value was read, and a write would move it. It is under a key that is no longer active, or
    /// under a previous context.
    #[non_exhaustive]
    StaleRead {
        /// The field's context, by default `table.column`.
        column: &'a str,
        /// The key it was read under.
        key_id: KeyId,
    },
    /// The field's `legacy` reader has read a value that this library did not write.
    #[non_exhaustive]
    LegacyRead {
        /// The field's context, by default `table.column`.
        column: &'a str,
    },
    /// `move_stale` has moved a stale value to the active key.
    #[non_exhaustive]
    Moved {
        /// The field's context, by default `table.column`.
        column: &'a str,
    },
    /// From now on this process stores the values of a field as plaintext, or seals them again:
    /// `legacy::write_plaintext` and what ends it.
    #[non_exhaustive]
    WriteModeChanged {
        /// The field's context, by default `table.column`.
        column: &'a str,
        /// Whether they are stored as plaintext.
        plaintext: bool,
    },
    /// A value was made for its column as plaintext, because `legacy::write_plaintext` holds.
    #[non_exhaustive]
    PlaintextWrite {
        /// The field's context, by default `table.column`.
        column: &'a str,
    },
    /// A value was read under a key that is marked compromised. Somebody else who has that key may
    /// have written it.
    #[non_exhaustive]
    CompromisedRead {
        /// The field's context, by default `table.column`.
        column: &'a str,
        /// The compromised key.
        key_id: KeyId,
    },
    /// A stored or detached value could not be opened.
    #[non_exhaustive]
    OpenFailed {
        /// The field's context, by default `table.column`.
        column: &'a str,
        /// The key that the value names, if that is known.
        key_id: Option<KeyId>,
        /// Why.
        kind: ErrorKind,
        /// Why, in words.
        error: &'a Error,
    },
    /// The store and a key service have confirmed the keys of a key manager, which are now up to
    /// date.
    #[non_exhaustive]
    KeysRefreshed {
        /// The name of the key set.
        key_set: &'a str,
    },
    /// The keys of a key manager could not be refreshed. The loaded keys stay in use for a while.
    #[non_exhaustive]
    RefreshFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        kind: ErrorKind,
        /// Why, in words.
        error: &'a Error,
    },
    /// Keys that are due could not be published, made active or wrapped, so rotation does not go
    /// on. After its lifetime a key seals no more.
    #[non_exhaustive]
    MaintenanceFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        kind: ErrorKind,
        /// Why, in words.
        error: &'a Error,
    },
    /// A key-encryption key did not wrap or unwrap a key. For unwrapping, the process asks the next
    /// one, if there is one. For wrapping, there is no wrap under this one.
    #[non_exhaustive]
    KekFailed {
        /// The name of the key-encryption key.
        kek: &'a str,
        /// The data key; `None` for the store key.
        key_id: Option<KeyId>,
        /// Why.
        kind: ErrorKind,
        /// Why, in words.
        error: &'a Error,
    },
    /// No key-encryption key unwraps a data key. Its values don't open.
    #[non_exhaustive]
    KeyBroken {
        /// The data key.
        key_id: KeyId,
        /// Why.
        kind: ErrorKind,
        /// Why, in words.
        error: &'a Error,
    },
    /// Somebody set the key store back, replaced it or emptied it. The process uses nothing of it.
    #[non_exhaustive]
    StoreRolledBack {
        /// The name of the key set.
        key_set: &'a str,
        /// What is wrong.
        error: &'a Error,
    },
    /// Nobody has signed the key store for too long, so the process seals nothing. This comes once
    /// each time that the store freezes. It does not come if this process is about to sign.
    #[non_exhaustive]
    StoreFrozen {
        /// The name of the key set.
        key_set: &'a str,
    },
    /// The anchor of the store could not be read, and this process goes on by what it has seen. Or
    /// the store was changed, and its anchor could not be raised. Then the next change raises it.
    #[non_exhaustive]
    AnchorFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// This process has changed the state of a key.
    #[non_exhaustive]
    KeyChanged {
        /// The name of the key set.
        key_set: &'a str,
        /// The key.
        key_id: KeyId,
        /// Its scope.
        scope: &'a str,
        /// Its new state.
        state: KeyState,
    },
    /// A value names a key that is not loaded. The process asks for it.
    #[non_exhaustive]
    KeyNotLoaded {
        /// The key.
        key_id: KeyId,
    },
}

type Hook = Box<dyn Fn(&Event<'_>) + Send + Sync>;

static HOOK: ArcSwapOption<Hook> = ArcSwapOption::const_empty();

/// Sets the hook of this process, and drops the one before. Set it before you install keys, to see
/// [`Event::KeysInstalled`].
///
/// The hook runs on the thread that reads the value, inside the ORM's decoding. It should count or
/// enqueue. It must not block or use the database. It must not call a `KeyManager` either: the
/// events of a manager come during its turn, and the call would wait for that turn for ever.
pub fn set_hook(hook: impl Fn(&Event<'_>) + Send + Sync + 'static) {
    HOOK.store(Some(Arc::new(Box::new(hook))));
    key::on_new_sealing_keys(|ring| emit(&Event::KeysInstalled { ring }));
}

pub(crate) fn emit(event: &Event<'_>) {
    if let Some(hook) = &*HOOK.load() {
        hook(event);
    }
}
