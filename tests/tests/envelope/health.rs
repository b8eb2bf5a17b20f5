//! What a health check is told.

use std::time::Duration;

use encrypted_field::envelope::BackendErrorKind::Unavailable;
use encrypted_field::envelope::{
    Anchor, CachePolicy, Health, KeyManager, RestoredStore, RotationPolicy, Status,
};
use encrypted_field::{ErrorKind, key::Purpose};

use crate::support::*;

/// The texts of all problems.
fn problems(status: &Status) -> String {
    status.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The status, once it is as a test waits for: the thread makes it so.
fn when(keys: &KeyManager, is: impl Fn(&Status) -> bool) -> Status {
    loop {
        let status = keys.status();
        if is(&status) {
            return status;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_manager_that_has_loaded_is_healthy_since_then() {
    let world = World::new();
    let keys = world.process();
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Failing, None));
    assert!(problems(&status).contains("call `install` or `load`"), "{}", problems(&status));

    keys.load().wait().unwrap();
    let (status, loaded) = (keys.status(), world.now());
    assert_eq!((status.health, status.since), (Health::Healthy, Some(loaded)));
    assert!(status.problems.is_empty());
    assert_eq!((status.confirmed, status.expires), (Some(loaded), Some(loaded + 60 * MINUTE)));
    assert_eq!(status.next_rotation, Some(loaded + 90 * DAY));
    assert_eq!((status.head_age, status.oldest_head), (Some(Duration::ZERO), Some(Duration::ZERO)));
    let keks: Vec<_> =
        status.keks.iter().map(|kek| (&*kek.name, kek.is_in_store, kek.answered)).collect();
    assert_eq!(keks, [("eu", true, Some(loaded)), ("us", true, None)]);
    assert_eq!(status.keks[0].service.as_deref(), Some("a test's"));

    // A key that was published becomes active sooner.
    keys.publish("", Purpose::Field).wait().unwrap();
    assert_eq!(keys.status().next_rotation, Some(loaded + PROPAGATION));
}

#[test]
fn a_start_that_failed_says_why_and_not_what_was_done_already() {
    let world = World::new();
    world.eu.set_fault(Fault::Fails(Unavailable));
    let keys = world.without_keks().kek("eu", world.eu.clone()).build().unwrap();
    let began = world.now();
    assert_kind(keys.start().wait(), ErrorKind::KeyServiceUnavailable);
    world.clock.advance(MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyServiceUnavailable);
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Failing, Some(began)));
    let text = problems(&status);
    assert!(text.contains("could not be loaded") && text.contains("on request"), "{text}");
    let error = assert_kind(keys.keyring(), ErrorKind::KeyServiceUnavailable);
    for text in [text, error.to_string()] {
        assert!(!text.contains("call `"), "{text}");
    }
}

#[test]
fn an_outage_is_told_from_its_first_moment_to_its_end() {
    let world = World::named("health-1");
    let keys = world.loaded();
    world.clock.advance(10 * MINUTE);
    let began = world.now();
    world.store.set_fault(Fault::Fails(Unavailable));
    for _ in 0..3 {
        assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnavailable);
        world.clock.advance(5 * MINUTE);
    }
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Degraded, Some(began)));
    let failure = status.refresh_failure.clone().unwrap();
    assert_eq!((failure.since, failure.last), (began, began + 10 * MINUTE));
    assert_eq!(failure.kind, ErrorKind::KeyStoreUnavailable);
    assert!(problems(&status).contains("expire at 2026-01-01T01:00:00Z"), "{}", problems(&status));
    assert!(
        told("health-1")
            .iter()
            .any(|told| told.starts_with("RefreshFailed") && told.contains("on request"))
    );

    // Past the hour nothing works any more, since it was over.
    world.clock.advance(60 * MINUTE);
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Failing, status.expires));

    world.store.set_fault(Fault::None);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    let status = keys.status();
    assert_eq!(
        (status.health, status.since),
        (Health::Healthy, Some(world.now())),
        "{}",
        problems(&status)
    );
    assert!(status.refresh_failure.is_none());
}

