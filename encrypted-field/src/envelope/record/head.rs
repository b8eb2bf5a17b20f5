//! The head of a store.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::canonical;
use super::parts::{are_names, has_null};
use super::{
    Digest, Due, MAX_COUNT, MAX_REVISION, NodeLink, StoreMac, Wraps, damaged, is_date, is_note,
    parse, upgrade,
};
use crate::envelope::{Record, StoreId};
use crate::error::{Error, ErrorKind, Result};
use crate::secret::SecretBytes;

const VERSION: u64 = 1;
/// If the next id is this, all ids are given.
const MAX_NEXT_ID: u64 = 1 << 32;

/// Holds everything together. With it, no record can be changed, left out, added or set back alone.
/// Dates are seconds since 1970 (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::envelope) struct Head {
    version: u64,
    #[serde(with = "super::parts::store_id")]
    pub(in crate::envelope) store: StoreId,
    /// Raised when the store key changes. It counts before the revision.
    pub(in crate::envelope) epoch: u64,
    /// Raised by every change.
    pub(in crate::envelope) revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) previous: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) restored: Option<Restoration>,
    pub(in crate::envelope) signed: u64,
    /// In seconds. 0 means never.
    pub(in crate::envelope) heartbeat: u64,
    /// In seconds.
    pub(in crate::envelope) propagation: u64,
    /// The id of the next key. None below it is ever given again.
    pub(in crate::envelope) next_id: u64,
    /// By this, the author of this change knows it again.
    pub(in crate::envelope) change: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) process: Option<NodeLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::envelope) tree: Option<NodeLink>,
    /// The store key, wrapped.
    pub(in crate::envelope) store_key: Wraps,
    /// What a later release has added, and this one may ignore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ext: Option<Map<String, Value>>,
    pub(in crate::envelope) mac: Digest,
    /// The canonical forms of what was signed and of what stands in the store.
    #[serde(skip)]
    signed_form: String,
    #[serde(skip)]
    stored_form: String,
    /// Whether a later release has added to it.
    #[serde(skip)]
    is_foreign: bool,
}

/// The members of the head.
const MEMBERS: [&str; 18] = [
    "version",
    "store",
    "epoch",
    "revision",
    "previous",
    "restored",
    "signed",
    "heartbeat",
    "propagation",
    "next_id",
    "change",
    "by",
    "why",
    "process",
    "tree",
    "store_key",
    "ext",
    "mac",
];

/// Somebody has accepted a store that was set back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::envelope) struct Restoration {
    /// The epoch that began with it.
    pub(in crate::envelope) epoch: u64,
    /// The revision that the store had.
    pub(in crate::envelope) revision: u64,
}

impl Head {
    pub(in crate::envelope) fn new(
        store: StoreId,
        epoch: u64,
        heartbeat: u64,
        propagation: u64,
    ) -> Self {
        Self {
            version: VERSION,
            store,
            epoch,
            revision: 0,
            previous: None,
            restored: None,
            signed: 0,
            heartbeat,
            propagation,
            next_id: 1,
            change: Digest([0; 32]),
            by: None,
            why: None,
            process: None,
            tree: None,
            store_key: Wraps::new(),
            ext: None,
            mac: Digest([0; 32]),
            signed_form: String::new(),
            stored_form: String::new(),
            is_foreign: false,
        }
    }

