//! A field: its context and scope, and how its values are sealed and opened.

mod keys;
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

pub(crate) use keys::FieldSpec;
use keys::with_keys;
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
use crate::key::Keyring;
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
    /// The scope of its keys, `""` by default; without meaning where that is [dynamic](Self::DYNAMIC_SCOPE).
    const SCOPE: &'static str = "";
    /// Whether its keys are those of the [scope that is entered](crate::Scope). Without one, everything that needs a key
    /// fails with [`ErrorKind::NoScope`], whatever ring is passed.
    const DYNAMIC_SCOPE: bool = false;
    /// Scopes that the keys of its values had before: such values open too, and are stale.
    const PREVIOUS_SCOPES: &'static [&'static str] = &[];
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
    /// [`ErrorKind::NoActiveKey`] and the other key errors, [`ErrorKind::NoScope`], [`ErrorKind::DoubleEncryption`],
    /// [`ErrorKind::TooLarge`], [`ErrorKind::Unrepresentable`].
    fn to_stored(&self) -> Result<Vec<u8>> {
        sealed(self, None, Kind::Column, seal::binary)
    }

    /// As [`to_stored`](Self::to_stored), under a key of `ring`.
    fn to_stored_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        sealed(self, Some(ring), Kind::Column, seal::binary)
    }

    /// The form for the column, text.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn to_stored_text(&self) -> Result<String> {
        sealed(self, None, Kind::Column, seal::text)
    }

    /// As [`to_stored_text`](Self::to_stored_text), under a key of `ring`.
    fn to_stored_text_with(&self, ring: &Keyring) -> Result<String> {
        sealed(self, Some(ring), Kind::Column, seal::text)
    }

    /// The value out of a binary column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// Every kind of the families `Data` and `Keys`, and [`ErrorKind::NoScope`].
    fn from_stored(stored: Vec<u8>) -> Result<Self> {
        from_column(None, stored, open::binary)
    }

    /// As [`from_stored`](Self::from_stored), with the keys of `ring`.
    fn from_stored_with(ring: &Keyring, stored: Vec<u8>) -> Result<Self> {
        from_column(Some(ring), stored, open::binary)
    }

    /// The value out of a text column. The buffer becomes the plaintext.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored).
    fn from_stored_text(stored: String) -> Result<Self> {
        from_column(None, stored.into_bytes(), open::text)
    }

    /// As [`from_stored_text`](Self::from_stored_text), with the keys of `ring`.
    fn from_stored_text_with(ring: &Keyring, stored: String) -> Result<Self> {
        from_column(Some(ring), stored.into_bytes(), open::text)
    }

    /// A detached value, binary: for outside of rows. It does not open as a column, nor a column as it.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal(&self) -> Result<Vec<u8>> {
        sealed(self, None, Kind::Detached, seal::binary)
    }

    /// As [`seal`](Self::seal), under a key of `ring`.
    fn seal_with(&self, ring: &Keyring) -> Result<Vec<u8>> {
        sealed(self, Some(ring), Kind::Detached, seal::binary)
    }

    /// A detached value, text: characters that need no escaping in cookies, URLs and JSON.
    ///
    /// # Errors
    /// As [`to_stored`](Self::to_stored).
    fn seal_text(&self) -> Result<String> {
        sealed(self, None, Kind::Detached, seal::text)
    }

    /// As [`seal_text`](Self::seal_text), under a key of `ring`.
    fn seal_text_with(&self, ring: &Keyring) -> Result<String> {
        sealed(self, Some(ring), Kind::Detached, seal::text)
    }

    /// Opens what [`seal`](Self::seal) made.
    ///
    /// # Errors
    /// As [`from_stored`](Self::from_stored); legacy readers are not asked.
    fn open(sealed: &[u8]) -> Result<Self> {
        detached(None, sealed, open::binary)
    }

    /// As [`open`](Self::open), with the keys of `ring`.
    fn open_with(ring: &Keyring, sealed: &[u8]) -> Result<Self> {
        detached(Some(ring), sealed, open::binary)
    }

    /// Opens what [`seal_text`](Self::seal_text) made.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn open_text(sealed: &str) -> Result<Self> {
        detached(None, sealed.as_bytes(), open::text)
    }

    /// As [`open_text`](Self::open_text), with the keys of `ring`.
    fn open_text_with(ring: &Keyring, sealed: &str) -> Result<Self> {
        detached(Some(ring), sealed.as_bytes(), open::text)
    }

    /// The key that the value was read under; `None` for one that was not read from anywhere.
    fn key_id(&self) -> Option<KeyId> {
        self.secret().key_id()
    }

    /// Whether writing the value back would move it: it was read under a key that is not active now (nor
    /// [pending](crate::KeyState::Pending)) or is compromised, of a previous scope, under a previous context, or by a legacy
    /// reader. Where the field's scope is [dynamic](Self::DYNAMIC_SCOPE), the active key is that of the one entered here;
    /// without one, as without a key ring, no key is out of date.
    fn is_stale(&self) -> bool {
        is_stale(self, None)
    }

    /// As [`is_stale`](Self::is_stale), against the active key of `ring`.
    fn is_stale_with(&self, ring: &Keyring) -> bool {
        is_stale(self, Some(ring))
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
        Sealed::new(self, None)
    }

    /// As [`presealed`](Self::presealed), under a key of `ring`.
    fn presealed_with(&self, ring: &Keyring) -> Result<Sealed<Self>> {
        Sealed::new(self, Some(ring))
    }
}

