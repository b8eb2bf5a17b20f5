//! A field: its context and scope, and how its values are sealed and opened.

mod legacy_switch;
mod model;
mod open;
mod seal;
mod sealed;
mod secret;
#[cfg(feature = "serde")]
pub mod serde;
#[cfg(test)]
mod vectors;
pub(crate) mod wipe;

use std::borrow::Cow;

use zeroize::Zeroizing;

pub use legacy_switch::{close, is_closed, reopen};
pub use model::{EncryptedModel, FieldInfo, MaybeStale, check_contexts};
pub use sealed::Sealed;
#[cfg(feature = "sqlx")]
pub(crate) use sealed::Stored;
pub(crate) use secret::REDACTED;
pub use secret::Secret;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::format::aad::Kind;
use crate::key::{Keyring, with_current};
use crate::key_id::KeyId;
use crate::plaintext::{Plaintext, PlaintextError};

/// Which form SQLx reads and writes. (Diesel takes it from the column's SQL type.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// `ef1:…` in a text column, the default.
    Text,
    /// Bytes in a binary column: a quarter shorter.
    Binary,
}

/// A function that reads what a column held before this library wrote it; its error is not kept, it may hold the
/// value.
pub type LegacyReader<P> = fn(&[u8]) -> std::result::Result<P, PlaintextError>;

/// What a field's values are bound to, and which keys are theirs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpec {
    pub(crate) context: &'static str,
    pub(crate) previous_contexts: &'static [&'static str],
    pub(crate) scope: &'static str,
}

