//! A key service that fails while many ask: it is asked seldom, and whoever waits is told soon.

use std::time::{Duration, Instant};

use encrypted_field::envelope::BackendErrorKind::{Denied, Unavailable};
use encrypted_field::envelope::{CachePolicy, KeyManager};
use encrypted_field::{EncryptedFieldExt as _, ErrorKind};
use tests::secrets;

use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);

/// Tenants, and keys that have expired.
fn expired(tenants: usize) -> (World, KeyManager) {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..tenants).map(|number| format!("tenant-{number}"))).wait().unwrap();
    world.clock.advance(60 * MINUTE);
    (world, keys)
}

fn fail(world: &World, fault: Fault) {
    world.eu.set_fault(fault);
    world.us.set_fault(fault);
}

#[test]
fn those_who_wait_for_a_service_that_hangs_share_one_attempt() {
    let (world, keys) = expired(20);
    fail(&world, Fault::Hangs);
    let (before, began) = (world.eu.unwraps(), Instant::now());
    std::thread::scope(|threads| {
        for number in 0..20 {
            let keys = &keys;
            threads.spawn(move || {
                let entered = keys.scope(&format!("tenant-{number}")).wait();
                let error = assert_kind(entered, ErrorKind::KeyServiceUnavailable);
                assert!(
                    error.is_retryable() && error.to_string().contains("KEK \"eu\""),
                    "{error}"
                );
            });
        }
    });
    assert_eq!(world.eu.unwraps() - before, 1, "20 requests, one call");
    // One after the other they would take 20 times as long: the two KEKs have 100 ms each. (A bound
    // against hanging for ever, not a measurement.)
    assert!(began.elapsed() < 20 * Duration::from_millis(200));
}

#[test]
fn a_flood_of_requests_after_expiry_makes_few_calls() {
    let (world, keys) = expired(1);
    fail(&world, Fault::Fails(Unavailable));
    let before = world.eu.unwraps();
    let mut calls = Vec::new();
    for _ in 0..100 {
        for _ in 0..100 {
            assert_kind(keys.scope("tenant-0").wait(), ErrorKind::KeyServiceUnavailable);
        }
        calls.push(world.eu.unwraps() - before);
        world.clock.advance(SECOND);
    }
    // 10,000 requests in 100 s. Attempts come after at most 1, 2, 4, 8, 16 and 30 s, at least half
    // of that.
    assert_eq!(calls[0], 1);
    assert!(calls[99] >= 5, "{calls:?}: it is tried again");
    assert!(calls[99] <= 14, "{calls:?}: less and less often");

    world.eu.set_fault(Fault::None);
    world.clock.advance(30 * SECOND);
    keys.scope("tenant-0").wait().unwrap();
}

/// The thread, or whoever calls `load`, has found the service out of order: nobody tries again at
/// once.
#[test]
fn what_a_refresh_has_found_out_is_told_to_those_who_enter_scopes() {
    let (world, keys) = expired(1);
    fail(&world, Fault::Fails(Denied));
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceDenied);
    let before = world.eu.unwraps();
    let error = assert_kind(keys.scope("tenant-0").wait(), ErrorKind::KeyServiceDenied);
    assert!(!error.is_retryable() && error.to_string().contains("a moment ago"), "{error}");
    assert_eq!(world.eu.unwraps(), before);
    // Whoever says `load` means it.
    fail(&world, Fault::None);
    keys.load().wait().unwrap();
    keys.scope("tenant-0").wait().unwrap();
}

#[test]
fn many_tenants_do_not_each_try_a_service_that_is_out_of_reach() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..100).map(|number| format!("tenant-{number}"))).wait().unwrap();
    fail(&world, Fault::Fails(Unavailable));
    let before = world.eu.unwraps();
    for number in 0..100 {
        assert_kind(
            keys.scope(&format!("tenant-{number}")).wait(),
            ErrorKind::KeyServiceUnavailable,
        );
    }
    assert_eq!(
        world.eu.unwraps() - before,
        3,
        "after three in a row it is the service, and not the tenant"
    );
    fail(&world, Fault::None);
    world.clock.advance(SECOND);
    for number in 0..100 {
        keys.scope(&format!("tenant-{number}")).wait().unwrap();
    }
}

