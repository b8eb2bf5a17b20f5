//! Stores that keep all records in one text: a file, a secret.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize};

use super::{BackendError, BackendErrorKind, KeyStore, Loaded, Query, Record};
use crate::envelope::record::Strict;

/// One text that is read and replaced as a whole, such as a file or a secret of a secret manager.
///
/// Every `Document` is a [`KeyStore`]: the library puts all records into the text. It can also hold
/// an [`Anchor`](super::Anchor).
///
/// An implementation that waits for nothing just returns. If it waits and the feature `tokio` is
/// on, it is polled on Tokio, and the library bounds its time. It must not block the thread: a call
/// that hangs in there is never given up. If its library blocks, it runs that elsewhere, such as by
/// `tokio::task::spawn_blocking`. Without that feature it must bound its own time.
pub trait Document: Send + Sync + 'static {
    /// Tells one version of the text from another: a number, an `ETag`, a hash.
    type Version: Send + Sync;

    /// The text and its version. `None` if nothing was ever written. A text that was deleted, or a
    /// place that is not there at the moment, is an error.
    fn read(
        &self,
    ) -> impl Future<Output = Result<Option<(String, Self::Version)>, BackendError>> + Send;

    /// Replaces the text if its version is still `before`, or for `None` if nothing was ever
    /// written. It does so atomically and durably. `Ok(false)` if the version is another: nothing
    /// was written.
    fn replace(
        &self,
        before: Option<&Self::Version>,
        text: String,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// What it is, for messages, such as `file /etc/app/keys.json`. No credential.
    fn describe(&self) -> String;

    /// What time it is by the clock of the service, such as the `Date` of its last answer and the
    /// time since. `None` if it has no clock of its own. Asked after a call to the service, and
    /// must not wait.
    fn time(&self) -> Option<SystemTime> {
        None
    }

    /// Whether backups of the application's database hold it.
    fn is_in_database_backups(&self) -> bool {
        false
    }

    /// Removes the older versions that the service itself keeps.
    fn forget_history(&self) -> impl Future<Output = Result<(), BackendError>> + Send {
        async { Ok(()) }
    }
}

impl<D: Document> KeyStore for D {
    async fn load(&self, _: &Query) -> Result<Loaded, BackendError> {
        let records = match self.read().await? {
            Some((text, _)) => parse(&text)?,
            None => Vec::new(),
        };
        Ok(Loaded { records, time: self.time() })
    }

    async fn compare_and_swap(
        &self,
        expected: u64,
        changed: &[Record],
    ) -> Result<bool, BackendError> {
        let (records, before) = match self.read().await? {
            Some((text, version)) => (parse(&text)?, Some(version)),
            None => (Vec::new(), None),
        };
        match swap(records, expected, changed)? {
            Some(text) => self.replace(before.as_ref(), text).await,
            None => Ok(false),
        }
    }

    fn describe(&self) -> String {
        Document::describe(self)
    }

    fn is_in_database_backups(&self) -> bool {
        Document::is_in_database_backups(self)
    }

    async fn forget_history(&self) -> Result<(), BackendError> {
        Document::forget_history(self).await
    }
}

const FORMAT: &str = "encrypted-field key store";
const VERSION: u64 = 1;

#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    version: u64,
    records: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    revision: u64,
    #[serde(deserialize_with = "strict")]
    body: serde_json::Value,
}

/// In which no object has a member twice.
fn strict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<serde_json::Value, D::Error> {
    Strict::deserialize(deserializer).map(|Strict(value)| value)
}

/// The records of a document.
fn parse(text: &str) -> Result<Vec<Record>, BackendError> {
    if text.trim().is_empty() {
        let detail = "it is empty; restore it from a backup";
        return Err(BackendError::new(BackendErrorKind::Garbled, detail));
    }
    // This release can't know what a later version holds beside its version.
    let header: Header = serde_json::from_str(text).map_err(|e| not_a_store(&e))?;
    if header.format != FORMAT {
        let detail = format!(
            "it does not say \"format\": \"{FORMAT}\": is it another document? Give the right one, or restore it from a backup"
        );
        return Err(BackendError::new(BackendErrorKind::Garbled, detail));
    }
    if header.version != VERSION {
        let detail = format!(
            "it has version {} of the key store, and this release reads version {VERSION}; upgrade encrypted-field",
            header.version
        );
        return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
    }
    let document: Text = serde_json::from_str(text).map_err(|e| not_a_store(&e))?;
    let record = |entry: Entry| Record {
        name: entry.name,
        revision: entry.revision,
        body: entry.body.to_string(),
    };
    Ok(document.records.into_iter().map(record).collect())
}

/// The document after a compare-and-swap, or `None` if the head of `before` has another revision
/// than `expected`.
fn swap(
    before: Vec<Record>,
    expected: u64,
    changed: &[Record],
) -> Result<Option<String>, BackendError> {
    let revision = before.iter().find(|record| record.is_head()).map_or(0, |head| head.revision);
    if revision != expected {
        return Ok(None);
    }
    let mut records: BTreeMap<String, Record> =
        before.into_iter().map(|record| (record.name.clone(), record)).collect();
    records.extend(changed.iter().map(|record| (record.name.clone(), record.clone())));
    let entries = records.into_values().map(|record| {
        let body = serde_json::from_str(&record.body).map_err(|_| not_json())?;
        Ok(Entry { name: record.name, revision: record.revision, body })
    });
    let document = Text {
        format: FORMAT.into(),
        version: VERSION,
        records: entries.collect::<Result<_, BackendError>>()?,
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(|_| not_json())?;
    text.push('\n');
    Ok(Some(text))
}

fn not_a_store(e: &serde_json::Error) -> BackendError {
    // Only the position, because the message may quote what stands there.
    let detail = format!(
        "it is not a key store (line {}, column {}); restore it from a backup",
        e.line(),
        e.column()
    );
    BackendError::new(BackendErrorKind::Garbled, detail)
}

fn not_json() -> BackendError {
    BackendError::new(BackendErrorKind::Garbled, "a record is not JSON; restore it from a backup")
}
