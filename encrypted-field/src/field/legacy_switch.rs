//! Values that this library did not write: `#[encrypted(String, legacy = …)]` reads them, this switch stops it.
//!
//! A legacy reader is a door: whoever can write to the database can plant a value that no key has
//! authenticated. Once a column is migrated, close it: remove `legacy` from the field, or at run time
//! `legacy::close::<BotToken>()`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use super::EncryptedField;

static CLOSED: ArcSwapOption<BTreeSet<&'static str>> = ArcSwapOption::const_empty();
static CHANGE: Mutex<()> = Mutex::new(());

fn change(change: impl FnOnce(&mut BTreeSet<&'static str>)) {
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut closed = CLOSED.load().as_deref().cloned().unwrap_or_default();
    change(&mut closed);
    CLOSED.store(Some(Arc::new(closed)));
}

/// From now on the field's legacy values are refused, in this process, with
/// [`LegacyClosed`](crate::ErrorKind::LegacyClosed). All fields of the same context are closed.
pub fn close<T: EncryptedField>() {
    change(|closed| {
        closed.insert(T::CONTEXT);
    });
}

/// Undoes [`close`].
pub fn reopen<T: EncryptedField>() {
    change(|closed| {
        closed.remove(T::CONTEXT);
    });
}

/// Whether the field's legacy values are refused. A field without a `legacy` reader refuses them always.
pub fn is_closed<T: EncryptedField>() -> bool {
    T::LEGACY.is_none() || CLOSED.load().as_deref().is_some_and(|closed| closed.contains(T::CONTEXT))
}
