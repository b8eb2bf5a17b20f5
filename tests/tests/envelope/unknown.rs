//! Values that name keys which this process does not have.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use encrypted_field::envelope::{CachePolicy, Clock};
use encrypted_field::{ErrorKind, KeyId, key::Purpose};

use crate::support::*;

/// A value under key 2, which the other process does not know yet.
fn ahead() -> (World, encrypted_field::envelope::KeyManager, String) {
    let world = World::new();
    let behind = world.loaded();
    let keys = world.loaded();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(id).wait().unwrap();
    (world, behind, seal(&keys).unwrap())
}

#[test]
fn a_key_that_is_not_loaded_is_told_from_one_that_is_not_there() {
    let (world, behind, stored) = ahead();
    let error = assert_kind(open(&behind, &stored), ErrorKind::KeyNotLoaded);
    assert!(error.is_retryable());
    assert_eq!(error.key_id().map(KeyId::get), Some(2));
    let asked = (world.store.loads(), world.eu.unwraps());
    assert_kind(open(&behind, &stored), ErrorKind::KeyNotLoaded);
    assert_eq!((world.store.loads(), world.eu.unwraps()), asked, "opening asks nobody");

    behind.load().wait().unwrap();
    open(&behind, &stored).unwrap();
    // An id beyond all that were given is looked for once, and is not there then.
    let forged = stored.replacen("ef1:2:", "ef1:77:", 1);
    assert_kind(open(&behind, &forged), ErrorKind::KeyNotLoaded);
    world.clock.advance(Duration::from_secs(1));
    behind.load().wait().unwrap();
    let error = assert_kind(open(&behind, &forged), ErrorKind::UnknownKey);
    assert!(!error.is_retryable());
    // An id that the store passed over can't be one.
    let pending = behind.publish("", Purpose::Field).wait().unwrap();
    assert_eq!(pending.get(), 3);
}

/// A ring that was taken before a refresh finds keys that came with it.
#[test]
fn an_older_ring_finds_keys_that_came_later() {
    let (_world, behind, stored) = ahead();
    let ring = behind.keyring().unwrap();
    assert_kind(opens(&ring, &stored), ErrorKind::KeyNotLoaded);
    behind.load().wait().unwrap();
    opens(&ring, &stored).unwrap();
}

/// With the thread that refreshes, and the time of the machine: no interval passes in this test, so
/// that what is loaded was asked for.
#[test]
fn an_unknown_key_wakes_a_refresh_and_may_be_waited_for() {
    let world = World { clock: Clock::system(), ..World::empty() };
    world.process().initialize().wait().unwrap();
    let cache = CachePolicy::default().wait_for_unknown(Duration::from_mins(1));
    let waiting = world.builder().cache(cache).build().unwrap();
    waiting.start().wait().unwrap();
    let keys = world.loaded();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(id).wait().unwrap();
    let stored = seal(&keys).unwrap();
    open(&waiting, &stored).unwrap();

    // Without waiting it is there a moment later.
    let hasty = world.process();
    hasty.start().wait().unwrap();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(id).wait().unwrap();
    let stored = seal(&keys).unwrap();
    assert!(hasty.keyring().unwrap().get(id.get()).is_none(), "no interval has passed");
    while let Err(error) = open(&hasty, &stored) {
        assert_eq!(error.kind(), ErrorKind::KeyNotLoaded, "{error}");
        std::thread::yield_now();
    }
}

/// Forged ids wake few refreshes, and real ones are loaded by any of them.
#[test]
fn forged_ids_neither_flood_the_key_service_nor_hold_up_real_ones() {
    let world = World { clock: Clock::system(), ..World::empty() };
    world.process().initialize().wait().unwrap();
    let keys = world.process();
    keys.start().wait().unwrap();
    let other = world.loaded();
    let stored = seal(&other).unwrap();
    let (before, stop) = (world.eu.unwraps(), AtomicBool::new(false));
    let loads = std::thread::scope(|threads| {
        threads.spawn(|| {
            let mut id = 1000;
            while !stop.load(Ordering::Relaxed) {
                let forged = stored.replacen("ef1:1:", &format!("ef1:{id}:"), 1);
                assert!(open(&keys, &forged).is_err());
                id += 1;
            }
        });
        let id = other.publish("", Purpose::Field).wait().unwrap();
        other.activate_at_once(id).wait().unwrap();
        let real = seal(&other).unwrap();
        let loads = world.eu.unwraps();
        while open(&keys, &real).is_err() {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
        world.eu.unwraps() - loads
    });
    // Publishing and activating took a few itself. Thousands of forged ids took a refresh a second
    // at most.
    assert!(loads <= 6, "{loads} calls");
    assert!(world.eu.unwraps() - before < 30);
}

/// In real time, because the thread's pauses are: 10 seconds.
#[test]
#[ignore = "takes 10 seconds"]
fn ten_seconds_of_forged_ids_make_few_calls() {
    let world = World { clock: Clock::system(), ..World::empty() };
    world.process().initialize().wait().unwrap();
    let cache = CachePolicy::default().check_keks_every(Duration::ZERO);
    let keys = world.builder().cache(cache).build().unwrap();
    keys.start().wait().unwrap();
    let stored = seal(&keys).unwrap();
    let (before, began) = (world.eu.unwraps(), std::time::Instant::now());
    let mut id = 1000;
    while began.elapsed() < Duration::from_secs(10) {
        let forged = stored.replacen("ef1:1:", &format!("ef1:{id}:"), 1);
        assert!(open(&keys, &forged).is_err());
        id += 1;
    }
    let calls = world.eu.unwraps() - before;
    println!("{} forged values, {calls} calls to the key service", id - 1000);
    // At once, and after at most 1, 2, 4 and 8 s, at least half of that.
    assert!((1..=5).contains(&calls), "{calls} calls");
}