/// A type whose values are encrypted where they are stored. `#[derive(Encrypted)]` implements it.
///
/// The generated type has the everyday methods itself; this trait is for generic code, for a
/// [`Keyring`] passed by hand (`…_with`), and for code that moves stored values by itself.
///
/// Two kinds of sealed values exist, and neither opens as the other: *stored* ones for the field's column, and
/// *detached* ones (`seal`, `seal_text`) for cookies, queues and JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an encrypted field type",
    note = "`#[derive(Encrypted)]` declares one for each field annotated with `#[encrypted(…)]`"
)]
pub trait EncryptedField: Sized {
    /// What the field holds.
    type Plain: Plaintext;
    /// Authenticated with every value, so that a value moved to another column does not open:
    /// by default `table.column`.
    const CONTEXT: &'static str;
    /// Contexts that the field had before; tried on read.
    const PREVIOUS_CONTEXTS: &'static [&'static str] = &[];
    /// The scope of its keys, `""` by default.
    const SCOPE: &'static str = "";
    /// The form that SQLx stores.
    const STORAGE: Storage = Storage::Text;
    /// Reads values that this library did not write.
    const LEGACY: Option<LegacyReader<Self::Plain>> = None;

    /// Wraps a plaintext.
    fn from_secret(secret: Secret<Self::Plain>) -> Self;

    /// The plaintext and where it came from.
    fn secret(&self) -> &Secret<Self::Plain>;

    /// The form for the column, binary: a fresh nonce and the active key, each time.
    ///
    /// # Errors
    /// [`ErrorKind::NoActiveKey`] and the other key errors, [`ErrorKind::DoubleEncryption`],
    /// [`ErrorKind::TooLarge`], [`ErrorKind::Unrepresentable`].
    fn to_stored(&self) -> Result<Vec<u8>> {
        with_current(|ring| self.to_stored_with(ring)).map_err(located::<Self>)
    }

    /// As [`to_stored`](Self::to_stored), under a key of `ring`.
    fn to_stored_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        sealing(self, |plain| seal::binary(ring, &spec::<Self>(), Kind::Column, plain))
    }

    /// The form for the column, text.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn to_stored_text(&self) -> Result<String> {
        with_current(|ring| self.to_stored_text_with(ring)).map_err(located::<Self>)
    }

    /// As [`to_stored_text`](Self::to_stored_text), under a key of `ring`.
    fn to_stored_text_with(&self, ring: &Keyring) -> Result<String> {
        sealing(self, |plain| seal::text(ring, &spec::<Self>(), Kind::Column, plain))
    }

    /// The value out of a binary column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// Every kind of the families `Data` and `Keys`.
    fn from_stored(stored: Vec<u8>) -> Result<Self> {
        with_current(|ring| from_stored_bytes(ring, stored, open::binary)).map_err(not_opened::<Self>)
    }

    /// As [`from_stored`](Self::from_stored), with the keys of `ring`.
    fn from_stored_with(ring: &Keyring, stored: Vec<u8>) -> Result<Self> {
        from_stored_bytes(ring, stored, open::binary)
    }

    /// The value out of a text column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored).
    fn from_stored_text(stored: String) -> Result<Self> {
        with_current(|ring| from_stored_bytes(ring, stored.into_bytes(), open::text))
            .map_err(not_opened::<Self>)
    }

    /// As [`from_stored_text`](Self::from_stored_text), with the keys of `ring`.
    fn from_stored_text_with(ring: &Keyring, stored: String) -> Result<Self> {
        from_stored_bytes(ring, stored.into_bytes(), open::text)
    }

    /// A detached value, binary: for outside of rows. It does not open as a column, nor a column as it.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal(&self) -> Result<Vec<u8>> {
        with_current(|ring| self.seal_with(ring)).map_err(located::<Self>)
    }

    /// As [`seal`](Self::seal), under a key of `ring`.
    fn seal_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        sealing(self, |plain| seal::binary(ring, &spec::<Self>(), Kind::Detached, plain))
    }

    /// A detached value, text: characters that need no escaping in cookies, URLs and JSON.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal_text(&self) -> Result<String> {
        with_current(|ring| self.seal_text_with(ring)).map_err(located::<Self>)
    }

    /// As [`seal_text`](Self::seal_text), under a key of `ring`.
    fn seal_text_with(&self, ring: &Keyring) -> Result<String> {
        sealing(self, |plain| seal::text(ring, &spec::<Self>(), Kind::Detached, plain))
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored); legacy readers are not asked.
    fn open(sealed: &[u8]) -> Result<Self> {
        with_current(|ring| Self::open_with(ring, sealed)).map_err(not_opened::<Self>)
    }

    /// As [`open`](Self::open), with the keys of `ring`.
    fn open_with(ring: &Keyring, sealed: &[u8]) -> Result<Self> {
        opened(ring, open::binary(ring, &spec::<Self>(), Kind::Detached, sealed.into()))
    }

    /// Opens what [`seal_text`](Self::seal_text) made.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn open_text(sealed: &str) -> Result<Self> {
        with_current(|ring| Self::open_text_with(ring, sealed)).map_err(not_opened::<Self>)
    }

    /// As [`open_text`](Self::open_text), with the keys of `ring`.
    fn open_text_with(ring: &Keyring, sealed: &str) -> Result<Self> {
        opened(ring, open::text(ring, &spec::<Self>(), Kind::Detached, sealed.as_bytes().into()))
    }

    /// The key that the value was read under; `None` for one that was not read from anywhere.
    fn key_id(&self) -> Option<KeyId> {
        self.secret().key_id()
    }

    /// Whether writing the value back would move it: it was read under a key that is not active now (nor
    /// [pending](crate::KeyState::Pending)) or is compromised, under a previous context, or by a legacy reader.
    fn is_stale(&self) -> bool {
        with_current(|ring| Ok(self.is_stale_with(ring)))
            .unwrap_or_else(|_| self.secret().is_stale(None, Self::SCOPE))
    }

    /// As [`is_stale`](Self::is_stale), against the active key of `ring`.
    fn is_stale_with(&self, ring: &Keyring) -> bool {
        self.secret().is_stale(Some(ring), Self::SCOPE)
    }

    /// Whether a legacy reader read it: it was not encrypted by this library.
    fn is_legacy(&self) -> bool {
        self.secret().is_legacy()
    }

    /// Seals the value for one write to its column, ahead of it. For SQLx's `QueryBuilder`, whose `push_bind` panics where
    /// sealing fails: seal first, with `?`, then push what can't fail.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn presealed(&self) -> Result<Sealed<Self>> {
        with_current(|ring| self.presealed_with(ring)).map_err(located::<Self>)
    }

    /// As [`presealed`](Self::presealed), under a key of `ring`.
    fn presealed_with(&self, ring: &Keyring) -> Result<Sealed<Self>> {
        Sealed::new(self, ring)
    }
}

