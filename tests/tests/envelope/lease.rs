//! For how long keys are used without their key service and store.

use encrypted_field::ErrorKind;
use encrypted_field::envelope::BackendErrorKind;

use crate::support::*;

#[test]
fn keys_outlive_an_outage_for_an_hour_and_no_longer() {
    let world = World::new();
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    for kek in [&world.eu, &world.us] {
        kek.set_fault(Fault::Fails(BackendErrorKind::Unavailable));
    }
    world.clock.advance(30 * MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable);
    seal(&keys).unwrap();
    world.clock.advance(29 * MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable);
    seal(&keys).unwrap();
    open(&keys, &stored).unwrap();

    world.clock.advance(MINUTE);
    for error in [
        assert_kind(seal(&keys), ErrorKind::KeysExpired),
        assert_kind(open(&keys, &stored), ErrorKind::KeysExpired),
    ] {
        let text = error.to_string();
        assert!(text.contains("last confirmed at 2026-01-01T00:00:00Z"), "since when: {text}");
        assert!(text.contains("KEK \"eu\"") && text.contains("on request"), "why: {text}");
        assert_eq!(error.key_id().map(|id| id.get()), Some(1));
        assert!(error.is_retryable());
    }

    world.eu.set_fault(Fault::None);
    keys.load().wait().unwrap();
    open(&keys, &stored).unwrap();
    // In that hour nobody has signed the head.
    assert_kind(seal(&keys), ErrorKind::KeyStoreFrozen);
    keys.maintain().wait().unwrap();
    seal(&keys).unwrap();
}

/// A permission that was taken away has its effect on keys that are in memory.
#[test]
fn keys_expire_when_the_permission_is_gone() {
    let world = World::new();
    let keys = world.loaded();
    for kek in [&world.eu, &world.us] {
        kek.set_fault(Fault::Fails(BackendErrorKind::Denied));
    }
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceDenied);
    world.clock.advance(60 * MINUTE);
    let error = assert_kind(seal(&keys), ErrorKind::KeysExpired);
    assert!(error.to_string().contains("refuses this process"), "{error}");
}

#[test]
fn the_store_is_missed_no_sooner() {
    let world = World::new();
    let keys = world.loaded();
    world.store.set_fault(Fault::Fails(BackendErrorKind::Unavailable));
    world.clock.advance(59 * MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnavailable);
    seal(&keys).unwrap();
    world.clock.advance(MINUTE);
    assert_kind(seal(&keys), ErrorKind::KeysExpired);
    world.store.set_fault(Fault::None);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    seal(&keys).unwrap();
}

/// Ages are measured by a clock that nobody sets.
#[test]
fn setting_the_date_neither_ends_nor_extends_a_lease() {
    let world = World::new();
    let keys = world.loaded();
    world.clock.set_wall(world.now() + 10 * DAY);
    seal(&keys).unwrap();
    world.clock.set_wall(world.now() - 10 * DAY);
    world.clock.advance(60 * MINUTE);
    assert_kind(seal(&keys), ErrorKind::KeysExpired);
}

#[test]
fn a_manager_that_is_gone_leaves_keys_that_expire() {
    let world = World::new();
    let keys = world.loaded();
    let ring = keys.keyring().unwrap();
    let stored = seal(&keys).unwrap();
    drop(keys);
    opens(&ring, &stored).unwrap();
    world.clock.advance(60 * MINUTE);
    assert_kind(opens(&ring, &stored), ErrorKind::KeysExpired);
}
