//! Whoever once had the store key, from a process's memory, signs no later store. A KEK that gives
//! a wrong one is passed over.

use encrypted_field::envelope::{Anchor, BackendErrorKind, KeyManager, Record, RestoredStore};
use encrypted_field::{ErrorKind, key::Purpose};
use serde_json::{Value, json};

use crate::signer::{Signer, body};
use crate::support::*;

/// A store with a leaked pending key, one who knows the store key, and how everything is at that
/// time.
fn leaked(key_set: &'static str) -> (World, KeyManager, Signer) {
    let world = World::named(key_set);
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(MINUTE);
    let signer = Signer::of(&world);
    (world, keys, signer)
}

/// What he makes of a store: the leaked key is active.
fn make_active(body: &mut Value) {
    let revision = body["revision"].clone();
    for entry in body["keys"].as_array_mut().unwrap() {
        entry["changed"]["revision"] = revision.clone();
        let is_leaked = entry["id"] == 2;
        entry["state"] = json!(if is_leaked { "active" } else { "retired" });
    }
}

/// The signer is good enough to be taken seriously: without a change of the store key everybody
/// takes what he signs.
#[test]
fn whoever_has_the_store_key_of_now_signs() {
    let (world, keys, signer) = leaked("store-key-1");
    world.store.tamper(|records| signer.change(records, &process_record(""), make_active));
    for keys in [world.loaded(), keys] {
        keys.load().wait().unwrap();
        assert_eq!(key_of(&seal(&keys).unwrap()), 2);
    }
}

/// Whatever he does with the key of before, nobody who knows of the later store takes it.
#[track_caller]
fn signs_nothing(world: &World, keys: &KeyManager, signer: &Signer, before: &Records) {
    keys.load().wait().unwrap();
    let (after, status) = (world.store.backup(), keys.status().store.unwrap());
    let anchor = Anchor::fixed(&status.anchor).unwrap();
    let told = world.builder().min_epoch(status.epoch).build().unwrap();
    let anchored = world.builder().anchor(anchor).build().unwrap();
    let refused = |how: &str, kinds: &[ErrorKind]| {
        for keys in [keys, &told, &anchored] {
            let Err(error) = keys.load().wait() else { panic!("{how}: it is taken") };
            assert!(kinds.contains(&error.kind()), "{how}: {error}");
        }
    };
    // The store of before, of which he makes a later one.
    let mut forged = before.clone();
    signer.change(&mut forged, &process_record(""), make_active);
    while forged[Record::HEAD].revision <= status.revision + 3 {
        signer.change(&mut forged, Record::HEAD, |_| {});
    }
    world.store.restore(forged.clone());
    refused("of the epoch before", &[ErrorKind::KeyStoreRolledBack]);
    // He says that it is of the later epoch; or of the next one.
    for epoch in [status.epoch, status.epoch + 1] {
        let mut forged = forged.clone();
        signer.change(&mut forged, Record::HEAD, |head| head["epoch"] = json!(epoch));
        world.store.restore(forged.clone());
        refused("with a later epoch", &[ErrorKind::WrappedKeyRejected]);
        // With the wraps of the store key of now, which is not the key that he has.
        let wraps = body(&after[Record::HEAD])["store_key"].clone();
        signer.change(&mut forged, Record::HEAD, |head| head["store_key"] = wraps);
        world.store.restore(forged);
        refused(
            "with the wraps of now",
            &[ErrorKind::KeyStoreTampered, ErrorKind::WrappedKeyRejected],
        );
    }
    // The store of now, changed.
    let mut forged = after.clone();
    signer.change(&mut forged, &process_record(""), make_active);
    world.store.restore(forged);
    refused("the store of now", &[ErrorKind::KeyStoreTampered]);
    world.store.restore(after);
    for keys in [keys, &told, &anchored] {
        keys.load().wait().unwrap();
        assert_eq!(key_of(&seal(keys).unwrap()), 1);
    }
}

#[test]
fn renewing_the_store_key_ends_it() {
    let (world, keys, signer) = leaked("store-key-2");
    let (before, status) = (world.store.backup(), keys.status().store.unwrap());
    let other = world.loaded();
    let stored = seal(&other).unwrap();
    keys.renew_store_key().wait().unwrap();
    keys.load().wait().unwrap();
    let after = keys.status().store.unwrap();
    assert!(after.epoch > status.epoch && after.revision > status.revision);
    assert_eq!((&after.keys, &after.store), (&status.keys, &status.store), "no entry changes");
    other.load().wait().unwrap();
    open(&other, &stored).unwrap();
    signs_nothing(&world, &other, &signer, &before);
    signs_nothing(&world, &keys, &signer, &before);
    // At once again: it needs no time between.
    let signer = Signer::of(&world);
    let before = world.store.backup();
    keys.renew_store_key().wait().unwrap();
    signs_nothing(&world, &keys, &signer, &before);
}

