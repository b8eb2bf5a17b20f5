//! The heartbeat: a process that is shown an old revision notices, and seals nothing under keys
//! that may be gone.

use std::time::Duration;

use encrypted_field::envelope::{
    Anchor, BackendError, BackendErrorKind, KeyManager, KeyStore, Loaded, Query, Record,
    RotationPolicy,
};
use encrypted_field::{ErrorKind, KeyId, key::Purpose};

use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

/// For whom an account may read, and not write.
#[derive(Clone)]
struct ReadOnly(MemoryStore);

impl KeyStore for ReadOnly {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        self.0.load(query).await
    }

    async fn compare_and_swap(&self, _: u64, _: &[Record]) -> Result<bool, BackendError> {
        Err(BackendError::new(BackendErrorKind::Denied, "it may only read"))
    }

    fn describe(&self) -> String {
        "read only".into()
    }
}

fn reader(world: &World) -> KeyManager {
    let reader = KeyManager::builder(world.key_set, ReadOnly(world.store.clone()))
        .kek("eu", world.eu.clone())
        .kek("us", world.us.clone())
        .clock(world.clock.clone());
    reader.build().unwrap()
}

#[test]
fn whoever_maintains_signs_anew() {
    let world = World::new();
    let (a, b) = (world.loaded(), world.loaded());
    // From half of the time on, so that whoever maintains once in the whole of it is in time.
    world.clock.advance(HEARTBEAT / 2 - SECOND);
    assert!(!a.maintain().wait().unwrap().signed);
    world.clock.advance(SECOND);
    assert!(a.maintain().wait().unwrap().signed);
    assert!(!b.maintain().wait().unwrap().signed, "one of them does it");
    for keys in [&a, &b] {
        keys.load().wait().unwrap();
        let status = keys.status().store.unwrap();
        assert_eq!((status.revision, status.signed), (2, world.now()));
    }
    // A change signs it, too.
    world.clock.advance(HEARTBEAT / 2);
    a.provision("acme").wait().unwrap();
    world.clock.advance(HEARTBEAT / 2 - SECOND);
    assert!(!a.maintain().wait().unwrap().signed);
}

/// As from a timer, in a process that lives no longer than that and does nothing else.
#[test]
fn a_process_that_only_maintains_signs_anew() {
    let world = World::new();
    let keys = reader(&world);
    keys.load().wait().unwrap();
    for _ in 0..10 {
        world.clock.advance(HEARTBEAT);
        assert!(world.process().maintain().wait().unwrap().signed);
        keys.load().wait().unwrap();
        seal(&keys).unwrap();
    }
}

/// What others have written before is no signature of now.
#[test]
fn a_change_of_before_does_not_put_off_the_signature() {
    let world = World::new();
    let (a, b) = (world.loaded(), world.loaded());
    a.provision("acme").wait().unwrap();
    world.clock.advance(HEARTBEAT);
    assert!(b.maintain().wait().unwrap().signed);
}

/// A process with a copy of the store as it was.
fn frozen(key_set: &'static str) -> (World, World, KeyManager) {
    let world = World::named(key_set);
    let old = world.copy(world.store.backup());
    let keys = reader(&old);
    keys.load().wait().unwrap();
    (world, old, keys)
}

#[test]
fn a_process_that_is_shown_an_old_revision_stops_sealing_and_recovers() {
    let (world, old, keys) = frozen("frozen-1");
    let stored = seal(&keys).unwrap();
    for _ in 0..119 {
        world.clock.advance(MINUTE / 2);
        keys.load().wait().unwrap();
        seal(&keys).unwrap();
    }
    assert!(!keys.status().is_frozen);
    assert!(!was_told("StoreFrozen", "frozen-1"));
    world.clock.advance(MINUTE / 2);
    let error = assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    assert!(error.is_retryable(), "it may be over in a moment: {error}");
    keys.load().wait().unwrap();
    assert!(keys.status().is_frozen);
    assert!(was_told("StoreFrozen", "frozen-1"));
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    // Reads go on while the key service and the store answer, and for the lease after that.
    for _ in 0..10 {
        world.clock.advance(25 * MINUTE);
        keys.load().wait().unwrap();
        open(&keys, &stored).unwrap();
        assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    }
    old.store.set_fault(Fault::Fails(BackendErrorKind::Unavailable));
    world.clock.advance(60 * MINUTE);
    assert_kind(open(&keys, &stored), ErrorKind::KeysExpired);
    old.store.set_fault(Fault::None);
    // Somebody signs it: all is as before.
    let other = world.loaded();
    other.maintain().wait().unwrap();
    old.store.restore(world.store.backup());
    keys.load().wait().unwrap();
    assert!(!keys.status().is_frozen);
    open(&keys, &stored).unwrap();
    seal(&keys).unwrap();
}