#[test]
fn a_store_that_nobody_signs_is_told_before_and_after_it_freezes() {
    let world = World::new();
    let keys = world.loaded();
    world.clock.advance(59 * MINUTE);
    keys.load().wait().unwrap();
    assert_eq!(keys.status().head_age, Some(59 * MINUTE));
    world.clock.advance(2 * MINUTE);
    let status = keys.status();
    assert!(status.is_frozen);
    assert_eq!((status.health, status.since), (Health::Failing, Some(world.now() - MINUTE)));
    assert!(problems(&status).contains("maintain"), "{}", problems(&status));

    keys.maintain().wait().unwrap();
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Healthy, Some(world.now())));
    assert_eq!((status.head_age, status.oldest_head), (Some(Duration::ZERO), Some(61 * MINUTE)));
}

/// A process that was forked has no thread, and one that has only loaded has none either.
#[test]
fn keys_that_nobody_refreshes_are_told_before_they_expire() {
    let world = World::new();
    let keys = world.loaded();
    world.clock.advance(10 * MINUTE);
    assert_eq!(keys.status().health, Health::Healthy);
    world.clock.advance(MINUTE);
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Degraded, status.confirmed));
    assert!(problems(&status).contains("`fork`"), "{}", problems(&status));
    keys.load().wait().unwrap();
    assert_eq!(keys.status().since, Some(world.now()), "healthy since it was refreshed");
}

/// The first KEK answers all that is asked, so nobody would notice until it goes, too.
#[test]
fn a_second_kek_that_is_dead_is_noticed_by_the_thread() {
    let world = World::new();
    let cache = CachePolicy::default().refresh(Duration::from_millis(20));
    let keys = world.builder().cache(cache).build().unwrap();
    world.us.set_fault(Fault::Fails(Unavailable));
    keys.start().wait().unwrap();
    let found = world.now();
    let status = when(&keys, |status| status.keks_checked.is_some());
    assert_eq!((status.health, status.since), (Health::Degraded, Some(found)));
    let text = problems(&status);
    assert!(text.contains("the KEK \"us\" does not work") && text.contains("on request"), "{text}");
    assert!(status.keks[1].failure.is_some() && status.keks[0].failure.is_none());
    seal(&keys).unwrap();

    // A day later it is tried again. One key's wrap is of no use now.
    world.us.set_fault(Fault::Rejects(1));
    world.clock.advance(DAY);
    let status = when(&keys, |status| status.keks_checked == Some(found + DAY));
    let text = problems(&status);
    assert!(
        text.contains("the wrap of key 1 under the KEK \"us\"") && text.contains("repair"),
        "{text}"
    );
    assert!(status.keks[1].failure.is_none(), "it answers");

    world.us.set_fault(Fault::None);
    world.clock.advance(DAY);
    // The turn that tried the KEKs may have refreshed before the clock moved.
    let later = Some(found + 2 * DAY);
    let status = when(&keys, |status| status.keks_checked == later && status.confirmed == later);
    assert_eq!(status.health, Health::Healthy, "{}", problems(&status));
}

/// What `costs.md` says of it.
#[test]
fn trying_each_kek_costs_a_call_for_each_key() {
    let world = World::new();
    world.loaded().create("slack", Purpose::Field).wait().unwrap();
    let cache = CachePolicy::default().refresh(Duration::from_millis(20));
    let keys = world.builder().cache(cache).build().unwrap();
    let before = world.us.unwraps();
    keys.start().wait().unwrap();
    assert_eq!(world.us.unwraps(), before, "the first KEK answers all else");
    when(&keys, |status| status.keks_checked.is_some());
    // Many turns later, and less than a day.
    for _ in 0..5 {
        world.clock.advance(MINUTE);
        let now = world.now();
        when(&keys, |status| status.confirmed == Some(now));
    }
    assert_eq!(world.us.unwraps() - before, 1 + 2, "the store key and two keys");
}