/// One tenant's broken key is nobody else's trouble.
#[test]
fn a_tenant_that_can_not_be_loaded_keeps_no_other_out() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..10).map(|number| format!("tenant-{number}"))).wait().unwrap();
    world.store.set_fault(Fault::Fails(Denied));
    for number in 0..5 {
        let error = assert_kind(
            keys.scope(&format!("tenant-{number}")).wait(),
            ErrorKind::KeyStoreUnusable,
        );
        assert!(!error.is_retryable());
    }
    world.store.set_fault(Fault::None);
    keys.scope("tenant-9").wait().unwrap();
}

#[test]
fn many_who_enter_one_tenant_load_it_once() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let (loads, unwraps) = (world.store.loads(), world.eu.unwraps());
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| keys.scope("acme").wait().unwrap());
        }
    });
    assert_eq!((world.store.loads() - loads, world.eu.unwraps() - unwraps), (1, 1));

    // And where the store does not answer, they are told so together.
    keys.provision("globex").wait().unwrap();
    world.store.set_fault(Fault::Hangs);
    let loads = world.store.loads();
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads
                .spawn(|| assert_kind(keys.scope("globex").wait(), ErrorKind::KeyStoreUnavailable));
        }
    });
    assert!(world.store.loads() - loads <= 3, "{} reads", world.store.loads() - loads);
}

/// Keys that have expired because the store was set back don't come back by waiting.
#[test]
fn expiry_is_retryable_only_where_its_cause_is() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", encrypted_field::key::Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    assert!(!assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack).is_retryable());
    world.clock.advance(60 * MINUTE);
    let error = assert_kind(seal(&keys), ErrorKind::KeysExpired);
    assert!(!error.is_retryable() && error.to_string().contains("set back"), "{error}");

    let (world, keys) = expired(1);
    fail(&world, Fault::Fails(Unavailable));
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable);
    assert!(assert_kind(seal(&keys), ErrorKind::KeysExpired).is_retryable());
}

/// Anybody may send a cookie that names a key: it asks for nothing, and nobody waits for it.
#[test]
fn a_detached_value_under_an_unknown_key_asks_only_where_that_was_said() {
    let world = World { clock: encrypted_field::envelope::Clock::system(), ..World::empty() };
    world.process().initialize().wait().unwrap();
    let patient = || CachePolicy::default().wait_for_unknown(60 * MINUTE);
    let keys = world.builder().cache(patient()).build().unwrap();
    let asking = world.builder().cache(patient().detached_may_ask()).build().unwrap();
    for keys in [&keys, &asking] {
        keys.start().wait().unwrap();
    }
    let other = world.loaded();
    let id = other.publish("", encrypted_field::key::Purpose::Field).wait().unwrap();
    other.activate_at_once(id).wait().unwrap();
    let ring = other.keyring().unwrap();
    let cookie = Token::from(secrets::BOT_TOKEN).seal_text_with(&ring).unwrap();

    let before = world.eu.unwraps();
    let ring = keys.keyring().unwrap();
    for id in 3..1000 {
        let forged = cookie.replacen("ef1:2:", &format!("ef1:{id}:"), 1);
        let error = assert_kind(Token::open_text_with(&ring, &forged), ErrorKind::KeyNotLoaded);
        assert!(error.is_retryable() && error.to_string().contains("next refresh"), "{error}");
    }
    assert_kind(Token::open_text_with(&ring, &cookie), ErrorKind::KeyNotLoaded);
    assert_eq!(world.eu.unwraps(), before, "nobody was asked");
    // The refresh that is due next answers.
    keys.load().wait().unwrap();
    Token::open_text_with(&ring, &cookie).unwrap();
    let forged = cookie.replacen("ef1:2:", "ef1:900:", 1);
    assert_kind(Token::open_text_with(&ring, &forged), ErrorKind::UnknownKey);

    // With the option it is waited for.
    Token::open_text_with(&asking.keyring().unwrap(), &cookie).unwrap();
}

/// A tenant may have a key service of its own.
#[test]
fn a_tenant_whose_key_service_is_down_keeps_no_other_out() {
    let world = World::new();
    world.loaded().provision_all(["bad", "good"]).wait().unwrap();
    world.eu.set_fault(Fault::FailsFor("bad"));
    let keys = world.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    keys.load().wait().unwrap();
    for _ in 0..10 {
        assert_kind(keys.scope("bad").wait(), ErrorKind::KeyServiceUnavailable);
    }
    keys.scope("good").wait().unwrap();
}

