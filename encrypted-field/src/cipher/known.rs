//! Opening without deriving a subkey for every value: rows written in one epoch begin their nonces alike.
//!
//! A small cache of subkeys by nonce prefix, in sets of a few. A prefix enters it when a second value under it
//! authenticates with no other of its set between: who can write to the database, but has no key, can put nothing in
//! and push nothing out, and reading rows that each have a prefix of their own leaves the cache as it is.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwapOption, Guard};

use super::xaes::{Prefix, Subkey};

/// By the last byte of the prefix, which is random in all that authenticates.
const SETS: usize = 16;
const WAYS: usize = 4;

/// At most `SETS * WAYS` subkeys, for one key; those that are pushed out are wiped.
#[derive(Default)]
pub(super) struct KnownSubkeys(OnceLock<Box<[Set; SETS]>>);

#[derive(Default)]
struct Set {
    /// The first eight bytes of the prefix in each way, so that a look finds its way without following pointers.
    tags: [AtomicU64; WAYS],
    ways: [ArcSwapOption<Subkey>; WAYS],
    /// The tag of the last prefix that authenticated and is not in the set.
    seen_once: AtomicU64,
    /// The way that is replaced next.
    next: AtomicUsize,
}

/// A subkey, kept alive while it is in use.
pub(super) struct Known(Guard<Option<Arc<Subkey>>>);

impl std::ops::Deref for Known {
    type Target = Subkey;

    fn deref(&self) -> &Subkey {
        match &*self.0 {
            Some(subkey) => subkey,
            None => unreachable!("made of a way that holds one"),
        }
    }
}

impl KnownSubkeys {
    #[inline]
    pub(super) fn get(&self, prefix: &Prefix) -> Option<Known> {
        let set = &self.0.get()?[set_of(prefix)];
        let tag = tag(prefix);
        for (way, subkey) in set.tags.iter().zip(&set.ways) {
            if way.load(Ordering::Relaxed) == tag {
                let subkey = subkey.load();
                // The tag is a hint: it is eight bytes of twelve, and changes apart from its way.
                if subkey.as_ref().is_some_and(|subkey| subkey.prefix() == prefix) {
                    return Some(Known(subkey));
                }
            }
        }
        None
    }

    /// A value authenticated under a subkey that is not in here.
    pub(super) fn authenticated(&self, subkey: Subkey) {
        let set = &self.0.get_or_init(Box::default)[set_of(subkey.prefix())];
        let tag = tag(subkey.prefix());
        if set.seen_once.load(Ordering::Relaxed) != tag {
            set.seen_once.store(tag, Ordering::Relaxed);
            return;
        }
        let way = set.next.fetch_add(1, Ordering::Relaxed) % WAYS;
        set.ways[way].store(Some(Arc::new(subkey)));
        set.tags[way].store(tag, Ordering::Relaxed);
    }
}

#[inline]
fn set_of(prefix: &Prefix) -> usize {
    usize::from(prefix[11]) % SETS
}

#[inline]
fn tag(prefix: &Prefix) -> u64 {
    prefix.first_chunk().map_or(0, |tag| u64::from_ne_bytes(*tag))
}
