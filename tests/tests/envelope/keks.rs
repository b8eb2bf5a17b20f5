//! Several key-encryption keys: regions, and one in a safe.

use encrypted_field::envelope::BackendErrorKind::{Rejected, Unavailable};
use encrypted_field::envelope::Record;
use encrypted_field::{
    ErrorKind,
    key::{KeyState, Purpose},
};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn when_one_region_is_gone_the_other_loads() {
    let world = World::new();
    let stored = seal(&world.loaded()).unwrap();
    world.eu.set_fault(Fault::Hangs);
    let keys = world.loaded();
    open(&keys, &stored).unwrap();
    assert!(world.us.unwraps() > 0);
    // One that did not answer is not asked for every key again.
    let asked = world.eu.unwraps();
    keys.load().wait().unwrap();
    assert_eq!(world.eu.unwraps(), asked);
    // And after a while it is the first one again.
    world.clock.advance(MINUTE);
    world.eu.set_fault(Fault::None);
    let (eu, us) = (world.eu.unwraps(), world.us.unwraps());
    keys.load().wait().unwrap();
    assert_eq!((world.eu.unwraps() - eu, world.us.unwraps() - us), (1, 0));
}

#[test]
fn a_failover_is_recorded() {
    events();
    let world = World::empty();
    let asia = TestKek::new(2);
    let builder = || world.without_keks().kek("asia", asia.clone()).kek("us", world.us.clone());
    let keys = builder().build().unwrap();
    keys.initialize().wait().unwrap();
    asia.set_fault(Fault::Fails(Unavailable));
    builder().build().unwrap().load().wait().unwrap();
    let told = told("asia");
    let expected = "KekFailed { kek: \"asia\", key_id: None, kind: KeyServiceUnavailable, error: ";
    assert!(told[0].starts_with(expected) && told[0].contains("on request"), "{}", told[0]);
}

#[test]
fn the_consistency_check_finds_a_divergent_wrap() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let found = keys.check_consistency().wait().unwrap();
    assert_eq!(
        (found.checked, found.problems.len()),
        (6, 0),
        "two keys and the store's, under two KEKs"
    );

    // What happens where somebody restores one region's key service: its KEK is another one.
    let diverged = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", TestKek::new(3))
        .build()
        .unwrap();
    diverged.load().wait().unwrap();
    let found = diverged.check_consistency().wait().unwrap();
    let problems: Vec<_> = found
        .problems
        .iter()
        .map(|problem| {
            (
                problem.key_id.map_or(0, encrypted_field::KeyId::get),
                problem.kek.as_deref().unwrap(),
                problem.error.as_ref().unwrap().kind(),
            )
        })
        .collect();
    let rejected = ErrorKind::WrappedKeyRejected;
    assert_eq!(problems, [(0, "us", rejected), (1, "us", rejected), (2, "us", rejected)]);

    // A KEK that wraps another key than the one it was given: it unwraps, to the wrong one.
    let swapped = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", TestKek::with_fault(1, Fault::Swaps))
        .build()
        .unwrap();
    swapped.load().wait().unwrap();
    let found = swapped.check_consistency().wait().unwrap();
    let error = found.problems[1].error.as_ref().unwrap();
    assert!(
        error.to_string().contains("another key than the one with this check value"),
        "{error}"
    );
}

/// Nothing is stored that could not be read again.
#[test]
fn a_kek_that_wraps_wrongly_makes_no_key() {
    let world = World::new();
    let before = world.store.backup();
    let keys = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", TestKek::with_fault(1, Fault::Swaps))
        .build()
        .unwrap();
    keys.load().wait().unwrap();
    assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::WrappedKeyRejected);
    world.clock.advance(90 * DAY);
    assert_kind(keys.maintain().wait(), ErrorKind::WrappedKeyRejected);
    let without_head = |mut records: Records| {
        records.remove(Record::HEAD);
        records
    };
    assert_eq!(
        without_head(world.store.backup()),
        without_head(before),
        "only the head was signed anew"
    );
}