/// What was found is tried again each time, so that it is told for as long as it is so.
#[test]
fn what_is_mended_is_told_no_longer() {
    let world = World::new();
    let cache = CachePolicy::default().refresh(Duration::from_millis(20));
    let keys = world.builder().cache(cache).build().unwrap();
    world.us.set_fault(Fault::Fails(Unavailable));
    keys.start().wait().unwrap();
    when(&keys, |status| status.keks_checked.is_some());
    world.clock.advance(MINUTE);
    world.us.set_fault(Fault::None);
    let status = when(&keys, |status| status.health == Health::Healthy);
    assert_eq!(status.since, Some(world.now()), "since it was mended");

    // A wrap that is of no use stays so while the KEK does not answer.
    world.us.set_fault(Fault::Rejects(1));
    world.clock.advance(DAY);
    let found = world.now();
    when(&keys, |status| problems(status).contains("`repair`"));
    world.us.set_fault(Fault::Fails(Unavailable));
    world.clock.advance(MINUTE);
    let status = when(&keys, |status| problems(status).contains("does not work"));
    assert!(problems(&status).contains("`repair`"), "{}", problems(&status));
    assert_eq!(status.since, Some(found));
    world.us.set_fault(Fault::None);
    keys.repair().wait().unwrap();
    when(&keys, |status| status.health == Health::Healthy);
}

/// A KEK may unwrap and not wrap, which the next rotation would find out.
#[test]
fn a_kek_that_may_not_wrap_is_told_until_it_does() {
    let world = World::new();
    let keys = world.loaded();
    let began = world.now();
    world.us.set_fault(Fault::WrapsNothing);
    assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::KeyServiceDenied);
    world.clock.advance(MINUTE);
    keys.check_consistency().wait().unwrap();
    let status = keys.status();
    assert_eq!(
        (status.health, status.since),
        (Health::Degraded, Some(began)),
        "it has unwrapped meanwhile"
    );
    world.us.set_fault(Fault::None);
    keys.publish("", Purpose::Field).wait().unwrap();
    let status = keys.status();
    assert_eq!((status.health, status.since), (Health::Healthy, Some(world.now())));
}

/// An account that may read it and not write keeps it from protecting anybody.
#[test]
fn an_anchor_that_can_not_be_raised_is_told_though_it_can_be_read() {
    let (world, paper, keys) = crate::lost::with_anchor("health-2");
    paper.set_read_only(true);
    keys.publish("", Purpose::Field).wait().unwrap();
    keys.load().wait().unwrap();
    let status = keys.status();
    assert_eq!(status.health, Health::Degraded);
    assert!(problems(&status).contains("the anchor does not work"), "{}", problems(&status));
    assert_eq!(status.anchor_failure.unwrap().since, world.now());
    paper.set_read_only(false);
    keys.provision("acme").wait().unwrap();
    assert_eq!(keys.status().health, Health::Healthy);
}

/// Tenants' keys count as others do, and a key that is broken as one that is missing.
#[test]
fn keys_of_tenants_and_broken_ones_are_told() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let by_hand = || world.builder().rotation(RotationPolicy::by_hand()).build().unwrap();
    world.clock.advance(98 * DAY);
    let signer = by_hand();
    signer.load().wait().unwrap();
    signer.maintain().wait().unwrap();
    let id = signer.publish("", Purpose::Field).wait().unwrap();
    signer.activate_at_once(id).wait().unwrap();
    keys.load().wait().unwrap();
    keys.scope("acme").wait().unwrap();
    let status = keys.status();
    assert_eq!(status.health, Health::Degraded);
    let text = problems(&status);
    assert!(text.contains("sealing no more: key 2 of scope \"acme\""), "{text}");
    assert!(status.can_open && status.can_seal);

    let world = World::new();
    world.loaded().provision("acme").wait().unwrap();
    world.eu.set_fault(Fault::Rejects(2));
    world.us.set_fault(Fault::Rejects(2));
    let keys = world.loaded();
    assert!(keys.scope("acme").wait().is_ok());
    let text = problems(&keys.status());
    assert!(text.contains("their values don't open: key 2 of scope \"acme\""), "{text}");

    // The only one there is.
    let world = World::new();
    world.eu.set_fault(Fault::Rejects(1));
    world.us.set_fault(Fault::Rejects(1));
    let status = world.loaded().status();
    assert_eq!((status.health, status.can_open, status.can_seal), (Health::Failing, true, false));
}

