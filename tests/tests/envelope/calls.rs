//! What it costs in calls, as the documentation's table has it.

use encrypted_field::{EncryptedFieldExt as _, key::Purpose};

use crate::support::*;

#[test]
fn opening_a_hundred_thousand_values_asks_nobody() {
    opening_asks_nobody(100_000);
}

#[test]
#[ignore = "takes half a minute"]
fn opening_a_million_values_asks_nobody() {
    opening_asks_nobody(1_000_000);
}

fn opening_asks_nobody(times: usize) {
    let world = World::new();
    let keys = world.loaded();
    let ring = keys.keyring().unwrap();
    let stored = seal(&keys).unwrap();
    let before = (world.store.loads(), world.eu.unwraps(), world.us.unwraps());
    for _ in 0..times {
        Token::from_stored_text_with(&ring, stored.clone()).unwrap();
    }
    assert_eq!((world.store.loads(), world.eu.unwraps(), world.us.unwraps()), before);
}

#[test]
fn a_cold_start_unwraps_each_key_once_sixteen_at_a_time() {
    let world = World::new();
    let keys = world.loaded();
    for number in 0..999 {
        keys.create(&format!("scope-{number}"), Purpose::Field).wait().unwrap();
    }
    let (loads, eu, us) = (world.store.loads(), world.eu.unwraps(), world.us.unwraps());
    let cold = world.loaded();
    assert_eq!(world.store.loads() - loads, 2, "which scopes there are, and their keys");
    assert_eq!(world.eu.unwraps() - eu, 1001, "the store key and 1000 data keys");
    assert_eq!(world.us.unwraps(), us, "the second region is not asked");
    assert_eq!(world.eu.most_running(), 16);
    assert_eq!(cold.keyring().unwrap().keys().count(), 1000);

    // A refresh with nothing new is one call to each.
    let (loads, eu) = (world.store.loads(), world.eu.unwraps());
    cold.load().wait().unwrap();
    assert_eq!((world.store.loads() - loads, world.eu.unwraps() - eu), (1, 1));

    // And with one new key one more.
    keys.publish("", Purpose::Field).wait().unwrap();
    let (loads, eu) = (world.store.loads(), world.eu.unwraps());
    cold.load().wait().unwrap();
    assert_eq!((world.store.loads() - loads, world.eu.unwraps() - eu), (1, 2));
}

#[test]
fn a_rotation_takes_as_many_calls_as_the_table_says() {
    let world = World::new();
    let keys = world.loaded();
    let count = || {
        (
            world.store.loads(),
            world.store.swaps(),
            world.eu.wraps(),
            world.eu.unwraps(),
            world.us.unwraps(),
        )
    };
    let before = count();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    let after = count();
    // Unwraps: the store key, the trial of the new wrap, and the key as it was stored.
    assert_eq!(
        (
            after.0 - before.0,
            after.1 - before.1,
            after.2 - before.2,
            after.3 - before.3,
            after.4 - before.4
        ),
        (1, 1, 1, 3, 1)
    );
    world.clock.advance(PROPAGATION);
    let before = count();
    keys.activate(id).wait().unwrap();
    let after = count();
    // The store key, and the key as it was stored.
    assert_eq!(
        (after.0 - before.0, after.1 - before.1, after.2 - before.2, after.3 - before.3),
        (1, 1, 0, 2)
    );
    // Where nothing is due, `maintain` reads the store once and asks no key service.
    let before = count();
    keys.maintain().wait().unwrap();
    let after = count();
    assert_eq!((after.0 - before.0, after.1 - before.1, after.3 - before.3), (1, 0, 0));
}

#[test]
fn entering_a_scope_asks_once() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let fresh = world.loaded();
    let count = || (world.store.loads(), world.eu.unwraps());
    let before = count();
    fresh.scope("acme").wait().unwrap();
    // One read of the store, and the key.
    assert_eq!((count().0 - before.0, count().1 - before.1), (1, 1));
    let before = count();
    for _ in 0..1000 {
        fresh.scope("acme").wait().unwrap();
    }
    assert_eq!(count(), before);
}
