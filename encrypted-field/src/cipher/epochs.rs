//! Sealing without deriving a subkey for every value.
//!
//! An epoch is a random 96-bit nonce prefix with its subkey ready. It serves at most [`VALUES`]
//! values, each with 96 nonce bits of its own, fresh from the backend's [`random`](super::random).
//! `FORMAT.md` section 15 has the bounds. Nothing here needs to know of forks: two processes that
//! finish one epoch still draw different nonces.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};

use super::xaes::{Subkey, Xaes256Gcm};
use crate::error::Result;

/// The most values that a process seals in one epoch. To begin one takes about as long as sealing a
/// value (600 ns), so at 2^8 it adds 2 ns to each, at 2^12 less than one, and more gains nothing
/// (`benches/RESULTS.md` has the measurement). How many values a key is good for falls with it:
/// 2^57, 2^53, and 2^49 at 2^16 (`FORMAT.md` section 15).
pub(super) const VALUES: u32 = 1 << 12;

/// Threads are numbered, and take slots by their numbers: eight that are started one after the
/// other never meet.
const SLOTS: usize = 8;

/// The epochs of one key. Made when it first seals: most keys of a ring never do.
#[derive(Default)]
pub(super) struct Epochs(OnceLock<Box<[Slot; SLOTS]>>);

/// The epoch of some threads, locked while one of them seals with it. Nobody waits for the lock,
/// so that a long value, or a fork in between, holds up no other.
///
/// It has a pair of cache lines of its own: processors fetch lines in pairs, and what one thread
/// writes must not be beside what another one reads.
#[derive(Default)]
#[repr(align(128))]
struct Slot(Mutex<Option<Box<Epoch>>>);

/// In pairs of cache lines of its own, for the same reason.
#[repr(align(128))]
struct Epoch {
    /// Values that it may still seal.
    left: u32,
    subkey: Subkey,
}

impl Epochs {
    /// Runs `seal`, which seals one value, with the subkey of this thread's epoch.
    #[inline(always)]
    pub(super) fn with_subkey<R>(
        &self,
        xaes: &Xaes256Gcm,
        seal: impl FnOnce(&Subkey) -> R,
    ) -> Result<R> {
        let slots = self.0.get_or_init(Box::default);
        let first = slot_of_this_thread();
        if let Some(mut epoch) = slots[first].free() {
            return seal_in(&mut epoch, xaes, seal);
        }
        // Another thread seals with it at this moment.
        let mut others = (1..SLOTS).map(|step| &slots[(first + step) % SLOTS]);
        match others.find_map(Slot::free) {
            Some(mut epoch) => seal_in(&mut epoch, xaes, seal),
            None => Ok(seal(&begun(xaes)?.subkey)),
        }
    }
}

impl Slot {
    /// The slot, if no thread uses it now.
    #[inline]
    fn free(&self) -> Option<MutexGuard<'_, Option<Box<Epoch>>>> {
        match self.0.try_lock() {
            Ok(epoch) => Some(epoch),
            // A value is counted before it is sealed, so what a panic left is right.
            Err(TryLockError::Poisoned(epoch)) => Some(epoch.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[inline(always)]
fn seal_in<R>(
    slot: &mut Option<Box<Epoch>>,
    xaes: &Xaes256Gcm,
    seal: impl FnOnce(&Subkey) -> R,
) -> Result<R> {
    let epoch = match slot {
        Some(epoch) if epoch.left > 0 => epoch,
        _ => slot.insert(begun(xaes)?),
    };
    epoch.left -= 1;
    Ok(seal(&epoch.subkey))
}

/// Never part of its caller. A subkey leaves bytes on the stack as it is moved into its box, and
/// the next call overwrites them.
#[cold]
#[inline(never)]
fn begun(xaes: &Xaes256Gcm) -> Result<Box<Epoch>> {
    Ok(Box::new(Epoch { left: VALUES, subkey: xaes.random_subkey()? }))
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