/// A scope that can't be refreshed expires, and others don't.
#[test]
fn a_scope_that_can_not_be_refreshed_is_told() {
    let world = World::new();
    let (keys, other) = (world.loaded(), world.loaded());
    keys.provision("acme").wait().unwrap();
    keys.scope("acme").wait().unwrap();
    let began = world.now();
    let next = other.publish("acme", Purpose::Field).wait().unwrap();
    world.eu.set_fault(Fault::FailsFor("acme"));
    world.us.set_fault(Fault::FailsFor("acme"));
    keys.load().wait().unwrap();
    let status = keys.status();
    assert!(
        problems(&status).contains("scope \"acme\" can't be refreshed"),
        "{}",
        problems(&status)
    );
    assert_eq!((status.health, status.since), (Health::Degraded, Some(began)));
    for kek in [&world.eu, &world.us] {
        kek.set_fault(Fault::None);
    }
    keys.load().wait().unwrap();
    assert!(!problems(&keys.status()).contains("scope"), "{}", problems(&keys.status()));
    assert_eq!(next.get(), 3);
}

/// That a store was set back stays the cause, whatever fails after it.
#[test]
fn what_fails_later_does_not_hide_that_a_store_was_set_back() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    world.store.set_fault(Fault::Fails(Unavailable));
    world.clock.advance(60 * MINUTE);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnavailable);
    assert!(problems(&keys.status()).contains("set back"), "{}", problems(&keys.status()));
    let error = assert_kind(seal(&keys), ErrorKind::KeysExpired);
    assert!(!error.is_retryable() && error.to_string().contains("set back"), "{error}");
}

/// Times without an end are times, too.
#[test]
fn a_status_is_given_whatever_the_policies_are() {
    let world = World::new();
    let keys = world.builder().rotation(RotationPolicy::every(Duration::MAX)).build().unwrap();
    keys.load().wait().unwrap();
    assert_eq!(keys.status().next_rotation, None);

    world.clock.advance(MINUTE);
    let cache =
        CachePolicy::default().refresh(Duration::from_millis(20)).check_keks_every(Duration::MAX);
    let keys = world.builder().cache(cache).build().unwrap();
    keys.start().wait().unwrap();
    when(&keys, |status| status.keks_checked.is_some());
    for _ in 0..3 {
        world.clock.advance(MINUTE);
        let now = world.now();
        let status = when(&keys, |status| status.confirmed == Some(now));
        assert_eq!(status.health, Health::Healthy, "{}", problems(&status));
    }
}

#[test]
fn what_is_not_wrapped_under_a_kek_is_told() {
    let world = World::new();
    let three = || world.builder().kek("asia", TestKek::new(2));
    let keys = three().build().unwrap();
    keys.load().wait().unwrap();
    let status = keys.status();
    assert_eq!(status.health, Health::Degraded);
    let missing: Vec<_> = status
        .missing_wraps
        .iter()
        .map(|missing| (&*missing.kek, missing.store_key, missing.keys.len()))
        .collect();
    assert_eq!(missing, [("asia", true, 1)]);
    assert!(
        problems(&status)
            .contains("KEK \"asia\": key 1, the key that authenticates the store; `rewrap`")
    );
    keys.rewrap().wait().unwrap();
    assert_eq!(keys.status().health, Health::Healthy);

    // A process without it makes no keys, unless that is meant.
    let two = world.loaded();
    let status = two.status();
    assert!(problems(&status).contains("offline_kek"), "{}", problems(&status));
    let two = world.builder().offline_kek("asia").build().unwrap();
    two.load().wait().unwrap();
    two.publish("", Purpose::Field).wait().unwrap();
    let status = two.status();
    assert_eq!(status.health, Health::Healthy, "{}", problems(&status));
    assert_eq!(status.missing_wraps.len(), 1, "and it is told all the same");
}

