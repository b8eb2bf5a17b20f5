//! Every way in which a key service or a store may fail: bounded time, the right kind, and recovery
//! without a restart.

use std::time::Duration;

use encrypted_field::envelope::BackendErrorKind::{
    Denied, Garbled, KeyUnusable, Misconfigured, Rejected, Throttled, Unavailable,
};
use encrypted_field::envelope::{CachePolicy, Status};
use encrypted_field::{ErrorKind, key::Purpose};

use crate::support::*;

#[test]
fn every_failure_of_a_key_service_has_its_kind_and_passes() {
    for (fault, kind, retryable) in [
        (Fault::Fails(Unavailable), ErrorKind::KeyServiceUnavailable, true),
        (Fault::Fails(Throttled), ErrorKind::KeyServiceUnavailable, true),
        (Fault::Fails(Garbled), ErrorKind::KeyServiceUnavailable, true),
        (Fault::Fails(Denied), ErrorKind::KeyServiceDenied, false),
        (Fault::Fails(Misconfigured), ErrorKind::KeyServiceDenied, false),
        (Fault::Fails(KeyUnusable), ErrorKind::KekUnusable, false),
        (Fault::Fails(Rejected), ErrorKind::WrappedKeyRejected, false),
        (Fault::Hangs, ErrorKind::KeyServiceUnavailable, true),
    ] {
        let world = World::new();
        let keys = world.loaded();
        let stored = seal(&keys).unwrap();
        for kek in [&world.eu, &world.us] {
            kek.set_fault(fault);
        }
        let fresh = world.process();
        for error in [
            assert_kind(fresh.load().wait(), kind),
            assert_kind(keys.load().wait(), kind),
            assert_kind(keys.publish("", Purpose::Field).wait(), kind),
        ] {
            assert_eq!(error.is_retryable(), retryable, "{fault:?}");
            assert!(error.to_string().contains("KEK \"eu\""), "{error}");
        }
        open(&keys, &stored).unwrap();
        for kek in [&world.eu, &world.us] {
            kek.set_fault(Fault::None);
        }
        for keys in [&fresh, &keys] {
            keys.load().wait().unwrap();
            open(keys, &stored).unwrap();
        }
        keys.publish("", Purpose::Field).wait().unwrap();
    }
}

#[test]
fn every_failure_of_a_store_has_its_kind_and_passes() {
    for (fault, kind, retryable) in [
        (Fault::Fails(Unavailable), ErrorKind::KeyStoreUnavailable, true),
        (Fault::Fails(Throttled), ErrorKind::KeyStoreUnavailable, true),
        (Fault::Fails(Denied), ErrorKind::KeyStoreUnusable, false),
        (Fault::Fails(Misconfigured), ErrorKind::KeyStoreUnusable, false),
        (Fault::Fails(Garbled), ErrorKind::KeyStoreTampered, false),
        (Fault::Hangs, ErrorKind::KeyStoreUnavailable, true),
    ] {
        let world = World::new();
        let keys = world.loaded();
        world.store.set_fault(fault);
        let fresh = world.process();
        for error in [
            assert_kind(fresh.load().wait(), kind),
            assert_kind(keys.load().wait(), kind),
            assert_kind(keys.provision("acme").wait(), kind),
        ] {
            assert_eq!(error.is_retryable(), retryable, "{fault:?}");
            assert!(error.to_string().contains("key store (memory)"), "{error}");
        }
        world.store.set_fault(Fault::None);
        fresh.load().wait().unwrap();
        // For a second or so those who sign up are told what has just failed.
        world.clock.advance(Duration::from_secs(1));
        keys.provision("acme").wait().unwrap();
    }
}

/// The change was made, and nobody said so.
#[test]
fn a_change_whose_answer_is_lost_is_known_again() {
    let world = World::new();
    let keys = world.loaded();
    world.store.set_fault(Fault::AnswerLost);
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    assert_eq!(id.get(), 2);
    assert_eq!(world.store.revision(), 2, "once");
    world.store.set_fault(Fault::None);
    assert_eq!(world.loaded().status().store.unwrap().keys.len(), 2);
}

