//! What stands in a store, and how it is authenticated. `KEY-STORE.md` has the bytes. Nothing here
//! waits for anything.
//!
//! ```text
//! head ──MAC under the store key
//!  ├─ hash of `process`: a node ──hash of each── the keys of a scope that each process loads
//!  └─ hash of `tree`: a node ──hash of each── nodes … ──hash of each── the keys of a scope, loaded on demand
//! ```
//!
//! Not the text of a body is authenticated but its canonical form, so that a store may format JSON
//! as it likes.

mod canonical;
mod entry;
mod head;
mod mac;
mod name;
mod node;
mod parts;
mod scope;

pub(super) use canonical::Strict;
pub(super) use entry::{Changed, Entry};
pub(super) use head::{Head, Restoration};
pub(super) use mac::StoreMac;
pub(super) use name::{NODE_DIGITS, Part, ScopeDigest, node_name};
pub(super) use node::{Content, Node, NodeLink, ScopeLink};
pub(super) use parts::{Digest, Due, Wrapped, Wraps, upgrade};
pub(super) use scope::{Foreign, ScopeKeys};

use serde_json::Value;

use super::Record;
use crate::cipher::mac::sha256;
use crate::error::{Error, ErrorKind, Result};

/// A record whose text was read, with what authenticates it.
pub(super) struct Body {
    pub(super) name: String,
    pub(super) hash: Digest,
    value: Value,
}

impl Body {
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`]: not JSON, no object, numbers that are no integers, another
    /// revision than the record's.
    pub(super) fn read(record: &Record) -> Result<Self> {
        let value = parse(record)?;
        if record.revision > MAX_REVISION
            || value.get("revision").and_then(Value::as_u64) != Some(record.revision)
        {
            return Err(damaged(&record.name, "its body has another revision than its record"));
        }
        let canonical = canonical::text(&value)
            .ok_or_else(|| damaged(&record.name, "it holds a number that is no integer"))?;
        Ok(Self { name: record.name.clone(), hash: hash_of(&record.name, &canonical), value })
    }
}

/// The record of this name and content, with its hash.
fn write(name: String, revision: u64, content: &impl serde::Serialize) -> Result<(Record, Digest)> {
    let value = serde_json::to_value(content).ok();
    let body =
        value.as_ref().and_then(canonical::text).filter(|body| body.len() <= Record::MAX_BODY);
    let Some(body) = body else {
        let detail = format!(
            "the record \"{name}\" would be longer than 1 MiB: too many keys or key-encryption keys in one scope, or too many \
             scopes that are loaded with the process"
        );
        return Err(Error::new(ErrorKind::KeyLifecycle).detail(detail));
    };
    let hash = hash_of(&name, &body);
    Ok((Record { name, revision, body }, hash))
}

fn hash_of(name: &str, canonical: &str) -> Digest {
    let mut prefix = b"encrypted-field/v1/store-record\0".to_vec();
    canonical::put_text(&mut prefix, name);
    Digest(sha256([&*prefix, canonical.as_bytes()].into_iter()))
}

/// Revisions fit a signed integer.
pub(super) const MAX_REVISION: u64 = i64::MAX.cast_unsigned();

/// The last second of the year 9999. Nobody means a later date.
pub(super) const MAX_DATE: u64 = 253_402_300_799;

fn is_date(seconds: u64) -> bool {
    seconds <= MAX_DATE
}

/// The most bytes of a scope's name.
pub(super) const MAX_SCOPE: usize = 255;
/// More scopes than there can be. Below it, readers whose numbers are floats count exactly.
const MAX_COUNT: u64 = (1 << 53) - 1;

/// The most bytes of who made a change, and of why.
pub(super) const MAX_BY: usize = 200;
pub(super) const MAX_WHY: usize = 500;

/// Whether a note is short enough.
fn is_note(by: Option<&String>, why: Option<&String>) -> bool {
    by.is_none_or(|by| by.len() <= MAX_BY) && why.is_none_or(|why| why.len() <= MAX_WHY)
}

fn parse(record: &Record) -> Result<Value> {
    match serde_json::from_str::<Strict>(&record.body) {
        Ok(Strict(value @ Value::Object(_))) => Ok(value),
        Ok(_) => Err(damaged(&record.name, "it is no JSON object")),
        // Only the position, because the message may quote what stands there.
        Err(e) => Err(damaged(
            &record.name,
            format!("it can't be read (line {}, column {})", e.line(), e.column()),
        )),
    }
}

/// A record that is not what it must be.
pub(super) fn damaged(name: &str, what: impl std::fmt::Display) -> Error {
    tampered(format!("the record \"{name}\": {what}"))
}

/// Checks that no two scopes have a key of the same id. `ids` are those of the scopes before.
///
/// # Errors
/// [`ErrorKind::KeyStoreTampered`].
pub(super) fn refuse_shared_id(
    keys: &ScopeKeys,
    ids: &mut std::collections::HashSet<u32>,
) -> Result<()> {
    match keys.ids().find(|id| !ids.insert(*id)) {
        None => Ok(()),
        Some(twice) => {
            let name = keys.part.record(&ScopeDigest::of(&keys.scope));
            Err(damaged(&name, format!("it has key {twice}, which another scope has, too")))
        }
    }
}

/// The store holds what its authentication does not confirm.
pub(super) fn tampered(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::KeyStoreTampered).detail(detail)
}
