//! Within the life of a process nothing that it knows of a store is lost or undone, whoever writes
//! to the store, and whatever revision it has.

use encrypted_field::envelope::{CachePolicy, KeyManager, RestoredStore};
use encrypted_field::{
    ErrorKind, KeyId, Result, Scope,
    key::{KeyState, Purpose},
};
use tests::secrets;

use crate::support::*;

const ACME: &str = "acme";

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

fn confirm(keys: &KeyManager, id: KeyId) -> String {
    format!("destroy key {id} of {}", keys.name())
}

fn seal_in(scope: &Scope) -> Result<String> {
    scope.run(|| Iban::from(secrets::BOT_TOKEN).to_stored_text())
}

/// Changes the store until its revision is above this one.
fn raise_above(world: &World, revision: u64) {
    let other = world.loaded();
    while world.store.revision() <= revision {
        other.provision(&format!("filler-{}", world.store.revision())).wait().unwrap();
    }
}

/// That a process refuses what the store shows, says so, goes on with what it knows, and stops when
/// its lease ends.
#[track_caller]
fn refuses(world: &World, keys: &KeyManager) {
    let told = told(world.key_set).len();
    let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(!error.is_retryable(), "{error}");
    let news = crate::support::told(world.key_set)[told..].to_vec();
    assert!(news.iter().any(|told| told.starts_with("StoreRolledBack")), "{news:?}");
    let stored = seal(keys).unwrap();
    open(keys, &stored).unwrap();
    world.clock.advance(59 * MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    open(keys, &stored).unwrap();
    world.clock.advance(MINUTE);
    assert_kind(open(keys, &stored), ErrorKind::KeysExpired);
    assert_kind(seal(keys), ErrorKind::KeysExpired);
}

/// As the attack was tried: the history of before, of which another process has made a longer one.
#[test]
fn a_compromised_key_does_not_seal_again() {
    let world = World::named("history-1");
    let keys = world.loaded();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    let before = world.store.backup();
    keys.activate_at_once(next).wait().unwrap();
    keys.mark_compromised(id(1)).wait().unwrap();
    let revision = world.store.revision();
    world.store.restore(before);
    // Further than one revision above: what follows the one that is known would show by itself.
    raise_above(&world, revision + 5);
    refuses(&world, &keys);
    assert_eq!(
        key_of(&seal(&world.loaded()).unwrap()),
        1,
        "one who knows nothing better seals with it"
    );
}

#[test]
fn a_destroyed_key_does_not_come_back() {
    let world = World::named("history-2");
    let keys = world.loaded();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    keys.disable(id(1)).wait().unwrap();
    let before = world.store.backup();
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    keys.destroy(id(1), &confirm(&keys, id(1))).wait().unwrap();
    world.store.restore(before);
    let other = world.loaded();
    other.enable(id(1)).wait().unwrap();
    raise_above(&world, 10);
    refuses(&world, &keys);
}

#[test]
fn an_id_does_not_name_other_bytes() {
    let world = World::named("history-3");
    let before = world.store.backup();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(before);
    let other = world.loaded();
    other.publish("", Purpose::Field).wait().unwrap();
    raise_above(&world, 5);
    refuses(&world, &keys);
}

/// The key is in the other history, too, and is of another scope there.
#[test]
fn an_id_does_not_move_to_another_scope() {
    let world = World::named("history-4");
    let before = world.store.backup();
    let keys = world.loaded();
    keys.create("slack", Purpose::Field).wait().unwrap();
    world.store.restore(before);
    let other = world.loaded();
    other.create("github", Purpose::Field).wait().unwrap();
    other.create("slack", Purpose::Field).wait().unwrap();
    raise_above(&world, 5);
    refuses(&world, &keys);
}

/// Somebody had a copy of the store for himself, with a KEK, and puts it in place of the one that
/// everybody uses.
#[test]
fn a_fork_is_refused_whichever_is_longer() {
    for longer in [2, 9] {
        let world = World::named("history-5");
        let fork = world.copy(world.store.backup());
        fork.loaded().publish("", Purpose::Field).wait().unwrap();
        raise_above(&fork, longer);
        let keys = world.loaded();
        keys.create("slack", Purpose::Field).wait().unwrap();
        world.store.restore(fork.store.backup());
        refuses(&world, &keys);
    }
}

/// A fork that differs in nothing that a process knows: the revision after its own follows another
/// head.
#[test]
fn a_fork_of_which_the_next_revision_is_seen_is_refused() {
    let world = World::named("history-6");
    let fork = world.copy(world.store.backup());
    let keys = world.loaded();
    keys.provision(ACME).wait().unwrap();
    fork.loaded().provision(ACME).wait().unwrap();
    fork.loaded().provision("globex").wait().unwrap();
    world.store.restore(fork.store.backup());
    refuses(&world, &keys);
}

#[test]
fn another_store_of_the_same_name_and_kek_is_refused() {
    let world = World::named("history-7");
    let keys = world.loaded();
    let other = World::named("history-7");
    raise_above(&other, 20);
    world.store.restore(other.store.backup());
    let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("another store"), "{error}");
    // Not even by hand.
    let revision = world.store.revision();
    let accepted = keys.accept_restored(RestoredStore::new(revision, 40)).wait();
    assert_kind(accepted, ErrorKind::KeyStoreRolledBack);
    assert_eq!(world.store.backup(), other.store.backup(), "it was not changed");
    refuses(&world, &keys);
}