#[test]
fn a_fresh_process_that_is_shown_an_old_head_seals_nothing() {
    let world = World::named("frozen-2");
    let stored = seal(&world.loaded()).unwrap();
    world.clock.advance(2 * HEARTBEAT + 5 * MINUTE);
    seal(&{
        let keys = reader(&world);
        keys.load().wait().unwrap();
        keys
    })
    .unwrap();
    world.clock.advance(SECOND);
    let keys = reader(&world);
    keys.load().wait().unwrap();
    open(&keys, &stored).unwrap();
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    assert!(was_told("StoreFrozen", "frozen-2"));
    keys.load().wait().unwrap();
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    // The first process after a long time signs it itself, where it may.
    let first = world.process();
    first.start().wait().unwrap();
    seal(&first).unwrap();
    keys.load().wait().unwrap();
    seal(&keys).unwrap();
}

/// A process that may only read, beside one that maintains.
#[test]
fn a_process_whose_store_is_read_only_goes_on_where_another_signs() {
    let world = World::new();
    let (maintains, reads) = (world.loaded(), reader(&world));
    reads.load().wait().unwrap();
    for _ in 0..50 {
        world.clock.advance(10 * MINUTE);
        maintains.load().wait().unwrap();
        maintains.maintain().wait().unwrap();
        reads.load().wait().unwrap();
        seal(&reads).unwrap();
    }
    // Alone it can't.
    world.clock.advance(2 * HEARTBEAT);
    reads.load().wait().unwrap();
    let error = assert_kind(reads.maintain().wait(), ErrorKind::KeyStoreUnusable);
    assert!(error.to_string().contains("it may only read"), "{error}");
    assert_kind(seal(&reads), ErrorKind::KeyStoreFrozen);
}

/// Makes another key active, and disables and destroys the first one as soon as that may be.
fn destroy_the_first(world: &World, keys: &KeyManager) {
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    keys.disable(id(1)).wait().unwrap();
    keys.load().wait().unwrap();
    let confirmation = format!("destroy key 1 of {}", keys.name());
    // A second less than for a key that is published, whose date is cut off to a whole one.
    world.clock.advance(PROPAGATION - 2 * SECOND);
    assert_kind(keys.destroy(id(1), &confirmation).wait(), ErrorKind::KeyLifecycle);
    world.clock.advance(SECOND);
    keys.destroy(id(1), &confirmation).wait().unwrap();
}

/// As it was tried.
#[test]
fn a_process_that_is_shown_the_old_revision_does_not_seal_under_a_key_that_was_destroyed_a_day_ago()
{
    let (world, old, keys) = frozen("frozen-3");
    let shown = old.loaded();
    destroy_the_first(&world, &world.loaded());
    for keys in [&keys, &shown] {
        keys.load().wait().unwrap();
        assert_kind(seal(keys), ErrorKind::KeyStoreFrozen);
    }
    world.clock.advance(DAY);
    for keys in [&keys, &shown] {
        keys.load().wait().unwrap();
        assert_kind(seal(keys), ErrorKind::KeyStoreFrozen);
    }
}

/// Also one that starts late, when what it is shown does not count as old yet.
#[test]
fn a_fresh_process_does_not_seal_under_a_key_that_is_destroyed() {
    for heartbeat in [HEARTBEAT, (PROPAGATION - 10 * MINUTE) / 2 - SECOND, 8 * MINUTE] {
        let world = World::empty();
        world.builder().heartbeat(heartbeat).build().unwrap().initialize().wait().unwrap();
        let old = world.copy(world.store.backup());
        let keys = world.loaded();
        let next = keys.publish("", Purpose::Field).wait().unwrap();
        keys.activate_at_once(next).wait().unwrap();
        keys.disable(id(1)).wait().unwrap();
        keys.load().wait().unwrap();
        // The last moment at which the old head is taken for a new one.
        let late = (2 * heartbeat + 5 * MINUTE).min(PROPAGATION - SECOND);
        world.clock.advance(late);
        let shown = reader(&old);
        shown.load().wait().unwrap();
        world.clock.advance(PROPAGATION - late);
        keys.destroy(id(1), "destroy key 1 of test").wait().unwrap();
        shown.load().wait().unwrap();
        let sealed = seal(&shown);
        assert!(
            sealed.is_err(),
            "heartbeat {heartbeat:?}: sealed under key {}, which is destroyed",
            key_of(&sealed.unwrap())
        );
    }
}

#[test]
fn a_heartbeat_of_zero_never_freezes() {
    let world = World::empty();
    let without = || world.builder().heartbeat(Duration::ZERO).rotation(RotationPolicy::by_hand());
    without().build().unwrap().initialize().wait().unwrap();
    let keys = without().build().unwrap();
    keys.load().wait().unwrap();
    for _ in 0..100 {
        world.clock.advance(DAY);
        keys.load().wait().unwrap();
        assert!(!keys.maintain().wait().unwrap().signed);
        seal(&keys).unwrap();
    }
    assert!(!keys.status().is_frozen);
    assert_eq!(keys.status().store.unwrap().revision, 1);
    let fresh = world.loaded();
    seal(&fresh).unwrap();
}

#[test]
fn a_heartbeat_longer_than_half_of_propagation_is_refused() {
    let world = World::empty();
    let built = world.builder().heartbeat(PROPAGATION).build();
    let error = assert_kind(built.map(drop), ErrorKind::InvalidKeys);
    assert!(!error.to_string().contains("  "), "one space between words: {error}");
}

