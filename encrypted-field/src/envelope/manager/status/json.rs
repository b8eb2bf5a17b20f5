//! How a status looks as JSON: dates as RFC 3339 has them, times in seconds, names in lower case.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Serializer;
use serde::ser::SerializeSeq as _;

use crate::key::date::rfc3339;
use crate::key::{KeyState, Purpose};
use crate::key_id::KeyId;

type Done<S> = Result<<S as Serializer>::Ok, <S as Serializer>::Error>;

pub(in crate::envelope::manager) fn date<S: Serializer>(date: &SystemTime, to: S) -> Done<S> {
    to.serialize_str(&rfc3339(*date))
}

#[allow(clippy::ref_option)] // serde calls it so.
pub(super) fn maybe_date<S: Serializer>(date: &Option<SystemTime>, to: S) -> Done<S> {
    match date {
        Some(date) => to.serialize_some(&rfc3339(*date)),
        None => to.serialize_none(),
    }
}

pub(super) fn seconds<S: Serializer>(time: &Duration, to: S) -> Done<S> {
    to.serialize_u64(time.as_secs())
}

#[allow(clippy::ref_option)] // serde calls it so.
pub(super) fn maybe_seconds<S: Serializer>(time: &Option<Duration>, to: S) -> Done<S> {
    match time {
        Some(time) => to.serialize_some(&time.as_secs()),
        None => to.serialize_none(),
    }
}

pub(super) fn text<S: Serializer>(value: &impl fmt::Display, to: S) -> Done<S> {
    to.collect_str(value)
}

#[allow(clippy::ref_option)] // serde calls it so.
pub(super) fn maybe_text<S: Serializer>(value: &Option<impl fmt::Display>, to: S) -> Done<S> {
    match value {
        Some(value) => to.serialize_some(&value.to_string()),
        None => to.serialize_none(),
    }
}

/// The name of a variant.
pub(in crate::envelope::manager) fn name<S: Serializer>(value: &impl fmt::Debug, to: S) -> Done<S> {
    to.serialize_str(&format!("{value:?}"))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it so.
pub(super) fn id<S: Serializer>(id: &KeyId, to: S) -> Done<S> {
    to.serialize_u32(id.get())
}

pub(super) fn ids<S: Serializer>(ids: &[KeyId], to: S) -> Done<S> {
    let mut list = to.serialize_seq(Some(ids.len()))?;
    for id in ids {
        list.serialize_element(&id.get())?;
    }
    list.end()
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it so.
pub(super) fn purpose<S: Serializer>(purpose: &Purpose, to: S) -> Done<S> {
    to.serialize_str(purpose.name())
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde calls it so.
pub(super) fn state<S: Serializer>(state: &KeyState, to: S) -> Done<S> {
    to.serialize_str(state.name())
}

pub(super) fn hexadecimal<S: Serializer>(bytes: &[u8; 32], to: S) -> Done<S> {
    to.collect_str(&Hexadecimal(bytes))
}

struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