#[test]
fn renewing_the_store_key_needs_every_kek() {
    let (world, keys, _) = leaked("store-key-3");
    let before = world.store.backup();
    world.us.set_fault(Fault::Fails(BackendErrorKind::Unavailable));
    assert_kind(keys.renew_store_key().wait(), ErrorKind::KeyServiceUnavailable);
    let eu = world.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    assert_kind(eu.renew_store_key().wait(), ErrorKind::KekUnusable);
    assert_eq!(world.store.backup(), before);
}

#[test]
fn accepting_a_restored_store_ends_it() {
    let (world, keys, signer) = leaked("store-key-4");
    let before = world.store.backup();
    keys.provision("acme").wait().unwrap();
    world.store.restore(before.clone());
    let operator = world.process();
    operator.accept_restored(RestoredStore::new(2, 9)).wait().unwrap();
    keys.load().wait().unwrap();
    signs_nothing(&world, &keys, &signer, &before);
    signs_nothing(&world, &operator, &signer, &before);
    assert_ne!(
        body(&before["head"])["store_key"],
        body(&world.store.backup()["head"])["store_key"]
    );
}

/// What somebody made of a backup with the store key of before is not made good by accepting it:
/// the operator names its revision.
#[test]
fn an_acceptance_is_of_one_revision() {
    let (world, keys, signer) = leaked("store-key-5");
    let before = world.store.backup();
    keys.provision("acme").wait().unwrap();
    world.store.restore(before);
    world.store.tamper(|records| signer.change(records, &process_record(""), make_active));
    let operator = world.process();
    let accepted = operator.accept_restored(RestoredStore::new(2, 9)).wait();
    assert_kind(accepted, ErrorKind::NotConfirmed);
}

#[test]
fn leaving_out_a_kek_ends_it() {
    let (world, _, signer) = leaked("store-key-6");
    let before = world.store.backup();
    let eu = World { us: TestKek::new(5), ..world.clone() };
    let left = eu.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    left.leave_out_kek("us", "leave out KEK us of store-key-6").wait().unwrap();
    signs_nothing(&eu, &left, &signer, &before);
}

/// Adding a KEK is no new store key: whoever had the old one still has it. The documentation names
/// what changes it.
#[test]
fn rewrapping_keeps_the_store_key() {
    let (world, keys, signer) = leaked("store-key-7");
    let asia = world.builder().kek("asia", TestKek::new(2)).build().unwrap();
    asia.rewrap().wait().unwrap();
    world.store.tamper(|records| signer.change(records, Record::HEAD, |_| {}));
    keys.load().wait().unwrap();
}

/// A KEK that answers with another key than it was given: the next one is asked.
#[test]
fn a_kek_that_gives_a_wrong_store_key_is_passed_over() {
    let world = World::named("store-key-8");
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    let swaps = TestKek::with_fault(0, Fault::Swaps);
    let with = |us: &TestKek| {
        world
            .without_keks()
            .kek("wrong-eu", TestKek::new(6))
            .kek("eu", swaps.clone())
            .kek("us", us.clone())
    };
    let fresh = with(&world.us).build().unwrap();
    fresh.load().wait().unwrap();
    open(&fresh, &stored).unwrap();
    keys.provision("acme").wait().unwrap();
    fresh.load().wait().unwrap();
    fresh.scope("acme").wait().unwrap();
    let found = fresh.check_consistency().wait().unwrap();
    let eu =
        found.problems.iter().find(|problem| problem.key_id.is_none() && problem.error.is_some());
    assert_eq!(eu.unwrap().kek.as_deref(), Some("eu"), "{found:?}");
    // One that runs, whose KEK begins to do so.
    world.eu.set_fault(Fault::Swaps);
    keys.load().wait().unwrap();
    open(&keys, &stored).unwrap();
    world.eu.set_fault(Fault::None);
    // Where none is right, that is said; where the right one is out of reach, it may be tried
    // again.
    let error = with(&TestKek::with_fault(1, Fault::Swaps)).build().unwrap().load().wait();
    assert_kind(error, ErrorKind::KeyStoreTampered);
    let away = TestKek::with_fault(1, Fault::Fails(BackendErrorKind::Unavailable));
    let error =
        assert_kind(with(&away).build().unwrap().load().wait(), ErrorKind::KeyServiceUnavailable);
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().contains("KEK \"eu\""), "the other is named, too: {error}");
}

/// Also where the store key is unwrapped to be wrapped again.
#[test]
fn a_wrong_store_key_is_wrapped_by_nobody() {
    let world = World::named("store-key-9");
    world.eu.set_fault(Fault::Swaps);
    let asia = world.builder().kek("asia", TestKek::new(2)).build().unwrap();
    asia.load().wait().unwrap();
    let error = assert_kind(asia.rewrap().wait(), ErrorKind::WrappedKeyRejected);
    assert!(error.to_string().contains("KEK \"eu\""), "{error}");
    assert_eq!(world.process().load().wait().map_err(|e| e.to_string()), Ok(()));
    world.eu.set_fault(Fault::None);
    asia.rewrap().wait().unwrap();
    world.without_keks().kek("asia", TestKek::new(2)).build().unwrap().load().wait().unwrap();
    assert_eq!(world.loaded().status().store.unwrap().keks, ["asia", "eu", "us"]);
}
