//! The switches of `legacy`, the public module, which says what they are for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;

use super::EncryptedField;
use super::plain_write::has_plain_form;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};

/// What a field with a legacy reader does otherwise than it is declared. Not both, since what is
/// written as plaintext has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    Closed,
    WritesPlaintext,
}

/// By context.
static SWITCHES: ArcSwapOption<BTreeMap<&'static str, Switch>> = ArcSwapOption::const_empty();
/// Whether any field writes plaintext: one load for a write where none does.
static ANY_WRITES_PLAINTEXT: AtomicBool = AtomicBool::new(false);
static CHANGE: Mutex<()> = Mutex::new(());

/// Gives what it was before.
fn switch<T: EncryptedField>(
    change: impl FnOnce(Option<Switch>) -> Option<Switch>,
) -> Option<Switch> {
    let lock = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut switches = SWITCHES.load().as_deref().cloned().unwrap_or_default();
    let before = switches.remove(T::CONTEXT);
    let after = change(before);
    switches.extend(after.map(|after| (T::CONTEXT, after)));
    let any = switches.values().any(|switch| *switch == Switch::WritesPlaintext);
    SWITCHES.store(Some(Arc::new(switches)));
    ANY_WRITES_PLAINTEXT.store(any, Ordering::Release);
    drop(lock);
    let [was_plaintext, plaintext] = [before, after].map(|at| at == Some(Switch::WritesPlaintext));
    if was_plaintext != plaintext {
        event::emit(&Event::WriteModeChanged { column: T::CONTEXT, plaintext });
    }
    before
}

fn is<T: EncryptedField>(switch: Switch) -> bool {
    SWITCHES.load().as_deref().is_some_and(|switches| switches.get(T::CONTEXT) == Some(&switch))
}

/// From now on this process refuses the field's legacy values, with
/// [`LegacyClosed`](crate::ErrorKind::LegacyClosed). This closes all fields of the same context. It
/// ends [`write_plaintext`].
pub fn close<T: EncryptedField>() {
    switch::<T>(|_| Some(Switch::Closed));
}

/// Undoes [`close`].
pub fn reopen<T: EncryptedField>() {
    switch::<T>(|before| before.filter(|before| *before != Switch::Closed));
}

/// Whether this process refuses the field's legacy values. A field without a `legacy` reader always
/// refuses them.
pub fn is_closed<T: EncryptedField>() -> bool {
    T::LEGACY.is_none() || is::<T>(Switch::Closed)
}

/// From now on this process stores the field's values as plaintext, as
/// [`Plaintext::to_legacy`](crate::Plaintext::to_legacy) gives it. It still reads both forms. This
/// holds for all fields of the same context, whatever key ring is used.
///
/// It is for a migration, while old instances that know only plaintext still run, and for the way
/// back. The [guide for an existing column](crate::legacy::existing_column) has every step.
///
/// Everything that makes a value for the column obeys it: the ORMs, `to_stored`, `to_stored_text`
/// and `to_stored_value`. Detached values and serde do not. Meanwhile none of the field's values is
/// [stale](crate::EncryptedFieldExt::is_stale), so `move_stale` moves none.
///
/// The switch emits [`Event::WriteModeChanged`]. Each value emits [`Event::PlaintextWrite`].
///
/// ```
/// # use encrypted_field::{Encrypted, Keyring, Secret, generate_key, legacy};
/// #[derive(Encrypted)]
/// #[encrypted(context = "accounts.api_key", legacy = plaintext)]
/// struct ApiKey(Secret<String>);
///
/// # fn main() -> encrypted_field::Result<()> {
/// # let _ring = Keyring::builder().active(1, generate_key()?).build()?.hold();
/// legacy::write_plaintext::<ApiKey>()?;
/// assert_eq!(ApiKey::from("key").to_stored_text()?, "key");
///
/// legacy::write_sealed::<ApiKey>();
/// assert!(ApiKey::from("key").to_stored_text()?.starts_with("ef1:1:"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::PlaintextWrite`]: the field has no `legacy` reader, its type has no form in the
/// clear, or legacy reads are [closed](close), so that what is written could not be read. Later,
/// this error is that of a value which would not be read back: it looks like a stored value of this
/// library, the reader does not take it, or it is no text for a text column.
pub fn write_plaintext<T: EncryptedField>() -> Result<()> {
    let refused = |why| Err(Error::new(ErrorKind::PlaintextWrite).detail(why).at(T::CONTEXT));
    if T::LEGACY.is_none() {
        return refused("nothing would read it; declare the field with `legacy = plaintext`");
    }
    if !has_plain_form::<T::Plain>() {
        return refused(
            "its type has none; implement `to_legacy` and `from_legacy` of `Plaintext`",
        );
    }
    match switch::<T>(|before| before.or(Some(Switch::WritesPlaintext))) {
        Some(Switch::Closed) => refused(
            "legacy reads are closed for this column, so nothing would read it; `reopen` them first",
        ),
        _ => Ok(()),
    }
}

/// Undoes [`write_plaintext`]: from now on this process seals the field's values.
pub fn write_sealed<T: EncryptedField>() {
    switch::<T>(|before| before.filter(|before| *before != Switch::WritesPlaintext));
}

/// Whether this process stores the field's values as plaintext.
#[inline]
pub fn writes_plaintext<T: EncryptedField>() -> bool {
    T::LEGACY.is_some()
        && ANY_WRITES_PLAINTEXT.load(Ordering::Acquire)
        && is::<T>(Switch::WritesPlaintext)
}
