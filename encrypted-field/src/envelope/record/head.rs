//! The head of a store.

use serde::{Deserialize, Serialize};

use super::canonical::{put_bytes, put_wraps};
use super::{Digest, StoreMac, Wraps};

const LABEL: &[u8] = b"encrypted-field/v1/store-head\0";
/// The version of the records. A later one may not be changed by this release.
const VERSION: u32 = 1;

/// What holds the entries together: with it, none can be left out or set back alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::envelope) struct Head {
    pub(super) version: u32,
    /// Raised by every change.
    pub(in crate::envelope) revision: u64,
    /// Raised where somebody accepts a restored store, and where a KEK was left out. It counts before the revision, and the store
    /// key is wrapped for it: whoever knows the store key of an epoch before can't make a head of this one.
    pub(in crate::envelope) epoch: u64,
    /// The id of the next key. None below it is ever given again.
    pub(in crate::envelope) next_id: u64,
    /// When it was last changed, in seconds since 1970 (UTC).
    pub(in crate::envelope) changed: u64,
    /// For how many seconds at most a process uses keys that it could not refresh: no key becomes active before that.
    pub(in crate::envelope) propagation: u64,
    /// What this change is known by to the one who makes it.
    pub(in crate::envelope) change: Digest,
    /// The hash over all entries.
    pub(in crate::envelope) entries: Digest,
    /// The store key, wrapped.
    pub(in crate::envelope) store_key: Wraps,
    pub(in crate::envelope) mac: Digest,
}

impl Head {
    pub(in crate::envelope) fn new(propagation: u64, store_key: Wraps) -> Self {
        Self {
            version: VERSION,
            revision: 0,
            epoch: 1,
            next_id: 1,
            changed: 0,
            propagation,
            change: Digest([0; 32]),
            entries: Digest([0; 32]),
            store_key,
            mac: Digest([0; 32]),
        }
    }

    pub(in crate::envelope) fn is_of_this_version(&self) -> bool {
        self.version == VERSION
    }

    pub(in crate::envelope) fn sign(&mut self, mac: &StoreMac) {
        self.mac = mac.sign(LABEL, &self.canonical());
    }

    pub(in crate::envelope) fn is_authentic(&self, mac: &StoreMac) -> bool {
        mac.sign(LABEL, &self.canonical()).equals(&self.mac)
    }

    /// What is newer has more: an epoch, else a revision.
    pub(in crate::envelope) fn age(&self) -> (u64, u64) {
        (self.epoch, self.revision)
    }

    /// All but the MAC, in the order of the struct.
    fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.revision.to_be_bytes());
        for number in [self.epoch, self.next_id, self.changed, self.propagation] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        put_bytes(&mut out, &self.change.0);
        put_bytes(&mut out, &self.entries.0);
        put_wraps(&mut out, &self.store_key);
        out
    }
}