/// What was refused is forgotten: when the right store is back, everything goes on.
#[test]
fn the_right_store_is_taken_again_after_a_fork_was_refused() {
    let world = World::named("history-8");
    let fork = world.copy(world.store.backup());
    raise_above(&fork, 20);
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    let right = world.store.backup();
    world.store.restore(fork.store.backup());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    world.store.restore(right);
    keys.load().wait().unwrap();
    keys.create("slack", Purpose::Field).wait().unwrap();
}

/// "Nothing of what it shows now is used" is what the event says.
#[test]
fn nothing_of_a_refused_store_is_entered() {
    let world = World::named("history-9");
    let fork = world.copy(world.store.backup());
    let other = fork.loaded();
    other.publish("", Purpose::Field).wait().unwrap();
    other.provision("initech").wait().unwrap();
    raise_above(&fork, 20);
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(fork.store.backup());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.maintain().wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.scope("initech").wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.keys_on_demand(0).wait(), ErrorKind::KeyStoreRolledBack);
}

/// Of what each process loads the other history has undone nothing: a tenant's keys show that it is
/// another.
#[test]
fn nothing_is_written_to_a_refused_store() {
    let (world, keys, before) = tenant("history-18", &World::process);
    world.store.restore(before);
    raise_above(&world, 20);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    let shown = world.store.backup();
    assert_kind(keys.provision("later").wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.renew_store_key().wait(), ErrorKind::KeyStoreRolledBack);
    assert_eq!(world.store.backup(), shown);
}

