//! What may become of a key.

use std::time::Duration;

use encrypted_field::{
    ErrorKind, KeyId,
    key::{KeyState, Purpose},
};

use crate::support::*;

/// Keys 1 (retired) and 2 (active).
fn rotated() -> (World, encrypted_field::envelope::KeyManager, String) {
    let world = World::new();
    let keys = world.loaded();
    let old = seal(&keys).unwrap();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.pass(PROPAGATION, &[&keys]);
    (world, keys, old)
}

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

#[test]
fn a_key_is_disabled_enabled_and_destroyed() {
    let (world, keys, old) = rotated();
    let other = world.loaded();
    keys.disable(id(1)).wait().unwrap();
    let error = assert_kind(open(&keys, &old), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("disabled"), "{error}");
    open(&other, &old).unwrap();
    other.load().wait().unwrap();
    assert_kind(open(&other, &old), ErrorKind::KeyUnusable);

    keys.enable(id(1)).wait().unwrap();
    open(&keys, &old).unwrap();

    let confirmation = "destroy key 1 of test";
    assert_kind(keys.destroy(id(1), confirmation).wait(), ErrorKind::KeyLifecycle);
    keys.disable(id(1)).wait().unwrap();
    let error = assert_kind(keys.destroy(id(1), confirmation).wait(), ErrorKind::KeyLifecycle);
    assert!(error.to_string().contains("of 4200"), "{error}");
    world.pass(PROPAGATION, &[&keys]);
    let error = assert_kind(keys.destroy(id(1), "yes").wait(), ErrorKind::NotConfirmed);
    assert!(error.to_string().contains(confirmation), "{error}");
    // One that has just come has not seen whether anybody misses it.
    assert_kind(world.process().destroy(id(1), confirmation).wait(), ErrorKind::KeyLifecycle);
    keys.destroy(id(1), confirmation).wait().unwrap();
    // Stopped before the store has forgotten its older versions, it is run again.
    keys.destroy(id(1), confirmation).wait().unwrap();

    let error = assert_kind(open(&keys, &old), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("destroyed"), "{error}");
    assert_kind(keys.enable(id(1)).wait(), ErrorKind::KeyLifecycle);
    let status = keys.status().store.unwrap();
    assert_eq!((status.keys[0].state, status.keys[0].keks.len()), (KeyState::Destroyed, 0));
    let body = world.store.backup()[&process_record("")].body.clone();
    assert!(body.contains("\"wraps\":{}"), "its bytes have left the store: {body}");
    // The tombstone is there for whoever comes later, too.
    assert_kind(open(&world.loaded(), &old), ErrorKind::KeyUnusable);
}

#[test]
fn ids_are_never_given_twice() {
    let (_, keys, _) = rotated();
    let pending = keys.publish("", Purpose::Field).wait().unwrap();
    assert_eq!(pending, id(3));
    keys.destroy(pending, "destroy key 3 of test").wait().unwrap();
    assert_eq!(keys.publish("", Purpose::Field).wait().unwrap(), id(4));
    assert_eq!(keys.provision("acme").wait().unwrap(), id(5));
    keys.destroy_scope("acme", "destroy scope acme of test").wait().unwrap();
    assert_eq!(keys.provision("globex").wait().unwrap(), id(6));
}

#[test]
fn an_active_key_is_not_taken_away() {
    let (_, keys, _) = rotated();
    for refused in [
        keys.disable(id(2)),
        keys.mark_compromised(id(2)),
        keys.destroy(id(2), "destroy key 2 of test"),
        keys.activate(id(2)),
        keys.activate(id(1)),
        keys.disable(id(99)),
    ] {
        assert_kind(refused.wait(), ErrorKind::KeyLifecycle);
    }
    seal(&keys).unwrap();
}

/// The runbook of a compromised key: publish, activate at once, mark.
#[test]
fn a_compromised_key_is_replaced_at_once() {
    use encrypted_field::EncryptedFieldExt as _;
    let (world, keys, _) = rotated();
    let stored = seal(&keys).unwrap();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    keys.mark_compromised(id(2)).wait().unwrap();
    assert_eq!(key_of(&seal(&keys).unwrap()), 3);
    let ring = keys.keyring().unwrap();
    let token = Token::from_stored_text_with(&ring, stored.clone()).unwrap();
    assert!(token.is_stale_with(&ring), "it is to be moved");

    let strict = world.builder().refuse_compromised().build().unwrap();
    strict.load().wait().unwrap();
    let error = assert_kind(open(&strict, &stored), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("compromised"), "{error}");

    // Disabled and enabled again, it is compromised still.
    keys.disable(id(2)).wait().unwrap();
    keys.enable(id(2)).wait().unwrap();
    assert_eq!(keys.status().store.unwrap().keys[1].state, KeyState::Compromised);
}

#[test]
fn a_change_of_state_needs_no_key_to_be_unwrapped_again() {
    let (world, keys, old) = rotated();
    let unwraps = world.eu.unwraps();
    keys.disable(id(1)).wait().unwrap();
    keys.enable(id(1)).wait().unwrap();
    // The store key each time, and the key that was disabled: its bytes were forgotten.
    assert_eq!(world.eu.unwraps() - unwraps, 3);
    open(&keys, &old).unwrap();
    world.clock.advance(Duration::from_secs(1));
}
