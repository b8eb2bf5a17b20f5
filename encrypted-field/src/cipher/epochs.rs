//! Sealing without deriving a subkey for every value.
//!
//! An epoch is a random 96-bit nonce prefix with its subkey ready. It serves at most [`VALUES`] values, each with 96 nonce
//! bits of its own, fresh from the backend's [`random`](super::random); `FORMAT.md` section 15 has the bounds. Nothing here
//! needs to know of forks: two processes that finish one epoch still draw different nonces.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;

use super::xaes::{Subkey, Xaes256Gcm};
use crate::error::Result;

/// The most values that a process seals in one epoch. To begin one takes about as long as sealing a value (600 ns), so at
/// 2^8 it adds 2 ns to each, at 2^12 less than one, and more gains nothing (`benches/RESULTS.md` has the measurement).
/// How many values a key is good for falls with it: 2^57, 2^53, and 2^49 at 2^16 (`FORMAT.md` section 15).
pub(super) const VALUES: u32 = 1 << 12;

/// Threads are numbered, and take slots by their numbers: eight that are started one after the other touch eight counters.
const SLOTS: usize = 8;

/// The epochs of one key. Made when it first seals: most keys of a ring never do, and dropping a slot takes time that
/// grows with the number of threads (`arc-swap` asks each of them).
#[derive(Default)]
pub(super) struct Epochs(OnceLock<Box<[ArcSwapOption<Epoch>; SLOTS]>>);

struct Epoch {
    subkey: Subkey,
    used: Counter,
}

/// In a cache line of its own: threads that share a slot write to it, and read the subkey.
#[repr(align(64))]
struct Counter(AtomicU32);

impl Epochs {
    /// Runs `seal`, which seals one value, with the subkey of this thread's epoch.
    pub(super) fn with_subkey<R>(&self, xaes: &Xaes256Gcm, seal: impl FnOnce(&Subkey) -> R) -> Result<R> {
        let slot = &self.0.get_or_init(Box::default)[slot_of_this_thread()];
        if let Some(epoch) = &*slot.load()
            && epoch.used.0.fetch_add(1, Ordering::Relaxed) < VALUES
        {
            return Ok(seal(&epoch.subkey));
        }
        // Several threads may come here at once, each with an epoch of its own: one of them stays.
        let epoch = Arc::new(Epoch { subkey: xaes.random_subkey()?, used: Counter(AtomicU32::new(1)) });
        slot.store(Some(Arc::clone(&epoch)));
        Ok(seal(&epoch.subkey))
    }
}

#[inline]
fn slot_of_this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SLOT: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    }
    // A thread that is ending may have none any more.
    SLOT.try_with(|slot| *slot).unwrap_or(0)
}