    /// The head among the records that were loaded. It is not authenticated yet.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`], and [`ErrorKind::KeyStoreUnusable`] if a later release has
    /// written it.
    pub(in crate::envelope) fn read(records: &[Record]) -> Result<Self> {
        let mut heads = records.iter().filter(|record| record.is_head());
        let (Some(record), None) = (heads.next(), heads.next()) else {
            return Err(super::tampered("it has records, and not one \"head\" among them"));
        };
        let value = parse(record)?;
        // Before anything else, because it is not known what a later version looks like.
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(version) => return Err(upgrade(format!("the head has version {version}"))),
            None => return Err(damaged(Record::HEAD, "it has no version")),
        }
        let forms = forms(&value)
            .ok_or_else(|| damaged(Record::HEAD, "it holds a number that is no integer"))?;
        let parts = || {
            MEMBERS_OF_PARTS.iter().filter_map(|(part, members)| Some((value.get(part)?, *members)))
        };
        if has_null(&value, &MEMBERS) || parts().any(|(part, members)| has_null(part, members)) {
            return Err(damaged(Record::HEAD, "a member is null"));
        }
        let is_foreign = has_unknown(&value, &MEMBERS)
            || parts().any(|(part, members)| has_unknown(part, members));
        let mut head: Self = serde_json::from_value(value)
            .map_err(|_| damaged(Record::HEAD, "a member is missing or has another type"))?;
        (head.signed_form, head.stored_form, head.is_foreign) = (forms.0, forms.1, is_foreign);
        let links = [&head.process, &head.tree].into_iter().flatten();
        if head.revision > MAX_REVISION
            || head.epoch == 0
            || ![head.epoch, head.heartbeat, head.propagation].into_iter().all(is_date)
            || head.restored.is_some_and(|restored| restored.epoch > head.epoch)
            || links.into_iter().any(|link| link.scopes > MAX_COUNT)
            || head.next_id > MAX_NEXT_ID
            || !are_names(&head.store_key)
            || !is_date(head.signed)
            || !is_note(head.by.as_ref(), head.why.as_ref())
        {
            return Err(damaged(Record::HEAD, "a member is out of its range"));
        }
        if head.revision != record.revision {
            return Err(damaged(Record::HEAD, "its body has another revision than its record"));
        }
        Ok(head)
    }

    /// Whether it was signed with that. Additions of a later release are part of what was signed,
    /// and make an error of their own.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreUnusable`]: authentic, and written by a later release.
    pub(in crate::envelope) fn check(&self, mac: &StoreMac) -> Result<bool> {
        if !mac.sign(&self.signed_form).equals(&self.mac) {
            return Ok(false);
        }
        if self.is_foreign {
            return Err(upgrade("the head has a member that this release does not know"));
        }
        Ok(true)
    }

    /// Checks a key that is said to be the store key.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`], and those of [`check`](Self::check).
    pub(in crate::envelope) fn check_store_key(
        &self,
        key: &SecretBytes,
        key_set: &str,
    ) -> Result<()> {
        if self.check(&StoreMac::new(key, key_set))? {
            return Ok(());
        }
        Err(super::damaged(
            Record::HEAD,
            "it does not authenticate under the store key that this KEK gives",
        ))
    }

    /// Its hash, which the next head has.
    pub(in crate::envelope) fn hash(&self, mac: &StoreMac) -> Digest {
        mac.hash(&self.stored_form)
    }

    /// Signs it, and gives its record.
    pub(in crate::envelope) fn sign(&mut self, mac: &StoreMac) -> Result<Record> {
        let too_long = || {
            let detail =
                "the head of the store would be longer than 1 MiB; use fewer key-encryption keys";
            Error::new(ErrorKind::KeyLifecycle).detail(detail)
        };
        let forms_now = |head: &Self| serde_json::to_value(head).ok().as_ref().and_then(forms);
        self.signed_form = forms_now(self).ok_or_else(too_long)?.0;
        self.mac = mac.sign(&self.signed_form);
        self.stored_form = forms_now(self).ok_or_else(too_long)?.1;
        if self.stored_form.len() > Record::MAX_BODY {
            return Err(too_long());
        }
        Ok(Record {
            name: Record::HEAD.to_owned(),
            revision: self.revision,
            body: self.stored_form.clone(),
        })
    }

    /// A newer head has a higher epoch, or the same epoch and a higher revision.
    pub(in crate::envelope) fn age(&self) -> (u64, u64) {
        (self.epoch, self.revision)
    }

    /// Where there may be work in the scopes that are loaded on demand.
    pub(in crate::envelope) fn due(&self) -> Due {
        self.tree.as_ref().map_or_else(Due::default, |tree| tree.due)
    }
}

/// The members of what is in the head.
const MEMBERS_OF_PARTS: [(&str, &[&str]); 3] = [
    ("restored", &["epoch", "revision"]),
    ("process", &["hash", "scopes", "oldest", "waiting"]),
    ("tree", &["hash", "scopes", "oldest", "waiting"]),
];

fn has_unknown(value: &Value, known: &[&str]) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.keys().any(|member| !known.contains(&member.as_str())))
}

/// The canonical forms of a head: without its MAC, and with it.
fn forms(head: &Value) -> Option<(String, String)> {
    let stored = canonical::text(head)?;
    let mut unsigned = head.clone();
    unsigned.as_object_mut()?.remove("mac");
    Some((canonical::text(&unsigned)?, stored))
}
