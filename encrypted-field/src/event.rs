//! One hook that sees what an operator wants to count: stale and legacy reads, failed opens.
//!
//! ```
//! use encrypted_field::event::{self, Event};
//!
//! event::set_hook(|event| match event {
//!     Event::OpenFailed { column, key_id, kind, .. } => eprintln!("{column} {key_id:?} {kind:?}"),
//!     _ => {}
//! });
//! ```

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::error::ErrorKind;
use crate::key::KeyState;
use crate::key_id::KeyId;

/// Something that happened to a stored value. It never holds the value.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A value was read that a write would move: it is under a key that is no longer active, or
    /// under a previous context.
    #[non_exhaustive]
    StaleRead {
        /// The field's context, by default `table.column`.
        column: &'a str,
        /// The key it was read under.
        key_id: KeyId,
    },
    /// A value was read that this library did not write, through the field's `legacy` reader.
    #[non_exhaustive]
    LegacyRead {
        /// The field's context, by default `table.column`.
        column: &'a str,
    },
    /// A value was read under a key that is marked compromised: whoever has that key may have
    /// written it.
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
        /// The key that the value names, where it could be told.
        key_id: Option<KeyId>,
        /// Why.
        kind: ErrorKind,
    },
    /// The keys of a key manager were confirmed by the store and a key service, and brought
    /// up to date.
    #[non_exhaustive]
    KeysRefreshed {
        /// The name of the key set.
        key_set: &'a str,
    },
    /// They could not be; those that are loaded stay in use for a while.
    #[non_exhaustive]
    RefreshFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        kind: ErrorKind,
    },
    /// Keys that are due could not be published, made active or wrapped: rotation does not go on.
    /// Past its lifetime a key seals no more.
    #[non_exhaustive]
    MaintenanceFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        kind: ErrorKind,
    },
    /// A key-encryption key did not wrap or unwrap a key. Where it was to unwrap, the next one was
    /// asked, if there is one. Where it was to wrap, there is no wrap under it.
    #[non_exhaustive]
    KekFailed {
        /// The name of the key-encryption key.
        kek: &'a str,
        /// The data key; `None` for the store key.
        key_id: Option<KeyId>,
        /// Why.
        kind: ErrorKind,
    },
    /// A data key can't be unwrapped under any key-encryption key; its values don't open.
    #[non_exhaustive]
    KeyBroken {
        /// The data key.
        key_id: KeyId,
        /// Why.
        kind: ErrorKind,
    },
    /// The key store was set back, replaced or emptied: nothing of what it shows now is used.
    #[non_exhaustive]
    StoreRolledBack {
        /// The name of the key set.
        key_set: &'a str,
        /// What does not fit.
        error: &'a crate::error::Error,
    },
    /// The key store was not signed anew for too long: nothing is sealed. Once for each time that
    /// it freezes, and not where this process is about to sign it.
    #[non_exhaustive]
    StoreFrozen {
        /// The name of the key set.
        key_set: &'a str,
    },
    /// The anchor of the store could not be read, and this process goes on by what it has seen; or
    /// the store was changed, and its anchor could not be raised. The next change raises it.
    #[non_exhaustive]
    AnchorFailed {
        /// The name of the key set.
        key_set: &'a str,
        /// Why.
        error: &'a crate::error::Error,
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
    /// A value names a key that is not loaded; it is asked for.
    #[non_exhaustive]
    KeyNotLoaded {
        /// The key.
        key_id: KeyId,
    },
}

type Hook = Box<dyn Fn(&Event<'_>) + Send + Sync>;

static HOOK: ArcSwapOption<Hook> = ArcSwapOption::const_empty();

/// Sets the hook of this process; the one before is dropped.
///
/// It runs on the thread that reads the value, inside the ORM's decoding: it should count or
/// enqueue, and must not block or use the database. It must not call a `KeyManager` either:
/// events of a manager come while it has its turn, and a call would wait for that turn for ever.
pub fn set_hook(hook: impl Fn(&Event<'_>) + Send + Sync + 'static) {
    HOOK.store(Some(Arc::new(Box::new(hook))));
}

pub(crate) fn emit(event: &Event<'_>) {
    if let Some(hook) = &*HOOK.load() {
        hook(event);
    }
}
