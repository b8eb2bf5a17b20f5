//! Opening without deriving a subkey for every value: rows written in one epoch begin their nonces
//! alike.
//!
//! A small cache of subkeys by nonce prefix, in sets of a few. A prefix enters it when a second
//! value under it authenticates with no other of its set between. So values that somebody without
//! the key has made up put nothing in and push nothing out, and rows that each have a prefix of
//! their own leave it as it is. A full set takes a new prefix only now and then: to replace one
//! takes time that grows with the number of threads (`arc-swap` asks each of them).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwapOption, Guard};

use super::xaes::{Prefix, Subkey};

/// By the last byte of the prefix, which is random in all that authenticates.
const SETS: usize = 16;
const WAYS: usize = 4;
/// Values that must have missed a full set before one of its prefixes is replaced. Few against
/// those of an epoch.
const PATIENCE: usize = 256;

/// At most `SETS * WAYS` subkeys, for one key. Those that are pushed out are wiped.
#[derive(Default)]
pub(super) struct KnownSubkeys(OnceLock<Box<[Set; SETS]>>);

#[derive(Default)]
struct Set {
    /// The first eight bytes of the prefix in each way, so that a look finds its way without
    /// following pointers. Zero if there is none.
    tags: [AtomicU64; WAYS],
    ways: [ArcSwapOption<Subkey>; WAYS],
    /// The tag of the last prefix that authenticated and is not in the set.
    seen_once: AtomicU64,
    /// Ways that were filled, for the next one to be.
    filled: AtomicUsize,
    /// Values that authenticated under prefixes not in the set, since one was taken in.
    missed: AtomicUsize,
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
                // The tag is only a hint: it is eight bytes of twelve, and changes apart from its
                // way.
                if subkey.as_ref().is_some_and(|subkey| subkey.prefix() == prefix) {
                    return Some(Known(subkey));
                }
            }
        }
        None
    }

    /// A value authenticated under a prefix that is not in here. Tells whether to
    /// [keep](Self::keep) it.
    pub(super) fn is_due(&self, prefix: &Prefix) -> bool {
        let set = &self.0.get_or_init(Box::default)[set_of(prefix)];
        let tag = tag(prefix);
        let missed = set.missed.fetch_add(1, Ordering::Relaxed);
        if set.seen_once.load(Ordering::Relaxed) != tag {
            set.seen_once.store(tag, Ordering::Relaxed);
            return false;
        }
        let is_full = set.filled.load(Ordering::Relaxed) >= WAYS;
        // Among the threads that see it a second time, one goes on.
        (!is_full || missed >= PATIENCE)
            && set.seen_once.compare_exchange(tag, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            // Another may have been through already.
            && self.get(prefix).is_none()
    }

    /// Takes a subkey in, in place of the oldest of a full set.
    pub(super) fn keep(&self, subkey: Subkey) {
        let tag = tag(subkey.prefix());
        let set = &self.0.get_or_init(Box::default)[set_of(subkey.prefix())];
        let way = set.filled.fetch_add(1, Ordering::Relaxed) % WAYS;
        set.missed.store(0, Ordering::Relaxed);
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
    use crate::cipher::Cipher;

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

    /// As a value does that authenticates.
    fn open(cipher: &Cipher, prefix: Prefix) {
        assert_eq!(cipher.open(false, &nonce(prefix), |_| Some(())), Some(()));
    }

    fn is_known(cipher: &Cipher, prefix: Prefix) -> bool {
        cipher.known.get(&prefix).is_some_and(|subkey| *subkey.prefix() == prefix)
    }

    #[test]
    fn a_prefix_is_kept_from_its_second_value_on() {
        let cipher = Cipher::new(&[7; 32], true);
        open(&cipher, prefix(3, 1));
        assert!(!is_known(&cipher, prefix(3, 1)));
        open(&cipher, prefix(3, 1));
        assert!(is_known(&cipher, prefix(3, 1)));
        // Not a prefix that is alike up to the bytes that a tag has.
        let mut alike = prefix(3, 1);
        alike[9] ^= 1;
        assert!(cipher.known.get(&alike).is_none());
        // Nor one that comes between others each time.
        for number in 0..1000 {
            open(&cipher, prefix(4, number % 20));
        }
        assert_eq!(kept(&cipher.known), 1);
    }

    #[test]
    fn the_newest_of_a_set_are_kept_and_no_more_than_stated() {
        let cipher = Cipher::new(&[7; 32], true);
        for number in 0..10 {
            for set in 0..16 {
                for _ in 0..PATIENCE + 2 {
                    open(&cipher, prefix(set, number));
                }
            }
        }
        assert_eq!(kept(&cipher.known), SETS * WAYS);
        for set in 0..16 {
            assert!((0..6).all(|number| !is_known(&cipher, prefix(set, number))));
            assert!((6..10).all(|number| is_known(&cipher, prefix(set, number))));
        }
    }

    /// Each replacement is paid for by values that would have cost as much without.
    #[test]
    fn a_full_set_replaces_seldom() {
        let cipher = Cipher::new(&[7; 32], true);
        for number in 0..10_000 {
            open(&cipher, prefix(5, number));
            open(&cipher, prefix(5, number));
        }
        let filled = cipher.known.0.get().map(|sets| sets[5].filled.load(Ordering::Relaxed));
        assert!(filled.is_some_and(|filled| filled <= WAYS + 20_000 / PATIENCE), "{filled:?}");
    }

    /// Threads that all miss a prefix before any takes it in. Between two of them that do, there
    /// must be one that saw it for the first time again. So at most two of four do.
    #[test]
    fn threads_do_not_fill_a_set_with_one_prefix() {
        for round in 0..50 {
            let cipher = Cipher::new(&[7; 32], true);
            open(&cipher, prefix(6, round));
            let all_missed = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let nonce = nonce(prefix(6, round));
                        cipher.open(false, &nonce, |_| Some(all_missed.wait()))
                    });
                }
            });
            assert!((1..=2).contains(&kept(&cipher.known)), "{}", kept(&cipher.known));
        }
    }

    #[test]
    fn what_does_not_authenticate_neither_enters_nor_pushes_out() {
        let cipher = Cipher::new(&[7; 32], true);
        let good: Vec<_> = (0..SETS).map(|set| prefix(u8::try_from(set).unwrap_or(0), 1)).collect();
        for good in &good {
            open(&cipher, *good);
            open(&cipher, *good);
        }
        assert_eq!(kept(&cipher.known), good.len());
        for number in 2..1000 {
            for forged in 0..=255 {
                let nonce = nonce(prefix(forged, number % 50 + 2));
                assert_eq!(cipher.open(false, &nonce, |_| None::<()>), None);
            }
        }
        assert!(good.iter().all(|good| is_known(&cipher, *good)));
        assert_eq!(kept(&cipher.known), good.len());
    }
}
