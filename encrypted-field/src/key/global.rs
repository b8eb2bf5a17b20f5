//! The key ring that fields use when none is named: the process's, or one held by this thread.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use ctutils::CtEq as _;

use super::{KeyState, Keyring};
use crate::error::{Error, ErrorKind, Result};

static INSTALLED: ArcSwapOption<Keyring> = ArcSwapOption::const_empty();
/// Taken to change `INSTALLED`, never to read it: comparing with the ring before it and storing is
/// one step.
static CHANGE: Mutex<()> = Mutex::new(());

thread_local! {
    static HELD: RefCell<Vec<Arc<Keyring>>> = const { RefCell::new(Vec::new()) };
}

/// Makes `ring` the key ring of this process. Called again, it swaps the ring atomically: what is
/// being sealed or opened meanwhile uses the one or the other.
///
/// # Errors
/// [`ErrorKind::KeyConflict`]: an id of the ring in use has other bytes, another scope or another
/// purpose in the new one, or was destroyed. Nothing is changed then.
pub fn install(ring: Keyring) -> Result<()> {
    install_shared(Arc::new(ring))
}

/// [`install`] of a ring that others hold, too.
fn install_shared(ring: Arc<Keyring>) -> Result<()> {
    install_next(None, ring)
}

/// [`install`] of a ring that comes from where the one `before` it came from: what is in that is
/// replaced, whatever it is.
pub(crate) fn install_next(before: Option<&Arc<Keyring>>, ring: Arc<Keyring>) -> Result<()> {
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(installed) = &*INSTALLED.load()
        && !before.is_some_and(|before| Arc::ptr_eq(before, installed))
    {
        refuse_other_keys(installed, &ring)?;
    }
    INSTALLED.store(Some(ring));
    Ok(())
}

fn refuse_other_keys(before: &Keyring, after: &Keyring) -> Result<()> {
    for known in before.keys() {
        let Some(key) = after.get(known.id.get()) else { continue };
        let destroyed = |state| state == KeyState::Destroyed;
        let conflict = match (known.check_value, key.check_value) {
            (Some(a), Some(b)) if !a.ct_eq(&b).to_bool() => "other key bytes",
            _ if destroyed(known.state) && !destroyed(key.state) => "bytes again, and was destroyed",
            // A tombstone names neither.
            _ if destroyed(key.state) => continue,
            _ if (known.scope, known.purpose) != (key.scope, key.purpose) => "another scope or purpose",
            _ => continue,
        };
        return Err(Error::new(ErrorKind::KeyConflict).detail(format!("it has {conflict}")).key(known.id));
    }
    Ok(())
}

/// The key ring in use: the one held by this thread, else the installed one, else the
/// environment's, which is then installed.
///
/// # Errors
/// [`ErrorKind::NoKeys`] and what [`Keyring::from_env`] gives; the next call tries again.
pub fn keyring() -> Result<Arc<Keyring>> {
    if let Some(ring) = held() {
        return Ok(ring);
    }
    match INSTALLED.load_full() {
        Some(ring) => Ok(ring),
        None => load(),
    }
}

#[cold]
fn load() -> Result<Arc<Keyring>> {
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ring) = INSTALLED.load_full() {
        return Ok(ring);
    }
    let ring = Arc::new(Keyring::from_env()?);
    INSTALLED.store(Some(Arc::clone(&ring)));
    Ok(ring)
}

/// The key ring in use, if there is one already: nothing is loaded.
pub(crate) fn in_use() -> Option<Arc<Keyring>> {
    held().or_else(|| INSTALLED.load_full())
}

/// Cloned out, so that the thread's list isn't borrowed while the ring is used. A thread that is
/// ending holds none.
fn held() -> Option<Arc<Keyring>> {
    HELD.try_with(|held| held.borrow().last().cloned()).ok().flatten()
}

/// Runs `f` with the key ring in use, without counting a reference to it.
pub(crate) fn with_current<R>(f: impl FnOnce(&Keyring) -> Result<R>) -> Result<R> {
    if let Some(ring) = held() {
        return f(&ring);
    }
    match &*INSTALLED.load() {
        Some(ring) => f(ring),
        None => f(&*load()?),
    }
}

/// Keeps a ring current on this thread, see [`Keyring::hold`].
#[derive(Debug)]
pub struct HeldKeyring {
    ring: Arc<Keyring>,
    /// The guard undoes what it did to its own thread, so it can't leave it.
    not_send: PhantomData<*const ()>,
}

pub(super) fn hold(ring: Arc<Keyring>) -> HeldKeyring {
    HELD.with_borrow_mut(|held| held.push(Arc::clone(&ring)));
    HeldKeyring { ring, not_send: PhantomData }
}

impl std::ops::Deref for HeldKeyring {
    type Target = Keyring;

    fn deref(&self) -> &Keyring {
        &self.ring
    }
}

impl Drop for HeldKeyring {
    fn drop(&mut self) {
        // Guards may be dropped in any order: each takes away its own ring.
        let _ = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            if let Some(at) = held.iter().rposition(|ring| Arc::ptr_eq(ring, &self.ring)) {
                held.remove(at);
            }
        });
    }
}
