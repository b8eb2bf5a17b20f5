//! The key ring that fields use if none is named: the process's, or one held by this thread.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwapOption;
use ctutils::CtEq as _;

use super::{KeyState, Keyring};
use crate::error::{Error, ErrorKind, Result};

static INSTALLED: ArcSwapOption<Keyring> = ArcSwapOption::const_empty();
/// Taken to change `INSTALLED`, never to read it: comparing with the ring before it and storing is
/// one step.
static CHANGE: Mutex<()> = Mutex::new(());

/// Why there is no ring yet, if one is expected from a key manager.
type Awaited = Box<dyn Fn() -> Error + Send + Sync>;

static AWAITED: ArcSwapOption<Awaited> = ArcSwapOption::const_empty();

/// From now on the ring comes from a key manager. If that has none yet, this is an error, and the
/// environment is not asked for other keys in their place.
#[cfg(feature = "envelope")]
pub(crate) fn await_ring(why_not: impl Fn() -> Error + Send + Sync + 'static) {
    AWAITED.store(Some(Arc::new(Box::new(why_not))));
}

/// Who wants to know of a ring that is installed and seals with other keys than the one before.
static NEWS: OnceLock<fn(&Keyring)> = OnceLock::new();

/// From now on `tell` is called with each ring that is installed and seals with other keys than the
/// one before.
pub(crate) fn on_new_sealing_keys(tell: fn(&Keyring)) {
    // There is one layer above that wants to know.
    let _ = NEWS.set(tell);
}

/// To be called without a lock: whoever is told may install a ring.
fn tell_news(before: Option<&Keyring>, after: &Keyring) {
    let Some(tell) = NEWS.get() else { return };
    let sealing = |ring: &Keyring| -> BTreeSet<_> {
        ring.keys().filter(|key| key.state == KeyState::Active).map(|key| key.id).collect()
    };
    if before.map(sealing) != Some(sealing(after)) {
        tell(after);
    }
}

thread_local! {
    static HELD: RefCell<Vec<Arc<Keyring>>> = const { RefCell::new(Vec::new()) };
    static EVERYWHERE: RefCell<Option<Everywhere>> = const { RefCell::new(None) };
}

/// Taken by the thread that holds rings for all threads.
static TURN: Mutex<()> = Mutex::new(());

/// The rings that this thread holds for all threads.
struct Everywhere {
    rings: Vec<Arc<Keyring>>,
    /// The ring that was installed before the first of them. It is installed again after the last.
    before: Option<Arc<Keyring>>,
    _turn: MutexGuard<'static, ()>,
}

/// Makes `ring` the key ring of this process. Another call swaps the ring atomically. Values that
/// are being sealed or opened meanwhile use either the old ring or the new one.
///
/// If the ring seals with other keys than the one before, there is an
/// [event](crate::event::Event::KeysInstalled). Log it.
///
/// In tests, install one ring, with one key for all tests of the process. If a test needs a ring of
/// its own, it [holds](Keyring::hold) one.
///
/// # Errors
/// [`ErrorKind::KeyConflict`]: an id of the ring in use has other bytes, another scope or another
/// purpose in the new ring, or was destroyed. Then nothing is changed.
pub fn install(ring: Keyring) -> Result<()> {
    install_shared(Arc::new(ring))
}

/// [`install`] of a ring that others hold, too.
fn install_shared(ring: Arc<Keyring>) -> Result<()> {
    install_next(None, ring)
}

/// [`install`] of a ring from the same source as the one `before` it. The keys of that one are
/// replaced, whatever they are.
pub(crate) fn install_next(before: Option<&Arc<Keyring>>, ring: Arc<Keyring>) -> Result<()> {
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(installed) = &*INSTALLED.load()
        && !before.is_some_and(|before| Arc::ptr_eq(before, installed))
    {
        refuse_other_keys(installed, &ring)?;
    }
    let (installed, replaced) = (Arc::clone(&ring), INSTALLED.swap(Some(ring)));
    drop(change);
    tell_news(replaced.as_deref(), &installed);
    Ok(())
}

const IN_TESTS: &str = "in tests, use one key for all of them, or give a test a ring of its own: \
    with `Keyring::hold` for its thread, with `Keyring::hold_everywhere` for spawned tasks, too";

