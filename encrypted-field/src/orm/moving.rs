//! Moving the stale values of a row that was loaded, by compare-and-swap on the stored bytes.
//!
//! No value keeps its ciphertext, so the bytes to compare with are read once more, of the stale
//! columns alone:
//!
//! ```text
//! SELECT stored bytes WHERE key ──> opens, holds what the loaded row holds, is still stale? ──> seal
//! UPDATE SET sealed WHERE key AND stored bytes = those just read
//! ```
//!
//! Somebody who changes a value before the first statement leaves another plaintext, or one that is
//! not stale. Whoever changes it after that leaves other bytes. In both cases nothing is written.
//!
//! What is here runs around the two statements. It asks the row for its values twice, so that a
//! future which waits for the database holds nothing but the row.

use std::fmt;

use zeroize::Zeroizing;

use crate::event::{self, Event};
use crate::field::{EncryptedModel, Failed, FieldValue, Storage, Stored};

/// A stale value of a row, by its place among [`EncryptedModel::FIELDS`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Stale {
    at: usize,
    pub(super) column: &'static str,
    pub(super) storage: Storage,
}

/// The stale values of a row, of the fields that `column` gives a column for.
pub(super) fn stale<M: EncryptedModel>(
    row: &M,
    column: impl Fn(usize) -> Option<(&'static str, Storage)>,
) -> Vec<Stale> {
    let is_stale = |at: &usize| row.__value(*at).is_some_and(FieldValue::is_stale);
    let stale = (0..M::FIELDS.len()).filter(is_stale);
    stale
        .filter_map(|at| column(at).map(|(column, storage)| Stale { at, column, storage }))
        .collect()
}

/// What an update puts in place of what.
pub(super) struct Replacement {
    context: &'static str,
    pub(super) column: &'static str,
    pub(super) storage: Storage,
    pub(super) old: Old,
    #[cfg_attr(not(feature = "diesel"), allow(dead_code, reason = "SQLx logs no values"))]
    pub(super) digest: Option<Digest>,
    pub(super) new: Stored,
}

/// The bytes that stand in a column. They may be a plaintext, and Diesel's debug output of a
/// statement shows what it binds.
pub struct Old(Zeroizing<Vec<u8>>);

impl Old {
    /// To be bound. (A backend does that, and there may be none.)
    pub fn bytes(&self) -> &Vec<u8> {
        &self.0
    }
}

impl fmt::Debug for Old {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Old(..)")
    }
}

/// A random salt, and the SHA-256 of the salt and a plaintext that stands in a column. It is
/// compared in place of the plaintext where a driver logs what a statement binds.
#[cfg_attr(not(feature = "diesel"), allow(dead_code, reason = "SQLx logs no values"))]
pub(super) struct Digest {
    pub(super) salt: Old,
    pub(super) hash: Old,
}

impl Digest {
    /// None of a stored value: that is no secret.
    #[cfg(feature = "diesel-async")]
    fn of(old: &Old) -> Result<Option<Self>, Failed> {
        if crate::format::is_ours(&old.0) {
            return Ok(None);
        }
        let mut salt = vec![0; 16];
        crate::cipher::random(&mut salt).map_err(Failed::Writing)?;
        let hash = crate::cipher::mac::sha256([&salt, &*old.0].map(Vec::as_slice).into_iter());
        let [salt, hash] = [salt, hash.to_vec()].map(|bytes| Old(Zeroizing::new(bytes)));
        Ok(Some(Self { salt, hash }))
    }

    /// No other driver logs it.
    #[cfg(not(feature = "diesel-async"))]
    #[allow(clippy::unnecessary_wraps, reason = "as with the feature")]
    fn of(_: &Old) -> Result<Option<Self>, Failed> {
        Ok(None)
    }
}

/// For the stale values and what the row has in their columns now. What somebody else has changed
/// is left out.
pub(super) fn replacements<M: EncryptedModel>(
    row: &M,
    stale: Vec<Stale>,
    stored: Vec<Option<Vec<u8>>>,
) -> Result<Vec<Replacement>, Failed> {
    let mut replacements = Vec::new();
    for (Stale { at, column, storage }, stored) in stale.into_iter().zip(stored) {
        let (Some(value), Some(stored)) = (row.__value(at), stored) else { continue };
        let old = Old(Zeroizing::new(stored.clone()));
        if let Some(new) = value.anew(storage, stored)? {
            let (context, digest) = (value.context(), Digest::of(&old)?);
            replacements.push(Replacement { context, column, storage, old, digest, new });
        }
    }
    Ok(replacements)
}

/// Whether an update of so many rows has moved the values. Tells of it.
pub(super) fn moved(replacements: &[Replacement], rows: u64) -> bool {
    let moved = rows > 0;
    for replacement in replacements.iter().filter(|_| moved) {
        event::emit(&Event::Moved { column: replacement.context });
    }
    moved
}

/// SQL around the name of a column that gives its stored bytes: of a text, those of its UTF-8. Two
/// such values are equal if their bytes are, whatever the column's collation is.
#[derive(Debug, Clone, Copy)]
pub struct StoredBytes {
    text: [&'static str; 2],
    binary: [&'static str; 2],
}

impl StoredBytes {
    /// Also of `citext` and of domains.
    #[cfg(any(feature = "diesel-postgres", feature = "sqlx-postgres"))]
    pub(super) const POSTGRES: Self =
        Self { text: ["convert_to(CAST(", " AS text), 'UTF8')"], binary: ["", ""] };
    /// In whatever character set the column is.
    #[cfg(any(feature = "diesel-mysql", feature = "sqlx-mysql"))]
    pub(super) const MYSQL: Self = Self {
        text: ["CAST(CONVERT(", " USING utf8mb4) AS BINARY)"],
        binary: ["CAST(", " AS BINARY)"],
    };
    /// Each value has a type of its own there.
    #[cfg(any(feature = "diesel-sqlite", feature = "sqlx-sqlite"))]
    pub(super) const SQLITE: Self =
        Self { text: ["CAST(", " AS BLOB)"], binary: ["CAST(", " AS BLOB)"] };

    /// What stands before the name and after it.
    pub(super) const fn around(self, storage: Storage) -> [&'static str; 2] {
        match storage {
            Storage::Text => self.text,
            Storage::Binary => self.binary,
        }
    }
}