fn spec<T: EncryptedField>() -> FieldSpec {
    FieldSpec { context: T::CONTEXT, previous_contexts: T::PREVIOUS_CONTEXTS, scope: T::SCOPE }
}

/// Names the column in an error that does not name one, such as that no keys are set.
fn located<T: EncryptedField>(error: Error) -> Error {
    if error.column().is_some() { error } else { error.at(T::CONTEXT) }
}

/// Reports what failed before there was a ring to open with; everything after names its column and is reported.
fn not_opened<T: EncryptedField>(error: Error) -> Error {
    if error.column().is_some() { error } else { failed::<T>(error) }
}

fn sealing<T: EncryptedField, R>(field: &T, seal: impl FnOnce(&[u8]) -> Result<R>) -> Result<R> {
    match field.secret().plain().encode() {
        Ok(plain) => seal(&plain),
        Err(e) => Err(e.on_encode()),
    }
    .map_err(located::<T>)
}

type Open = fn(&Keyring, &FieldSpec, Kind, Cow<'_, [u8]>) -> Result<open::Opened>;

fn from_stored_bytes<T: EncryptedField>(ring: &Keyring, stored: Vec<u8>, open: Open) -> Result<T> {
    // Only what does not carry our marker in any version; never after a failed open.
    if let Some(reader) = T::LEGACY
        && !crate::format::is_ours(&stored)
    {
        return from_legacy(&Zeroizing::new(stored), reader);
    }
    opened(ring, open(ring, &spec::<T>(), Kind::Column, stored.into()))
}

fn from_legacy<T: EncryptedField>(stored: &[u8], reader: LegacyReader<T::Plain>) -> Result<T> {
    let read = if legacy_switch::is_closed::<T>() {
        Err(ErrorKind::LegacyClosed)
    } else {
        reader(stored).map_err(|_| ErrorKind::LegacyRefused)
    };
    match read {
        Ok(plain) => {
            event::emit(&Event::LegacyRead { column: T::CONTEXT });
            Ok(T::from_secret(Secret::legacy(plain)))
        }
        Err(kind) => Err(failed::<T>(kind.into())),
    }
}

fn opened<T: EncryptedField>(ring: &Keyring, opened: Result<open::Opened>) -> Result<T> {
    let result = opened.and_then(|opened| {
        let open::Opened { plaintext, under } = opened;
        let plain = T::Plain::decode(plaintext);
        let plain = plain.map_err(|e| e.on_decode().key(under.key_id))?;
        Ok(Secret::opened(plain, under))
    });
    match result {
        Ok(secret) => {
            if let Some(key_id) = secret.key_id() {
                if secret.is_compromised() {
                    event::emit(&Event::CompromisedRead { column: T::CONTEXT, key_id });
                } else if secret.is_stale(Some(ring), T::SCOPE) {
                    event::emit(&Event::StaleRead { column: T::CONTEXT, key_id });
                }
            }
            Ok(T::from_secret(secret))
        }
        Err(error) => Err(failed::<T>(error)),
    }
}

fn failed<T: EncryptedField>(error: Error) -> Error {
    let error = located::<T>(error);
    event::emit(&Event::OpenFailed { column: T::CONTEXT, key_id: error.key_id(), kind: error.kind() });
    error
}
