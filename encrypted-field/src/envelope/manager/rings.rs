//! The ring of the process: the keys of the scopes that each process loads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwapOption;

use super::ring::{Finder, LeasedRing, RingMaker, Unwrapped};
use crate::envelope::record::Digest;
use crate::envelope::view::Process;
use crate::error::Result;
use crate::key::{KeyEntry, Keyring, install_next};
use crate::key_id::KeyId;

pub(super) struct ProcessRing {
    maker: Arc<RingMaker>,
    unwrapped: Mutex<Unwrapped>,
    /// The scopes that are loaded at start, as they are in use now.
    current: ArcSwapOption<LeasedRing>,
    is_installed: AtomicBool,
}

impl ProcessRing {
    pub(super) fn new(maker: Arc<RingMaker>) -> Self {
        Self {
            maker,
            unwrapped: Mutex::default(),
            current: ArcSwapOption::const_empty(),
            is_installed: AtomicBool::new(false),
        }
    }

    pub(super) fn get(&self) -> Option<Arc<Keyring>> {
        self.current.load().as_ref().map(|current| Arc::clone(&current.ring))
    }

    pub(super) fn find(&self, id: KeyId) -> Option<Arc<KeyEntry>> {
        self.current.load().as_ref().and_then(|current| current.ring.entry(id).cloned())
    }

    /// From now on its rings are those of the process.
    pub(super) fn install(&self) {
        self.is_installed.store(true, Ordering::Release);
        self.unwrapped().made_of = None;
    }

    /// The keys were confirmed.
    pub(super) fn extend(&self) {
        if let Some(current) = &*self.current.load() {
            current.lease.extend();
        }
    }

    /// Makes these keys the ones in use.
    pub(super) async fn use_keys(&self, process: &Process, finder: Weak<dyn Finder>) -> Result<()> {
        // If there is no scope at all, the ring has to be made once, too.
        let made_of = Some(process.hash.unwrap_or(Digest([0; 32])));
        let mut unwrapped = self.unwrapped().clone();
        let before = self.current.load_full();
        let is_good = |before: &Arc<LeasedRing>| !self.maker.is_of_other_date(before);
        if unwrapped.made_of == made_of && before.as_ref().is_some_and(is_good) {
            return Ok(());
        }
        let scopes: Vec<_> = process.iter().collect();
        let made = self.maker.ring_of(&scopes, &mut unwrapped, None, finder).await;
        // If one key fails, those that were unwrapped before it need not be unwrapped again.
        unwrapped.made_of = None;
        *self.unwrapped() = unwrapped;
        let (made, is_whole) = made?;
        if self.is_installed.load(Ordering::Acquire) {
            install_next(before.as_ref().map(|before| &before.ring), Arc::clone(&made.ring))?;
        }
        // Until it is confirmed in its turn, it is as good as the one before it.
        made.lease.extend();
        self.current.store(Some(Arc::new(made)));
        if let Some(before) = before {
            before.lease.replace();
        }
        if is_whole {
            self.unwrapped().made_of = made_of;
        }
        Ok(())
    }

    fn unwrapped(&self) -> std::sync::MutexGuard<'_, Unwrapped> {
        self.unwrapped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