/// Somebody has to look at a store that was set back: all that he needs is there, also in a process
/// that has never loaded one.
#[test]
fn a_store_that_is_refused_tells_what_it_takes_to_accept_it() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    let anchor = keys.status().store.unwrap().anchor;
    world.store.restore(backup);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    let fresh = world.builder().anchor(Anchor::fixed(&anchor).unwrap()).build().unwrap();
    assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    for (keys, next_id) in [(&keys, 3), (&fresh, 2)] {
        let status = keys.status();
        let refused = status.refused.clone().unwrap();
        assert_eq!((refused.revision, refused.next_id), (Some(1), Some(next_id)));
        assert_eq!((refused.since, refused.is_another), (world.now(), false));
        assert!(refused.store.is_some() && refused.why.contains("revision 1"), "{}", refused.why);
        assert!(problems(&status).contains("revision 1"));
    }
    // The revision for `min_revision` is that of what was seen.
    assert_eq!(keys.status().store.unwrap().revision, 2);
    let refused = keys.status().refused.unwrap();
    let next_id = u32::try_from(refused.next_id.unwrap()).unwrap();
    keys.accept_restored(RestoredStore::new(refused.revision.unwrap(), next_id)).wait().unwrap();
    let status = keys.status();
    assert!(status.refused.is_none());
    assert_eq!(status.health, Health::Healthy, "{}", problems(&status));

    // Another store is none that is accepted.
    world.store.restore(World::new().store.backup());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(keys.status().refused.unwrap().is_another);
    // An empty one has no revision.
    world.store.restore(Records::new());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert_eq!(keys.status().refused.unwrap().revision, None);
}

#[test]
fn a_rotation_that_is_late_and_a_key_past_its_lifetime_are_told() {
    let world = World::new();
    let keys = world.builder().without_maintenance().build().unwrap();
    for (day, health, text) in [
        (90, Health::Healthy, ""),
        (92, Health::Degraded, "should have become active"),
        (98, Health::Failing, "sealing no more: key 1 of the default scope"),
    ] {
        let passed = world.now().duration_since(start()).unwrap();
        world.clock.advance(day * DAY - passed);
        keys.load().wait().unwrap();
        // Somebody signs, and does no more.
        let signer = world.builder().rotation(RotationPolicy::by_hand()).build().unwrap();
        signer.load().wait().unwrap();
        signer.maintain().wait().unwrap();
        keys.load().wait().unwrap();
        let status = keys.status();
        assert_eq!(status.health, health, "day {day}: {}", problems(&status));
        assert!(problems(&status).contains(text), "day {day}: {}", problems(&status));
    }
}

fn start() -> std::time::SystemTime {
    World::empty().now()
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let world = World::new();
    world.store.set_clock(&world.clock);
    let wrong = world.ahead(10 * MINUTE);
    let keys = wrong.loaded();
    let status = keys.status();
    assert_eq!((status.health, status.clock_difference), (Health::Degraded, Some(600)));
    assert!(problems(&status).contains("600 s ahead"), "{}", problems(&status));
}

#[test]
fn a_status_is_json_for_those_who_collect_it() {
    let world = World::new();
    let keys = world.loaded();
    world.store.set_fault(Fault::Fails(Unavailable));
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnavailable);
    let json = serde_json::to_value(keys.status()).unwrap();
    for (path, value) in [
        ("/health", "\"degraded\""),
        ("/since", "\"2026-01-01T00:00:00Z\""),
        ("/expires", "\"2026-01-01T01:00:00Z\""),
        ("/refresh_failure/kind", "\"KeyStoreUnavailable\""),
        ("/refresh_failure/is_retryable", "true"),
        ("/head_age", "0"),
        ("/refused", "null"),
        ("/store/propagation", "4200"),
        ("/store/keys/0/id", "1"),
        ("/store/keys/0/state", "\"active\""),
        ("/store/keys/0/created", "\"2026-01-01T00:00:00Z\""),
        ("/keks/1/name", "\"us\""),
    ] {
        let found = json.pointer(path).map(ToString::to_string);
        assert_eq!(found.as_deref(), Some(value), "{path}");
    }
    assert_eq!(json.pointer("/store/store").unwrap().as_str().unwrap().len(), 32);
    assert_eq!(json.pointer("/store/keys/0/check_value").unwrap().as_str().unwrap().len(), 64);
    // The scan of the output looks for keys.
    println!("{json}");
}
