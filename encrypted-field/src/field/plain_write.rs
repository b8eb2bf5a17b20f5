//! Values that are stored as plaintext, while `legacy::write_plaintext` holds.

use super::{EncryptedField, Secret};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::format;
use crate::plaintext::{NOT_READ_IN_THE_CLEAR, Plaintext, PlaintextError};

/// Whether values of the type have a form in the clear. A type without one has the `from_legacy` of
/// the trait, which refuses everything in the same words.
pub(super) fn has_plain_form<P: Plaintext>() -> bool {
    !P::from_legacy(b"").is_err_and(|error| error == NOT_READ_IN_THE_CLEAR)
}

/// What a binary column gets.
pub(super) fn binary<T: EncryptedField>(field: &T) -> Result<Vec<u8>> {
    let plain = plain(field)?;
    tell::<T>();
    Ok(plain)
}

/// What a text column gets.
pub(super) fn text<T: EncryptedField>(field: &T) -> Result<String> {
    let text = String::from_utf8(plain(field)?).or_else(|error| {
        crate::secret::wipe(&mut error.into_bytes());
        refused("it is not UTF-8, as a text column needs it; use a binary column")
    })?;
    tell::<T>();
    Ok(text)
}

/// Told of nothing that is refused: the last such event decides when the door may close.
fn tell<T: EncryptedField>() {
    event::emit(&Event::PlaintextWrite { column: T::CONTEXT });
}

fn plain<T: EncryptedField>(field: &T) -> Result<Vec<u8>> {
    let value = field.secret().plain();
    let plain = value.to_legacy().map_err(PlaintextError::on_plain_write)?;
    if format::is_ours(&plain) {
        return refused("it looks like a stored value of this library, and would be read as one");
    }
    let reads_back = |read: Secret<T::Plain>| crate::plaintext::equal(read.plain(), value);
    let read = T::LEGACY.and_then(|reader| reader(&plain).ok());
    if !read.map(Secret::legacy).is_some_and(reads_back) {
        return refused("the field's legacy reader does not read it back as the same value");
    }
    Ok(plain.to_vec())
}

fn refused<R>(why: &'static str) -> Result<R> {
    Err(Error::new(ErrorKind::PlaintextWrite).detail(why))
}