#[test]
fn a_kek_is_added_and_one_left_out() {
    let world = World::new();
    let keys = world.loaded();
    for tenant in ["acme", "globex"] {
        keys.provision(tenant).wait().unwrap();
    }
    let stored = seal(&keys).unwrap();
    let asia = TestKek::new(2);

    let three = world.builder().kek("asia", asia.clone()).build().unwrap();
    three.load().wait().unwrap();
    assert_eq!(three.check_consistency().wait().unwrap().problems.len(), 4);
    assert!(
        three.maintain().wait().unwrap().rewrapped.is_empty(),
        "adding one is not done by itself"
    );
    assert_eq!(three.rewrap().wait().unwrap().keys, 3);
    assert_eq!(three.rewrap().wait().unwrap().keys, 0);
    assert_eq!(three.check_consistency().wait().unwrap().problems.len(), 0);
    assert_eq!(three.status().store.unwrap().keks, ["asia", "eu", "us"]);

    // A process of the old kind goes on, and opens the same values.
    keys.load().wait().unwrap();
    open(&keys, &stored).unwrap();

    // Two are left out, one after the other: the store has another key for its authentication each
    // time.
    let before = world.store.backup();
    let epoch = three.status().store.unwrap().epoch;
    world.clock.advance(MINUTE);
    let two =
        world.without_keks().kek("asia", asia.clone()).kek("eu", world.eu.clone()).build().unwrap();
    let confirmation = "leave out KEK us of test";
    assert_kind(two.leave_out_kek("us", "yes").wait(), ErrorKind::NotConfirmed);
    assert_kind(three.leave_out_kek("us", confirmation).wait(), ErrorKind::KeyLifecycle);
    assert_eq!(two.leave_out_kek("us", confirmation).wait().unwrap().keys, 3);
    assert_eq!(
        two.leave_out_kek("us", confirmation).wait().unwrap().keys,
        0,
        "again, without harm"
    );
    let one = world.without_keks().kek("asia", asia.clone()).build().unwrap();
    one.leave_out_kek("eu", "leave out KEK eu of test").wait().unwrap();
    let status = one.status().store.unwrap();
    assert_eq!(status.keks, ["asia"]);
    assert!(status.epoch > epoch);
    assert!(status.keys.iter().all(|key| key.keks == ["asia"]));
    let mac = |records: &Records| {
        let body: Value = serde_json::from_str(&records[Record::HEAD].body).unwrap();
        body["mac"].clone()
    };
    assert_ne!(mac(&before), mac(&world.store.backup()));
    one.load().wait().unwrap();
    open(&one, &stored).unwrap();
    assert_kind(keys.load().wait(), ErrorKind::KekUnusable);
    let none = one.leave_out_kek("asia", "leave out KEK asia of test").wait();
    assert_kind(none, ErrorKind::KeyLifecycle);
    world.without_keks().kek("asia", asia).build().unwrap().load().wait().unwrap();
}

/// Whoever had the KEK that was left out knows the store key of then, and signs a store with it:
/// newer than the real one, and wrapped under a KEK that is left, as it was before.
#[test]
fn a_kek_that_was_left_out_authenticates_nothing() {
    let world = World::new();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    let with_us = world.store.backup();
    world.clock.advance(MINUTE);
    let eu = || world.without_keks().kek("eu", world.eu.clone());
    let left = eu().build().unwrap();
    left.leave_out_kek("us", "leave out KEK us of test").wait().unwrap();
    let (after, status) = (world.store.backup(), left.status().store.unwrap());

    // He makes his store with this library, from the backup that he has, and makes the leaked key
    // active in it.
    world.store.restore(with_us);
    let forger = world.builder().build().unwrap();
    forger.load().wait().unwrap();
    let leaked = encrypted_field::KeyId::new(2).unwrap();
    forger.activate_at_once(leaked).wait().unwrap();
    while world.store.revision() <= status.revision {
        forger.provision(&format!("tenant-{}", world.store.revision())).wait().unwrap();
    }
    // A process that has seen the real one refuses it, and so does one that was told of it.
    assert_kind(left.load().wait(), ErrorKind::KeyStoreRolledBack);
    let told = eu().min_epoch(status.epoch).build().unwrap();
    assert_kind(told.load().wait(), ErrorKind::KeyStoreRolledBack);
    // He may say that it is of the later epoch, but the store key that he knows is not wrapped for
    // that.
    world.store.tamper(|records| {
        let head = records.get_mut(Record::HEAD).unwrap();
        let mut body: Value = serde_json::from_str(&head.body).unwrap();
        body["epoch"] = json!(status.epoch + 1);
        head.body = body.to_string();
    });
    assert_kind(told.load().wait(), ErrorKind::WrappedKeyRejected);
    world.store.restore(after);
    left.load().wait().unwrap();
    told.load().wait().unwrap();
}

/// An old deployment still has the KEK that was left out: its keys must not be wrapped under it
/// again.
#[test]
fn a_kek_that_was_left_out_does_not_come_back() {
    let world = World::new();
    let old = world.loaded();
    world.clock.advance(MINUTE);
    let eu = world.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    eu.leave_out_kek("us", "leave out KEK us of test").wait().unwrap();
    let id = old.publish("", Purpose::Field).wait().unwrap();
    old.provision("acme").wait().unwrap();
    old.maintain().wait().unwrap();
    let status = old.status().store.unwrap();
    assert!(status.keys.iter().all(|key| key.keks == ["eu"]), "{status:?}");
    assert_eq!(id.get(), 2);
}

/// A process with fewer KEKs than the store would make keys that others can't unwrap.
#[test]
fn a_process_without_all_of_the_keks_makes_no_keys() {
    let world = World::new();
    let eu = world.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    eu.load().wait().unwrap();
    let error = assert_kind(eu.publish("", Purpose::Field).wait(), ErrorKind::KekUnusable);
    assert!(
        error.to_string().contains("\"us\"") && error.to_string().contains("offline_kek"),
        "{error}"
    );

    // Unless somebody has said that it lies in a safe.
    let offline =
        world.without_keks().kek("eu", world.eu.clone()).offline_kek("us").build().unwrap();
    let id = offline.publish("", Purpose::Field).wait().unwrap();
    let keks = |keys: &encrypted_field::envelope::KeyManager| {
        keys.status().store.unwrap().keys.into_iter().find(|key| key.id == id).unwrap().keks
    };
    assert_eq!(keks(&offline), ["eu"]);
    let operator = world.loaded();
    assert_eq!(operator.rewrap().wait().unwrap().keys, 1);
    assert_eq!(keks(&operator), ["eu", "us"]);
}

