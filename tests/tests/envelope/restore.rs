//! A backup of the store was restored.

use encrypted_field::envelope::Restored;
use encrypted_field::{ErrorKind, KeyId, Purpose};

use crate::support::*;

#[test]
fn a_restored_store_is_accepted_by_hand_and_by_everybody() {
    let world = World::new();
    let (keys, other) = (world.loaded(), world.loaded());
    let stored = seal(&keys).unwrap();
    let backup = world.store.backup();
    let lost = keys.publish("", Purpose::Field, world.now()).wait().unwrap();
    keys.activate_at_once(lost, world.now()).wait().unwrap();
    other.load().wait().unwrap();
    let under_lost = seal(&keys).unwrap();

    world.store.restore(backup.clone());
    for keys in [&keys, &other] {
        assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    }
    let accept = |revision, next_id| keys.accept_restored(Restored { revision, next_id }, world.now()).wait();
    assert_kind(accept(2, 3), ErrorKind::NotConfirmed);
    assert_kind(accept(1, 1), ErrorKind::NotConfirmed);
    accept(1, 3).unwrap();

    for keys in [&keys, &other] {
        keys.load().wait().unwrap();
        let status = keys.status().unwrap();
        assert_eq!((status.generation, status.next_id), (1, 3));
        assert!(status.revision > 3, "above what anybody has seen");
        open(keys, &stored).unwrap();
        assert_eq!(key_of(&seal(keys).unwrap()), 1);
        // The key is lost, and nobody else gets its id.
        assert_kind(open(keys, &under_lost), ErrorKind::UnknownKey);
    }
    assert_eq!(keys.publish("", Purpose::Field, world.now()).wait().unwrap(), KeyId::new(3).unwrap());
    // The backup again: it is of the generation before.
    world.store.restore(backup);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

#[test]
fn a_restored_store_that_was_tampered_with_is_not_accepted() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field, world.now()).wait().unwrap();
    world.store.restore(backup);
    world.store.tamper(|records| {
        let record = records.get_mut(&1).unwrap();
        record.body = record.body.replace("\"active\"", "\"retired\"");
    });
    let accepted = keys.accept_restored(Restored { revision: 1, next_id: 9 }, world.now()).wait();
    assert_kind(accepted, ErrorKind::KeyStoreTampered);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// By a process that starts after the restore, and knows the revision from its configuration only.
#[test]
fn an_acceptance_satisfies_the_configured_minimum() {
    let world = World::new();
    let backup = world.store.backup();
    let keys = world.loaded();
    keys.publish("", Purpose::Field, world.now()).wait().unwrap();
    world.store.restore(backup);
    let fresh = world.builder().min_revision(2).build().unwrap();
    assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    fresh.accept_restored(Restored { revision: 1, next_id: 3 }, world.now()).wait().unwrap();
    fresh.load().wait().unwrap();
    assert!(fresh.status().unwrap().revision > 2);
    keys.load().wait().unwrap();
}