/// The date is not the clock by which it is measured how long a head was seen.
#[test]
fn setting_the_date_neither_freezes_nor_thaws() {
    let (world, _old, keys) = frozen("frozen-4");
    world.clock.set_wall(world.now() + 400 * DAY);
    keys.load().wait().unwrap();
    seal(&keys).unwrap();
    world.clock.set_wall(world.now() - 800 * DAY);
    world.clock.advance(2 * HEARTBEAT);
    keys.load().wait().unwrap();
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
}

/// Where the store has a clock, what is old is told by that one.
#[test]
fn a_wrong_clock_here_freezes_nothing_where_the_store_has_one() {
    let world = World::named("frozen-5");
    world.store.set_clock(&world.clock);
    for wrong in [world.ahead(60 * DAY), world.behind(60 * DAY)] {
        let keys = reader(&wrong);
        keys.load().wait().unwrap();
        seal(&keys).unwrap();
    }
    // And one whose clock is behind does not take an old head for a new one.
    let behind = world.behind(60 * DAY);
    world.clock.advance(3 * HEARTBEAT);
    let keys = reader(&behind);
    keys.load().wait().unwrap();
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
}

/// Tenants' scopes are as frozen as the others.
#[test]
fn scopes_on_demand_freeze_too() {
    let world = World::named("frozen-6");
    world.loaded().provision("acme").wait().unwrap();
    let keys = reader(&world);
    keys.load().wait().unwrap();
    let seal_in = |keys: &KeyManager| {
        let scope = keys.scope("acme").wait()?;
        scope.run(|| Iban::from(tests::secrets::BOT_TOKEN).to_stored_text())
    };
    seal_in(&keys).unwrap();
    world.clock.advance(2 * HEARTBEAT);
    keys.load().wait().unwrap();
    assert_kind(seal_in(&keys), ErrorKind::KeyStoreFrozen);
    // One that has entered nothing before, either.
    world.clock.advance(DAY);
    let fresh = reader(&world);
    fresh.load().wait().unwrap();
    assert_kind(seal_in(&fresh), ErrorKind::KeyStoreFrozen);
}

/// One region is down when a rotation is due: no key can be made, and that is no reason to stop
/// sealing.
#[test]
fn the_head_is_signed_also_where_a_key_can_not_be_made() {
    let world = World::new();
    let keys = world.loaded();
    world.us.set_fault(Fault::Fails(BackendErrorKind::Unavailable));
    world.clock.advance(90 * DAY);
    keys.load().wait().unwrap();
    for _ in 0..13 {
        assert_kind(keys.maintain().wait(), ErrorKind::KeyServiceUnavailable);
        keys.load().wait().unwrap();
        seal(&keys).unwrap();
        world.clock.advance(10 * MINUTE);
    }
    assert!(!keys.status().is_frozen);
}

/// A process that is shown a fork which it may write to signs that itself: the anchor shows it,
/// before anything is written.
#[test]
fn a_fork_is_not_signed_where_an_anchor_knows_better() {
    let world = World::empty();
    let paper = crate::lost::Paper::default();
    let anchored =
        |world: &World| world.builder().anchor(Anchor::in_document(paper.clone())).build().unwrap();
    anchored(&world).initialize().wait().unwrap();
    let fork = world.copy(world.store.backup());
    let shown = anchored(&fork);
    shown.load().wait().unwrap();
    let others = anchored(&world);
    others.load().wait().unwrap();
    others.publish("", Purpose::Field).wait().unwrap();
    let before = fork.store.backup();
    assert_kind(shown.load().wait(), ErrorKind::KeyStoreRolledBack);
    world.clock.advance(HEARTBEAT);
    assert_kind(shown.maintain().wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(shown.provision("acme").wait(), ErrorKind::KeyStoreRolledBack);
    assert_eq!(fork.store.backup(), before);
    world.clock.advance(HEARTBEAT);
    assert_kind(seal(&shown), ErrorKind::KeysExpired);
}

/// Many tenants are due at once: they are found over several reads.
#[test]
fn a_thousand_tenants_that_are_due_at_once_rotate() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..1000).map(|number| format!("tenant-{number}"))).wait().unwrap();
    world.clock.advance(90 * DAY);
    keys.load().wait().unwrap();
    let done = keys.maintain().wait().unwrap();
    assert_eq!(done.published.len(), 64);
    assert!(done.unfinished);
}

/// A heartbeat that this very process could not live with would stop all of them, and could not be
/// taken back.
#[test]
fn a_heartbeat_that_stops_this_process_is_refused() {
    let world = World::new();
    let keys = world.loaded();
    for minutes in 1..=7 {
        let error =
            assert_kind(keys.set_heartbeat(minutes * MINUTE).wait(), ErrorKind::InvalidKeys);
        assert!(error.to_string().contains("at least 450 s"), "{error}");
    }
    keys.set_heartbeat(Duration::from_secs(450)).wait().unwrap();
    keys.load().wait().unwrap();
    keys.set_heartbeat(Duration::ZERO).wait().unwrap();
    keys.load().wait().unwrap();
}