/// Names the column in an error that does not name one, such as that no keys are set.
fn located<T: EncryptedField>(error: Error) -> Error {
    if error.column().is_some() { error } else { error.at(T::CONTEXT) }
}

fn sealed<T: EncryptedField, R>(
    field: &T,
    ring: Option<&Keyring>,
    kind: Kind,
    seal: impl FnOnce(&Keyring, &FieldSpec<'_>, Kind, &[u8]) -> Result<R>,
) -> Result<R> {
    let sealed = with_keys::<T, _>(ring, |ring, spec| match field.secret().plain().encode() {
        Ok(plain) => seal(ring, spec, kind, &plain),
        Err(e) => Err(e.on_encode()),
    });
    sealed.map_err(located::<T>)
}

type Open = fn(&Keyring, &FieldSpec<'_>, Kind, Cow<'_, [u8]>) -> Result<open::Opened>;

fn from_column<T: EncryptedField>(ring: Option<&Keyring>, stored: Vec<u8>, open: Open) -> Result<T> {
    let read = with_keys::<T, _>(ring, |ring, spec| {
        // Only what does not carry our marker in any version; never after a failed open.
        if let Some(reader) = T::LEGACY
            && !crate::format::is_ours(&stored)
        {
            return from_legacy::<T>(&Zeroizing::new(stored), reader);
        }
        opened::<T>(ring, spec, open(ring, spec, Kind::Column, stored.into())?)
    });
    read.map(T::from_secret).map_err(failed::<T>)
}

fn detached<T: EncryptedField>(ring: Option<&Keyring>, sealed: &[u8], open: Open) -> Result<T> {
    let read = with_keys::<T, _>(ring, |ring, spec| {
        opened::<T>(ring, spec, open(ring, spec, Kind::Detached, sealed.into())?)
    });
    read.map(T::from_secret).map_err(failed::<T>)
}

fn from_legacy<T: EncryptedField>(stored: &[u8], reader: LegacyReader<T::Plain>) -> Result<Secret<T::Plain>> {
    if legacy_switch::is_closed::<T>() {
        return Err(ErrorKind::LegacyClosed.into());
    }
    let plain = reader(stored).map_err(|_| ErrorKind::LegacyRefused)?;
    event::emit(&Event::LegacyRead { column: T::CONTEXT });
    Ok(Secret::legacy(plain))
}

fn opened<T: EncryptedField>(
    ring: &Keyring,
    spec: &FieldSpec<'_>,
    opened: open::Opened,
) -> Result<Secret<T::Plain>> {
    let open::Opened { plaintext, under } = opened;
    let key_id = under.key_id;
    let plain = T::Plain::decode(plaintext).map_err(|e| e.on_decode().key(key_id))?;
    let secret = Secret::opened(plain, under);
    if under.compromised {
        event::emit(&Event::CompromisedRead { column: T::CONTEXT, key_id });
    } else if secret.is_stale(Some((ring, spec.scope))) {
        event::emit(&Event::StaleRead { column: T::CONTEXT, key_id });
    }
    Ok(secret)
}

fn failed<T: EncryptedField>(error: Error) -> Error {
    let error = located::<T>(error);
    event::emit(&Event::OpenFailed { column: T::CONTEXT, key_id: error.key_id(), kind: error.kind() });
    error
}

fn is_stale<T: EncryptedField>(field: &T, ring: Option<&Keyring>) -> bool {
    let secret = field.secret();
    with_keys::<T, _>(ring, |ring, spec| Ok(secret.is_stale(Some((ring, spec.scope)))))
        .unwrap_or_else(|_| secret.is_stale(None))
}