fn refuse_other_keys(before: &Keyring, after: &Keyring) -> Result<()> {
    for known in before.keys() {
        let Some(key) = after.get(known.id.get()) else { continue };
        let destroyed = |state| state == KeyState::Destroyed;
        let conflict = match (known.check_value, key.check_value) {
            (Some(a), Some(b)) if !a.ct_eq(&b).to_bool() => "other key bytes",
            _ if destroyed(known.state) && !destroyed(key.state) => {
                "bytes again, and was destroyed"
            }
            // A tombstone names neither.
            _ if destroyed(key.state) => continue,
            _ if (known.scope, known.purpose) != (key.scope, key.purpose) => {
                "another scope or purpose"
            }
            _ => continue,
        };
        return Err(Error::new(ErrorKind::KeyConflict)
            .detail(format!("it has {conflict} ({IN_TESTS})"))
            .key(known.id));
    }
    Ok(())
}

/// The key ring in use. This is the ring that this thread holds. If it holds none, it is the
/// installed ring. If none is installed, this loads and installs the keys of the environment.
///
/// # Errors
/// [`ErrorKind::NoKeys`] and the errors of [`Keyring::from_env`]. The next call tries again.
/// If a key manager was installed and could not load its keys so far, the error of that.
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
    let change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ring) = INSTALLED.load_full() {
        return Ok(ring);
    }
    if let Some(why_not) = &*AWAITED.load() {
        return Err(why_not());
    }
    let ring = Arc::new(Keyring::from_env()?);
    INSTALLED.store(Some(Arc::clone(&ring)));
    drop(change);
    tell_news(None, &ring);
    Ok(ring)
}

/// The key ring in use, if there is one already. Nothing is loaded.
pub(crate) fn in_use() -> Option<Arc<Keyring>> {
    held().or_else(|| INSTALLED.load_full())
}

/// Cloned out, so that the thread's list isn't borrowed while the ring is used. A thread that is
/// ending holds none.
fn held() -> Option<Arc<Keyring>> {
    HELD.try_with(|held| held.borrow().last().cloned()).ok().flatten()
}

/// Runs `f` with the given ring, or with the one in use, without counting a reference to that.
#[inline(always)]
pub(crate) fn with_current<R>(
    given: Option<&Keyring>,
    f: impl FnOnce(&Keyring) -> Result<R>,
) -> Result<R> {
    let (held, installed, loaded);
    let ring = if let Some(ring) = given {
        ring
    } else if let Some(ring) = self::held() {
        held = ring;
        &held
    } else {
        installed = INSTALLED.load();
        if let Some(ring) = &*installed {
            ring
        } else {
            loaded = load()?;
            &loaded
        }
    };
    // One call of `f`, so that there is one copy of all that it does.
    f(ring)
}

/// Keeps a ring current until it is dropped. See [`Keyring::hold`] and
/// [`Keyring::hold_everywhere`].
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

pub(super) fn hold_everywhere(ring: Arc<Keyring>) -> HeldKeyring {
    EVERYWHERE.with_borrow_mut(|everywhere| {
        let everywhere = everywhere.get_or_insert_with(|| {
            let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            Everywhere { rings: Vec::new(), before: INSTALLED.load_full(), _turn: turn }
        });
        everywhere.rings.push(Arc::clone(&ring));
        put(Some(&ring));
    });
    hold(ring)
}

/// In the place of what is installed, whatever that is.
fn put(ring: Option<&Arc<Keyring>>) {
    let _change = CHANGE.lock().unwrap_or_else(PoisonError::into_inner);
    INSTALLED.store(ring.map(Arc::clone));
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
        let _ = HELD.try_with(|held| remove(&mut held.borrow_mut(), &self.ring));
        let _ = EVERYWHERE.try_with(|everywhere| {
            let mut everywhere = everywhere.borrow_mut();
            let Some(held) = everywhere.as_mut() else { return };
            if remove(&mut held.rings, &self.ring) {
                put(held.rings.last().or(held.before.as_ref()));
            }
            if held.rings.is_empty() {
                *everywhere = None;
            }
        });
    }
}

/// Whether it was there.
fn remove(rings: &mut Vec<Arc<Keyring>>, ring: &Arc<Keyring>) -> bool {
    let at = rings.iter().rposition(|other| Arc::ptr_eq(other, ring));
    at.map(|at| rings.remove(at)).is_some()
}
