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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::{Cipher, Xaes256Gcm};

    fn prefix(set: u8, number: u32) -> Prefix {
        let mut prefix = [set; 12];
        prefix[..4].copy_from_slice(&number.to_be_bytes());
        prefix
    }

    fn nonce(prefix: Prefix) -> [u8; 24] {
        let mut nonce = [7; 24];
        nonce[..12].copy_from_slice(&prefix);
        nonce
    }

    fn kept(known: &KnownSubkeys) -> usize {
        let Some(sets) = known.0.get() else { return 0 };
        sets.iter().flat_map(|set| &set.ways).filter(|way| way.load().is_some()).count()
    }

    #[test]
    fn a_prefix_is_kept_from_its_second_value_on() {
        let (xaes, known) = (Xaes256Gcm::new(&[7; 32]), KnownSubkeys::default());
        known.authenticated(xaes.subkey(prefix(3, 1)));
        assert!(known.get(&prefix(3, 1)).is_none());
        known.authenticated(xaes.subkey(prefix(3, 1)));
        assert_eq!(known.get(&prefix(3, 1)).map(|subkey| *subkey.prefix()), Some(prefix(3, 1)));
        // Not one that is alike up to the bytes that a tag has.
        let mut alike = prefix(3, 1);
        alike[9] ^= 1;
        assert!(known.get(&alike).is_none());
    }

    #[test]
    fn the_newest_of_a_set_are_kept_and_no_more_than_stated() {
        let (xaes, known) = (Xaes256Gcm::new(&[7; 32]), KnownSubkeys::default());
        for number in 0..10 {
            for set in 0..=255 {
                known.authenticated(xaes.subkey(prefix(set, number)));
                known.authenticated(xaes.subkey(prefix(set, number)));
            }
        }
        assert_eq!(kept(&known), SETS * WAYS);
        // Of the 16 values of the last byte that share a set, the last four came last.
        assert!((240..=255).all(|set| known.get(&prefix(set, 9)).is_some()));
        assert!((0..=15).all(|set| known.get(&prefix(set, 9)).is_none()));
    }

    #[test]
    fn what_does_not_authenticate_neither_enters_nor_pushes_out() {
        let cipher = Cipher::new(&[7; 32], true);
        let good: Vec<_> = (0..SETS).map(|set| prefix(u8::try_from(set).unwrap_or(0), 1)).collect();
        for good in &good {
            for _ in 0..2 {
                assert_eq!(cipher.open(&nonce(*good), |_| Some(())), Some(()));
            }
        }
        assert_eq!(kept(&cipher.known), good.len());
        for number in 2..1000 {
            for forged in 0..=255 {
                let nonce = nonce(prefix(forged, number % 50 + 2));
                assert_eq!(cipher.open(&nonce, |_| None::<()>), None);
            }
        }
        assert!(good.iter().all(|good| cipher.known.get(good).is_some()));
        assert_eq!(kept(&cipher.known), good.len());
    }
}