/// A wrap that has diverged is made anew from one that has not, also that of the store key.
#[test]
fn divergent_wraps_are_repaired() {
    let world = World::new();
    world.loaded().provision("acme").wait().unwrap();
    // The us KEK was lost and made anew: another key under the same name.
    let other = TestKek::new(3);
    let with = || {
        world.without_keks().kek("eu", world.eu.clone()).kek("us", other.clone()).build().unwrap()
    };
    let keys = with();
    keys.load().wait().unwrap();
    let found = keys.check_consistency().wait().unwrap();
    assert_eq!((found.checked, found.problems.len()), (6, 3));
    assert_eq!(keys.rewrap().wait().unwrap().keys, 0, "they have their wraps, by name");
    assert_eq!(keys.repair().wait().unwrap().keys, 2);
    assert_eq!(keys.check_consistency().wait().unwrap().problems.len(), 0);
    // It alone is enough now.
    world.without_keks().kek("us", other.clone()).build().unwrap().load().wait().unwrap();
}

/// As the runbook has it, before a key service stops to unwrap what an older version of its key has
/// wrapped.
#[test]
fn wraps_are_renewed_under_another_name() {
    let world = World::new();
    let stored = seal(&world.loaded()).unwrap();
    let wraps = |world: &World| world.store.backup()[&process_record("")].body.clone();
    let before = wraps(&world);
    let both = world.builder().kek("eu-2027", world.eu.clone()).build().unwrap();
    assert_eq!(both.rewrap().wait().unwrap().keys, 1);
    let renewed = world
        .without_keks()
        .kek("eu-2027", world.eu.clone())
        .kek("us", world.us.clone())
        .build()
        .unwrap();
    renewed.leave_out_kek("eu", "leave out KEK eu of test").wait().unwrap();
    let body: Value = serde_json::from_str(&wraps(&world)).unwrap();
    assert!(
        !before.contains(body["keys"][0]["wraps"]["eu-2027"].as_str().unwrap()),
        "it is another wrap"
    );
    assert_eq!(renewed.status().store.unwrap().keks, ["eu-2027", "us"]);
    renewed.load().wait().unwrap();
    open(&renewed, &stored).unwrap();
}

#[test]
fn rewrapping_goes_on_where_it_was_stopped() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..600).map(|number| format!("tenant-{number}"))).wait().unwrap();
    let asia = TestKek::new(2);
    let three = world.builder().kek("asia", asia.clone()).build().unwrap();
    let failing = world
        .builder()
        .kek("asia", TestKek::with_fault(2, Fault::FailsAfter(300)))
        .build()
        .unwrap();
    assert_kind(failing.rewrap().wait(), ErrorKind::KeyServiceUnavailable);
    // Some changes of at most 256 keys were made, and everything loads as before.
    let with_asia = |keys: &encrypted_field::envelope::KeyManager| {
        let on_demand = all_on_demand(keys);
        let keys = keys.status().store.unwrap().keys.into_iter().chain(on_demand);
        keys.filter(|key| key.keks.contains(&"asia".to_owned())).count()
    };
    let now = world.loaded();
    let done = with_asia(&now);
    assert!((1..=300).contains(&done), "{done}");
    assert_eq!(now.status().store.unwrap().keks, ["eu", "us"]);
    assert_eq!(three.rewrap().wait().unwrap().keys, 601 - done);
    assert_eq!(with_asia(&three), 601);
    assert_eq!(three.check_consistency().wait().unwrap().checked, 3 * 602);
}

/// A tenant that comes while a region is down gets a key, and `maintain` adds what is missing.
#[test]
fn a_tenant_is_provisioned_while_a_region_is_down() {
    let world = World::new();
    let keys = world.loaded();
    world.us.set_fault(Fault::Fails(Unavailable));
    let id = keys.provision("acme").wait().unwrap();
    let keks = |keys: &encrypted_field::envelope::KeyManager| {
        all_on_demand(keys).into_iter().find(|key| key.id == id).unwrap().keks
    };
    assert_eq!(keks(&keys), ["eu"]);
    world.us.set_fault(Fault::None);
    world.clock.advance(MINUTE);
    assert_eq!(keys.maintain().wait().unwrap().rewrapped, [id]);
    assert_eq!(keks(&keys), ["eu", "us"]);
    assert_eq!(all_on_demand(&keys)[0].state, KeyState::Active);
}

/// A KEK that says it is not its key, where another says it is: the store is fine, the KEK is not.
#[test]
fn a_kek_that_rejects_is_passed_over() {
    let world = World::new();
    world.eu.set_fault(Fault::Fails(Rejected));
    let keys = world.loaded();
    seal(&keys).unwrap();
}
