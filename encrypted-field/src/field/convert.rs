//! From plaintext to the stored value, and back: keys, legacy readers, events, and the column's
//! name in errors.

use std::borrow::Cow;
use std::num::NonZero;
use std::thread;

use zeroize::Zeroizing;

use super::keys::FieldSpec;
use super::open::Opened;
use super::parallel::in_parts;
use super::{EncryptedField, LegacyReader, Secret, legacy_switch, plain_write, seal};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Event};
use crate::format::aad::Kind;
use crate::key::Keyring;
use crate::plaintext::{Plaintext as _, PlaintextError};

/// Names the column in an error that does not name one, such as that no keys are set.
fn located<T: EncryptedField>(error: Error) -> Error {
    if error.column().is_some() { error } else { error.at(T::CONTEXT) }
}

/// The facts about a field that the parts below need.
const fn spec<T: EncryptedField>() -> &'static FieldSpec<'static> {
    const { &FieldSpec::of::<T>() }
}

/// Seals with one of the functions of [`seal`](super::seal).
pub(super) fn sealed<T: EncryptedField, R>(
    field: &T,
    ring: Option<&Keyring>,
    kind: Kind,
    seal: fn(&FieldSpec<'static>, Option<&Keyring>, Kind, &[u8]) -> Result<R>,
) -> Result<R> {
    let plain = field.secret().plain().encode().map_err(PlaintextError::on_encode);
    plain.and_then(|plain| seal(spec::<T>(), ring, kind, &plain)).map_err(located::<T>)
}

/// What a binary column gets.
pub(super) fn stored_binary<T: EncryptedField>(
    field: &T,
    ring: Option<&Keyring>,
) -> Result<Vec<u8>> {
    if legacy_switch::writes_plaintext::<T>() {
        return in_the_clear(field, ring, plain_write::binary);
    }
    sealed(field, ring, Kind::Column, seal::binary)
}

/// What a text column gets.
pub(super) fn stored_text<T: EncryptedField>(field: &T, ring: Option<&Keyring>) -> Result<String> {
    if legacy_switch::writes_plaintext::<T>() {
        return in_the_clear(field, ring, plain_write::text);
    }
    sealed(field, ring, Kind::Column, seal::text)
}

/// Not without keys or outside of a scope, as little as a plaintext is read then: this process has
/// to open what others seal.
#[cold]
fn in_the_clear<T: EncryptedField, R>(
    field: &T,
    ring: Option<&Keyring>,
    stored: fn(&T) -> Result<R>,
) -> Result<R> {
    spec::<T>().with_keys(ring, |_, _| stored(field)).map_err(located::<T>)
}

/// One of the functions of [`open`].
pub(super) type Open =
    fn(&FieldSpec<'static>, Option<&Keyring>, Kind, Cow<'_, [u8]>) -> Result<Opened>;

pub(super) fn from_column<T: EncryptedField>(
    ring: Option<&Keyring>,
    stored: Vec<u8>,
    open: Open,
) -> Result<T> {
    read::<T, true>(ring, stored, open)
}

/// A value that the program has read before. Only a failure is told.
pub(super) fn from_column_again<T: EncryptedField>(stored: Vec<u8>, open: Open) -> Result<T> {
    read::<T, false>(None, stored, open)
}

/// `TELL`: whether stale and legacy reads are told.
fn read<T: EncryptedField, const TELL: bool>(
    ring: Option<&Keyring>,
    stored: Vec<u8>,
    open: Open,
) -> Result<T> {
    // Only for a value that can't be ours in any version, and never after a failed open.
    let read = match T::LEGACY {
        Some(reader) if !crate::format::is_ours(&stored) => {
            let stored = Zeroizing::new(stored);
            spec::<T>().with_keys(ring, |_, _| from_legacy::<T, TELL>(&stored, reader))
        }
        _ => open(spec::<T>(), ring, Kind::Column, stored.into()).and_then(opened::<T, TELL>),
    };
    named(read)
}

pub(super) fn detached<T: EncryptedField>(
    ring: Option<&Keyring>,
    sealed: &[u8],
    open: Open,
) -> Result<T> {
    let read = open(spec::<T>(), ring, Kind::Detached, sealed.into()).and_then(opened::<T, true>);
    let read = read.map_err(|error| advised(unspecific(error), NOT_DETACHED));
    read.map(T::from_secret).map_err(failed::<T>)
}

/// Values that one thread opens are worth starting it.
const FOR_A_THREAD: usize = 256;

/// One of the functions of [`open`](super::open) for keys that are there already.
pub(super) type OpenWith = fn(&Keyring, &FieldSpec<'_>, Kind, Cow<'_, [u8]>) -> Result<Opened>;

/// As [`from_column`], for many values at once, on all available processors. Keys and scope are
/// those of the calling thread.
pub(super) fn all_from_column<T: EncryptedField + Send>(
    ring: Option<&Keyring>,
    stored: Vec<Vec<u8>>,
    open: OpenWith,
) -> Result<Vec<Result<T>>> {
    let read_all = |ring: &Keyring, field: &FieldSpec<'_>, stored: Vec<Vec<u8>>| {
        let read = |stored: Vec<u8>| match T::LEGACY {
            Some(reader) if !crate::format::is_ours(&stored) => {
                from_legacy::<T, true>(&Zeroizing::new(stored), reader)
            }
            _ => open(ring, field, Kind::Column, stored.into()).and_then(opened::<T, true>),
        };
        stored.into_iter().map(|stored| named::<T>(read(stored))).collect::<Vec<_>>()
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = processors.min(stored.len() / FOR_A_THREAD);
    let read = spec::<T>().with_keys(ring, |ring, field| {
        Ok(in_parts(stored, threads, |part| read_all(ring, field, part)))
    });
    read.map_err(failed::<T>)
}

fn named<T: EncryptedField>(read: Result<Secret<T::Plain>>) -> Result<T> {
    read.map(T::from_secret).map_err(|error| failed::<T>(advised(error, NOT_OF_THE_COLUMN)))
}

/// The value of a text column as its bytes, which need not be UTF-8 if a legacy reader takes them.
#[cfg(any(feature = "diesel", feature = "sqlx"))]
pub fn from_text_column<T: EncryptedField>(stored: Vec<u8>) -> Result<T> {
    from_column(None, stored, super::open::text)
}

const NOT_OF_THE_COLUMN: &str = "if it was written before encryption, add `legacy = plaintext` (or your own reader) to the field \
    while you migrate; if an INSERT left the column out, this is the database's default and the row \
    is committed: give the column no default";
const NOT_DETACHED: &str = "`open` and `open_text` take what `seal` and `seal_text` made";

/// Says what to do about a value that is not encrypted. That depends on where it was.
fn advised(error: Error, advice: &str) -> Error {
    if error.kind() == ErrorKind::NotEncrypted { error.and(advice) } else { error }
}

/// Whoever offers a detached value must not learn that it opened and holds no value of the type.
/// With a value made to open under many keys, that person could find out which of them is here.
fn unspecific(error: Error) -> Error {
    match (error.kind(), error.key_id()) {
        (ErrorKind::InvalidPlaintext, Some(id)) => Error::new(ErrorKind::Authentication).key(id),
        _ => error,
    }
}

fn from_legacy<T: EncryptedField, const TELL: bool>(
    stored: &[u8],
    reader: LegacyReader<T::Plain>,
) -> Result<Secret<T::Plain>> {
    if legacy_switch::is_closed::<T>() {
        return Err(ErrorKind::LegacyClosed.into());
    }
    let plain = reader(stored).map_err(PlaintextError::on_legacy)?;
    if TELL {
        event::emit(&Event::LegacyRead { column: T::CONTEXT });
    }
    Ok(Secret::legacy(plain))
}

fn opened<T: EncryptedField, const TELL: bool>(opened: Opened) -> Result<Secret<T::Plain>> {
    let Opened { plaintext, under, is_stale } = opened;
    let key_id = under.key_id;
    let plain = T::Plain::decode(plaintext).map_err(|e| e.on_decode().key(key_id))?;
    if !TELL {
    } else if under.compromised {
        event::emit(&Event::CompromisedRead { column: T::CONTEXT, key_id });
    } else if is_stale {
        event::emit(&Event::StaleRead { column: T::CONTEXT, key_id });
    }
    Ok(Secret::opened(plain, under))
}

fn failed<T: EncryptedField>(error: Error) -> Error {
    let error = located::<T>(error);
    let (key_id, kind) = (error.key_id(), error.kind());
    event::emit(&Event::OpenFailed { column: T::CONTEXT, key_id, kind, error: &error });
    error
}

pub(super) fn is_stale<T: EncryptedField>(field: &T, ring: Option<&Keyring>) -> bool {
    if legacy_switch::writes_plaintext::<T>() {
        return false;
    }
    let secret = field.secret();
    spec::<T>()
        .with_keys(ring, |ring, spec| Ok(secret.is_stale(Some((ring, spec.scope)))))
        .unwrap_or_else(|_| secret.is_stale(None))
}