/// The token runs out between the key that authenticates the store and the data keys.
#[test]
fn a_permission_that_is_missed_for_a_moment_breaks_no_key() {
    for kind in [Denied, KeyUnusable, Misconfigured, Unavailable] {
        let world = World::new();
        let keys = world.loaded();
        keys.provision("acme").wait().unwrap();
        let stored = seal(&keys).unwrap();
        let cold = world.loaded();
        for kek in [&world.eu, &world.us] {
            kek.set_fault(Fault::Fails(kind));
        }
        assert!(cold.scope("acme").wait().is_err(), "{kind:?}");
        for kek in [&world.eu, &world.us] {
            kek.set_fault(Fault::None);
        }
        keys.publish("", Purpose::Field).wait().unwrap();
        world.clock.advance(2 * Duration::from_secs(1));
        cold.scope("acme").wait().unwrap();
        cold.load().wait().unwrap();
        open(&cold, &stored).unwrap();
        assert_eq!(cold.keyring().unwrap().keys().count(), 2);
    }
}

/// A hundred requests of a tenant while the key service does not answer: one of them waits for it,
/// the others are told.
#[test]
fn a_failure_is_shared() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let cold = world.loaded();
    for kek in [&world.eu, &world.us] {
        kek.set_fault(Fault::Hangs);
    }
    let before = world.eu.unwraps();
    for _ in 0..100 {
        assert_kind(cold.scope("acme").wait(), ErrorKind::KeyServiceUnavailable);
    }
    assert_eq!(world.eu.unwraps() - before, 1);
}

/// The thread that nobody asks: one region can't wrap, and everything else works.
#[test]
fn a_rotation_that_fails_is_told() {
    let world = World::new();
    let cache = CachePolicy::default().refresh(Duration::from_millis(20));
    let keys = world.builder().cache(cache).build().unwrap();
    keys.start().wait().unwrap();
    world.us.set_fault(Fault::Fails(Unavailable));
    world.clock.advance(90 * DAY);
    let status_when = |is: fn(&Status) -> bool| {
        loop {
            let status = keys.status();
            if is(&status) {
                return status;
            }
            std::thread::yield_now();
        }
    };
    let failure =
        status_when(|status| status.maintenance_failure.is_some()).maintenance_failure.unwrap();
    assert!(failure.text.contains("KEK \"us\"") && failure.is_retryable, "{failure:?}");
    seal(&keys).unwrap();

    world.us.set_fault(Fault::None);
    let has_two =
        |status: &Status| status.store.as_ref().is_some_and(|store| store.keys.len() == 2);
    let status = status_when(has_two);
    assert_eq!(status.store.unwrap().keys[1].version, 2, "and it goes on by itself");
}

/// One key that can't be unwrapped any more does not take the others with it.
#[test]
fn one_broken_key_is_broken_alone() {
    use encrypted_field::EncryptedFieldExt as _;
    let world = World::new();
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    keys.create("slack", Purpose::Field).wait().unwrap();
    world.pass(PROPAGATION + MINUTE, &[&keys]);
    let slack = SlackToken::from(tests::secrets::BOT_TOKEN)
        .to_stored_text_with(&keys.keyring().unwrap())
        .unwrap();

    // A process whose only KEK is one that refuses that key.
    let fresh =
        world.without_keks().kek("eu", TestKek::with_fault(0, Fault::Rejects(2))).build().unwrap();
    fresh.load().wait().unwrap();
    open(&fresh, &stored).unwrap();
    let ring = fresh.keyring().unwrap();
    let error =
        assert_kind(SlackToken::from_stored_text_with(&ring, slack), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("does not unwrap"), "{error}");
    let sealed = SlackToken::from(tests::secrets::BOT_TOKEN).to_stored_text_with(&ring);
    assert_kind(sealed, ErrorKind::KeyUnusable);
}