#[test]
fn a_burst_of_failures_is_one_and_ends_with_the_outage() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..41).map(|number| format!("tenant-{number}"))).wait().unwrap();
    fail(&world, Fault::Hangs);
    std::thread::scope(|threads| {
        for number in 0..40 {
            let keys = &keys;
            threads.spawn(move || keys.scope(&format!("tenant-{number}")).wait().unwrap_err());
        }
    });
    let status = keys.status();
    let text = status.problems.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("scopes can't be loaded"), "{text}");
    fail(&world, Fault::None);
    // At most a second after it is over, however many have failed.
    world.clock.advance(SECOND);
    keys.scope("tenant-40").wait().unwrap();

    // And a refresh that succeeds shows that it is over.
    let keys = world.loaded();
    fail(&world, Fault::Fails(Unavailable));
    for number in 0..5 {
        assert_kind(
            keys.scope(&format!("tenant-{number}")).wait(),
            ErrorKind::KeyServiceUnavailable,
        );
    }
    fail(&world, Fault::None);
    assert_kind(keys.scope("tenant-1").wait(), ErrorKind::KeyServiceUnavailable);
    keys.load().wait().unwrap();
    keys.scope("tenant-1").wait().unwrap();
    let text = keys.status().problems.iter().map(ToString::to_string).collect::<String>();
    assert!(!text.contains("scopes can't be loaded"), "{text}");
}

/// Code that is not ours may panic: it is an answer as any other.
#[test]
fn a_key_service_that_panics_is_out_of_reach() {
    let (world, keys) = expired(1);
    fail(&world, Fault::Panics);
    let before = world.eu.unwraps();
    for _ in 0..50 {
        let error = assert_kind(keys.scope("tenant-0").wait(), ErrorKind::KeyServiceUnavailable);
        assert!(error.to_string().contains("panicked"), "{error}");
    }
    assert_eq!(world.eu.unwraps() - before, 1);
    let fresh = world.process();
    assert_kind(fresh.start().wait(), ErrorKind::KeyServiceUnavailable);
    assert_kind(fresh.keyring(), ErrorKind::KeyServiceUnavailable);
    assert!(fresh.status().refresh_failure.unwrap().text.contains("panicked"));
}

/// Anybody may sign up, and as often as he likes.
#[test]
fn sign_ups_on_a_service_that_hangs_share_one_attempt() {
    let (world, keys) = expired(1);
    fail(&world, Fault::Hangs);
    let (before, began) = (world.eu.wraps() + world.eu.unwraps(), Instant::now());
    std::thread::scope(|threads| {
        for number in 0..20 {
            let keys = &keys;
            threads.spawn(move || keys.provision(&format!("new-{number}")).wait().unwrap_err());
        }
        let error = assert_kind(keys.scope("tenant-0").wait(), ErrorKind::KeyServiceUnavailable);
        assert!(error.is_retryable(), "{error}");
    });
    let calls = world.eu.wraps() + world.eu.unwraps() - before;
    assert!(calls <= 2, "{calls} calls");
    assert!(began.elapsed() < 20 * Duration::from_millis(200));
}

/// Anybody may ask for tenants that are not there: that keeps nobody out when an outage is over.
#[test]
fn names_that_are_made_up_do_not_prolong_an_outage() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..4).map(|number| format!("tenant-{number}"))).wait().unwrap();
    fail(&world, Fault::Fails(Unavailable));
    for number in 0..3 {
        assert_kind(
            keys.scope(&format!("tenant-{number}")).wait(),
            ErrorKind::KeyServiceUnavailable,
        );
    }
    fail(&world, Fault::None);
    world.clock.advance(SECOND);
    for number in 0..10 {
        assert_kind(keys.scope(&format!("made-up-{number}")).wait(), ErrorKind::NoActiveKey);
    }
    keys.scope("tenant-3").wait().unwrap();

    // Nor do those who sign up under a name that is taken.
    fail(&world, Fault::Fails(Unavailable));
    assert_kind(keys.provision("new").wait(), ErrorKind::KeyServiceUnavailable);
    fail(&world, Fault::None);
    world.clock.advance(SECOND);
    for _ in 0..3 {
        assert_kind(keys.provision("tenant-0").wait(), ErrorKind::KeyLifecycle);
    }
    keys.provision("new").wait().unwrap();
}
