//! What is timed: a token is encrypted, and what comes out is decrypted.

use std::hint::black_box;

use measure::Subject;

use crate::{Result, TOKEN};

/// A library that encrypts values, ready to be used.
pub(crate) trait Library {
    /// An encrypted value.
    type Sealed;
    /// A decrypted value.
    type Opened: AsRef<[u8]>;

    /// Encrypts [`TOKEN`].
    fn seal(&self) -> Result<Self::Sealed>;

    /// Decrypts it.
    fn open(&self, sealed: Self::Sealed) -> Result<Self::Opened>;

    /// The same with one character or byte of the ciphertext changed.
    fn changed(sealed: Self::Sealed) -> Result<Self::Sealed>;
}

/// The round trip through a library that has proved to encrypt.
///
/// # Errors
/// It does not give the token back, or opens what was changed.
pub(crate) fn round_trip<L: Library>(library: L) -> Result<impl Subject> {
    if library.open(library.seal()?)?.as_ref() != TOKEN.as_bytes() {
        return Err("another value than was encrypted came back".into());
    }
    if library.open(L::changed(library.seal()?)?).is_ok() {
        return Err("a value that was changed opened".into());
    }
    Ok(move || {
        let opened = library.seal().and_then(|sealed| library.open(black_box(sealed)));
        if let Err(error) = black_box(opened) {
            panic!("a round trip that succeeded before: {error}");
        }
    })
}

/// Opening alone, with the copy of the sealed value that it takes.
///
/// # Errors
/// It can't be sealed.
pub(crate) fn opening<L: Library<Sealed: Clone>>(library: L) -> Result<impl Subject> {
    let sealed = library.seal()?;
    Ok(move || {
        if let Err(error) = black_box(library.open(black_box(&sealed).clone())) {
            panic!("what was sealed does not open: {error}");
        }
    })
}

/// With a byte changed near the end, short of the tag.
pub(crate) fn changed_bytes(mut sealed: Vec<u8>) -> Vec<u8> {
    let at = sealed.len().saturating_sub(20);
    sealed[at] ^= 1;
    sealed
}

/// With a character changed in the middle, to one that may stand there.
pub(crate) fn changed_text(mut sealed: String) -> String {
    let at = sealed.len() / 2;
    let other = if sealed[at..].starts_with('A') { "B" } else { "A" };
    sealed.replace_range(at..=at, other);
    sealed
}