/// A store with a tenant, whose first key is compromised or destroyed after `before`.
fn tenant(
    key_set: &'static str,
    keys: &dyn Fn(&World) -> KeyManager,
) -> (World, KeyManager, Records) {
    let world = World::named(key_set);
    let keys = keys(&world);
    keys.load().wait().unwrap();
    keys.provision(ACME).wait().unwrap();
    keys.scope(ACME).wait().unwrap();
    let before = world.store.backup();
    let next = keys.publish(ACME, Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    keys.mark_compromised(id(2)).wait().unwrap();
    (world, keys, before)
}

#[test]
fn a_scope_in_use_is_not_undone() {
    let (world, keys, before) = tenant("history-10", &World::process);
    assert_eq!(key_of(&seal_in(&keys.scope(ACME).wait().unwrap()).unwrap()), 3);
    world.store.restore(before);
    raise_above(&world, 20);
    refuses(&world, &keys);
}

/// The same, and the other history has changed that scope, too.
#[test]
fn a_scope_in_use_is_not_undone_by_a_later_change_of_it() {
    let (world, keys, before) = tenant("history-11", &World::process);
    world.store.restore(before);
    raise_above(&world, 20);
    let other = world.loaded();
    other.publish(ACME, Purpose::Field).wait().unwrap();
    refuses(&world, &keys);
}

/// A process that keeps one scope at a time, and has used others since.
fn forgetful(world: &World) -> KeyManager {
    let cache = CachePolicy::default()
        .max_scopes(1)
        .call_timeout(std::time::Duration::from_millis(100))
        .bulk_timeout(std::time::Duration::from_millis(300));
    world.builder().cache(cache).build().unwrap()
}

/// Makes a process forget the keys of `acme`.
fn forget(keys: &KeyManager) {
    for number in 0..4 {
        keys.scope(&format!("other-{number}")).wait().unwrap();
    }
    keys.load().wait().unwrap();
    let status = keys.status().store.unwrap();
    assert!(status.keys.iter().all(|key| key.scope != ACME), "it is forgotten: {status:?}");
}

fn forgotten(key_set: &'static str) -> (World, KeyManager, Records) {
    let world = World::named(key_set);
    let keys = forgetful(&world);
    keys.load().wait().unwrap();
    keys.provision_all((0..4).map(|number| format!("other-{number}"))).wait().unwrap();
    let first = keys.provision(ACME).wait().unwrap();
    let before = world.store.backup();
    let next = keys.publish(ACME, Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    keys.mark_compromised(first).wait().unwrap();
    keys.scope(ACME).wait().unwrap();
    forget(&keys);
    (world, keys, before)
}

#[test]
fn a_scope_that_was_used_is_not_set_back() {
    let (world, keys, before) = forgotten("history-12");
    world.store.restore(before);
    raise_above(&world, 20);
    keys.load().wait().unwrap();
    assert_kind(keys.scope(ACME).wait(), ErrorKind::KeyStoreRolledBack);
    assert!(was_told("StoreRolledBack", world.key_set));
}

#[test]
fn a_scope_that_was_used_is_not_lost() {
    let world = World::named("history-13");
    let keys = forgetful(&world);
    keys.load().wait().unwrap();
    keys.provision_all((0..4).map(|number| format!("other-{number}"))).wait().unwrap();
    // The other history never had the tenant.
    let before = world.store.backup();
    keys.provision(ACME).wait().unwrap();
    keys.scope(ACME).wait().unwrap();
    forget(&keys);
    world.store.restore(before);
    raise_above(&world, 20);
    keys.load().wait().unwrap();
    assert_kind(keys.scope(ACME).wait(), ErrorKind::KeyStoreRolledBack);
}

/// The other history has changed the scope, too: its record is newer than the one that was used,
/// and the compromised key is active in it.
#[test]
fn a_scope_that_was_used_is_not_undone_by_a_later_change_of_it() {
    let (world, keys, before) = forgotten("history-14");
    world.store.restore(before);
    raise_above(&world, 20);
    world.loaded().publish(ACME, Purpose::Field).wait().unwrap();
    keys.load().wait().unwrap();
    let entered = keys.scope(ACME).wait();
    assert_kind(entered, ErrorKind::KeyStoreRolledBack);
}

/// The other history has made the tenant, too, at the very revision that was seen: its key has
/// other bytes under the same id.
#[test]
fn a_scope_that_was_used_has_no_other_keys_of_the_same_revision() {
    let world = World::named("history-15");
    let keys = forgetful(&world);
    keys.load().wait().unwrap();
    keys.provision_all((0..4).map(|number| format!("other-{number}"))).wait().unwrap();
    let before = world.store.backup();
    keys.provision(ACME).wait().unwrap();
    keys.scope(ACME).wait().unwrap();
    forget(&keys);
    world.store.restore(before);
    world.loaded().provision(ACME).wait().unwrap();
    raise_above(&world, 20);
    keys.load().wait().unwrap();
    assert_kind(keys.scope(ACME).wait(), ErrorKind::KeyStoreRolledBack);
}

/// Accepted by hand, by one process: those that run follow it, and nothing else.
#[test]
fn an_accepted_store_is_followed_by_everybody() {
    let (world, keys, before) = tenant("history-16", &World::process);
    let other = world.loaded();
    other.scope(ACME).wait().unwrap();
    let small = forgetful(&world);
    small.load().wait().unwrap();
    small.scope(ACME).wait().unwrap();
    let newest = world.store.backup();
    world.store.restore(before.clone());
    raise_above(&world, 12);
    for keys in [&keys, &other] {
        assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    }
    let operator = world.process();
    let (revision, next_id) = (world.store.revision(), 99);
    operator.accept_restored(RestoredStore::new(revision, next_id)).wait().unwrap();
    for keys in [&keys, &other, &small, &world.process()] {
        keys.load().wait().unwrap();
        let scope = keys.scope(ACME).wait().unwrap();
        assert_eq!(
            key_of(&seal_in(&scope).unwrap()),
            2,
            "what happened after the backup is undone"
        );
        let status = keys.status().store.unwrap();
        let state =
            |key: u32| status.keys.iter().find(|status| status.id.get() == key).unwrap().state;
        assert_eq!((state(1), state(2)), (KeyState::Active, KeyState::Active));
    }
    // Both stores of before, and one that goes on from there.
    for records in [before, newest] {
        world.store.restore(records);
        for keys in [&keys, &other, &small, &operator] {
            assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
        }
        raise_above(&world, 60);
        for keys in [&keys, &other, &small, &operator] {
            assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
        }
    }
}

/// An accepted store does not bring back an id for another key, whatever the operator says.
#[test]
fn an_acceptance_gives_no_id_twice() {
    let world = World::named("history-17");
    let before = world.store.backup();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(before);
    // One who has seen nothing says that the next id is 2, and makes a key of that id.
    let operator = world.process();
    operator.accept_restored(RestoredStore::new(1, 2)).wait().unwrap();
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    operator.publish("", Purpose::Field).wait().unwrap();
    let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("key 2 is another key"), "{error}");
}
