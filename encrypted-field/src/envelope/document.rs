//! All records of a store as one document, for stores that keep one: a file, a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BackendError, BackendErrorKind, Record};

const FORMAT: &str = "encrypted-field key store";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    records: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: u32,
    revision: u64,
    body: serde_json::Value,
}

/// The records of a document.
pub(super) fn parse(text: &str) -> Result<Vec<Record>, BackendError> {
    let garbled = |what: String| BackendError::new(BackendErrorKind::Garbled, what);
    let document: Document = serde_json::from_str(text).map_err(|e| {
        garbled(format!(
            "it is not a key store (line {}, column {}); restore it from a backup",
            e.line(),
            e.column()
        ))
    })?;
    if document.format != FORMAT || document.version != VERSION {
        return Err(garbled(format!("it does not say \"format\": \"{FORMAT}\", \"version\": {VERSION}")));
    }
    let record =
        |entry: Entry| Record { id: entry.id, revision: entry.revision, body: entry.body.to_string() };
    Ok(document.records.into_iter().map(record).collect())
}

/// The document after a compare-and-swap, or `None` where the head of `before` has another revision than `expected`.
pub(super) fn swap(
    before: Vec<Record>,
    expected: u64,
    changed: &[Record],
) -> Result<Option<String>, BackendError> {
    if revision(&before) != expected {
        return Ok(None);
    }
    let mut records: BTreeMap<u32, Record> = before.into_iter().map(|record| (record.id, record)).collect();
    records.extend(changed.iter().map(|record| (record.id, record.clone())));
    let entries = records.into_values().map(|record| {
        let body = serde_json::from_str(&record.body).map_err(|_| not_json())?;
        Ok(Entry { id: record.id, revision: record.revision, body })
    });
    let document = Document {
        format: FORMAT.into(),
        version: VERSION,
        records: entries.collect::<Result<_, BackendError>>()?,
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(|_| not_json())?;
    text.push('\n');
    Ok(Some(text))
}

/// The revision of the head, 0 where there is none.
fn revision(records: &[Record]) -> u64 {
    records.iter().find(|record| record.id == 0).map_or(0, |head| head.revision)
}

fn not_json() -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, "a record is not JSON")
}
