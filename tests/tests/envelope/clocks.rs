//! Processes with wrong clocks, beside those whose clocks are right.

use std::time::Duration;

use encrypted_field::envelope::{KeyManager, RotationPolicy};
use encrypted_field::{
    ErrorKind, KeyId,
    key::{KeyState, Purpose},
};

use crate::support::*;

const YEAR: Duration = Duration::from_hours(24 * 365);

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

fn states(keys: &KeyManager) -> Vec<KeyState> {
    keys.load().wait().unwrap();
    keys.status().store.unwrap().keys.iter().map(|key| key.state).collect()
}

/// A policy that disables what has been retired for ten days.
fn keeps_one(world: &World) -> KeyManager {
    let policy = RotationPolicy::every(90 * DAY).keep_retired(0, 10 * DAY);
    let keys = world.builder().rotation(policy).build().unwrap();
    keys.load().wait().unwrap();
    keys
}

/// A store whose first key is retired, and used by rows.
fn rotated(world: &World) -> (KeyManager, String) {
    let keys = keeps_one(world);
    let stored = seal(&keys).unwrap();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    (keys, stored)
}

/// Maintains in a process as its thread does it, for a while.
fn runs(world: &World, others: &[&World], keys: &KeyManager, time: Duration) {
    let mut left = time;
    while !left.is_zero() {
        let step = left.min(25 * MINUTE);
        left -= step;
        for world in others.iter().copied().chain([world]) {
            world.clock.advance(step);
        }
        let _may_fail = keys.load().wait();
        let _may_fail = keys.maintain().wait();
    }
}

#[test]
fn one_that_is_60_days_ahead_disables_nothing() {
    let world = World::new();
    let (keys, stored) = rotated(&world);
    let ahead = world.ahead(60 * DAY);
    let wrong = keeps_one(&ahead);
    runs(&ahead, &[&world], &wrong, 6 * 60 * MINUTE);
    assert_eq!(states(&keys)[..2], [KeyState::Retired, KeyState::Active]);
    open(&keys, &stored).unwrap();
    // By hand, and with its own date it is destroyed by nobody at once.
    wrong.disable(id(1)).wait().unwrap();
    assert_kind(wrong.destroy(id(1), "destroy key 1 of test").wait(), ErrorKind::KeyLifecycle);
    let fresh = world.ahead(2 * YEAR).loaded();
    assert_kind(fresh.destroy(id(1), "destroy key 1 of test").wait(), ErrorKind::KeyLifecycle);
    keys.load().wait().unwrap();
    assert!(keys.destroy(id(1), "destroy key 1 of test").wait().is_err());
    assert_eq!(states(&keys)[0], KeyState::Disabled);
}

/// The one who is ahead is told, and nobody else, where the store has a clock.
#[test]
fn one_that_is_ahead_is_told_where_the_store_has_a_clock() {
    for time in [6 * MINUTE, 60 * DAY, YEAR] {
        let world = World::new();
        world.store.set_clock(&world.clock);
        let (keys, stored) = rotated(&world);
        for (wrong, sign) in [(world.ahead(time), 1), (world.behind(time), -1)] {
            let wrong = keeps_one(&wrong);
            let before = world.store.backup();
            for error in [
                assert_kind(wrong.publish("", Purpose::Field).wait(), ErrorKind::ClockSkew),
                assert_kind(wrong.provision("acme").wait(), ErrorKind::ClockSkew),
                assert_kind(wrong.disable(id(1)).wait(), ErrorKind::ClockSkew),
                assert_kind(wrong.renew_store_key().wait(), ErrorKind::ClockSkew),
                assert_kind(wrong.repair().wait(), ErrorKind::ClockSkew),
            ] {
                let text = error.to_string();
                assert!(
                    text.contains(&format!("{} s", time.as_secs())) && text.contains("memory"),
                    "{text}"
                );
            }
            assert_eq!(world.store.backup(), before, "nothing was written");
            let difference = wrong.status().clock_difference.unwrap();
            assert_eq!(difference, sign * i64::try_from(time.as_secs()).unwrap());
            open(&wrong, &stored).unwrap();
        }
        keys.provision("acme").wait().unwrap();
        assert_eq!(keys.status().clock_difference, Some(0));
        assert_eq!(keys.maintain().wait().unwrap().published, []);
    }
}

/// It is told by what the operator watches, although its calls to maintain may do nothing.
#[test]
fn one_that_is_ahead_says_so_when_it_maintains() {
    let world = World::new();
    world.store.set_clock(&world.clock);
    let wrong = world.ahead(YEAR).loaded();
    assert_kind(wrong.maintain().wait(), ErrorKind::ClockSkew);
}

/// Clocks that are a little apart are everywhere.
#[test]
fn five_minutes_are_no_matter() {
    for has_clock in [true, false] {
        let world = World::new();
        if has_clock {
            world.store.set_clock(&world.clock);
        }
        let (ahead, behind) = (world.ahead(5 * MINUTE).loaded(), world.loaded());
        ahead.provision("acme").wait().unwrap();
        behind.provision("globex").wait().unwrap();
        ahead.maintain().wait().unwrap();
        behind.load().wait().unwrap();
        behind.maintain().wait().unwrap();
    }
}

/// Without a clock of the store nobody can tell at once who is wrong.
#[test]
fn a_year_ahead_without_a_clock_is_a_standing_failure_and_repair_mends_it() {
    let world = World::named("clocks-1");
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    // It is due by its dates: a key is published, pending for a year.
    let ahead = world.ahead(YEAR);
    let wrong = ahead.loaded();
    let published = wrong.maintain().wait().unwrap().published;
    assert_eq!(published, [id(2)]);
    for keys in [&keys, &world.loaded()] {
        for _ in 0..3 {
            keys.load().wait().unwrap();
            let error = assert_kind(keys.maintain().wait(), ErrorKind::KeyLifecycle);
            assert!(error.to_string().contains("`repair`"), "{error}");
            assert_eq!(error.key_id(), Some(id(2)));
        }
        seal(keys).unwrap();
        open(keys, &stored).unwrap();
    }
    let error = assert_kind(keys.provision("acme").wait(), ErrorKind::ClockSkew);
    assert!(error.to_string().contains("`repair`"), "{error}");
    let report = keys.repair().wait().unwrap();
    assert_eq!(report.redated, [id(2)]);
    keys.load().wait().unwrap();
    let status = keys.status().store.unwrap();
    assert_eq!(status.signed, world.now());
    assert_eq!(status.keys[1].activate_after, Some(world.now() + PROPAGATION));
    assert!(keys.maintain().wait().unwrap().published.is_empty());
    keys.provision("acme").wait().unwrap();
    assert!(keys.repair().wait().unwrap().redated.is_empty(), "once");
    // It goes on by the dates of now.
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    keys.activate(id(2)).wait().unwrap();
    assert_eq!(key_of(&seal(&keys).unwrap()), 2);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
}

/// The thread tells it by an event, and the status has it.
#[test]
fn a_future_date_is_told_by_the_thread() {
    let world = World::named("clocks-2");
    let ahead = world.ahead(YEAR);
    ahead.loaded().maintain().wait().unwrap();
    let cache =
        encrypted_field::envelope::CachePolicy::default().refresh(Duration::from_millis(20));
    let keys = world.builder().cache(cache).build().unwrap();
    keys.start().wait().unwrap();
    let told =
        || was_told("MaintenanceFailed", "clocks-2") && keys.status().maintenance_failure.is_some();
    let since = std::time::Instant::now();
    while !told() {
        assert!(since.elapsed() < Duration::from_secs(20), "it is told");
        std::thread::yield_now();
    }
}

/// Every kind of date that a wrong clock leaves behind.
#[test]
fn repair_mends_every_date() {
    let world = World::new();
    let ahead = world.ahead(YEAR);
    let wrong = ahead.loaded();
    wrong.provision("acme").wait().unwrap();
    wrong.create("slack", Purpose::Field).wait().unwrap();
    for _ in 0..3 {
        let next = wrong.publish("", Purpose::Field).wait().unwrap();
        wrong.activate_at_once(next).wait().unwrap();
    }
    wrong.disable(id(1)).wait().unwrap();
    wrong.mark_compromised(id(4)).wait().unwrap();
    wrong.disable(id(5)).wait().unwrap();
    wrong.enable(id(5)).wait().unwrap();
    wrong.provision("globex").wait().unwrap();
    wrong.destroy_scope("globex", "destroy scope globex of test").wait().unwrap();
    let keys = world.loaded();
    assert_kind(keys.maintain().wait(), ErrorKind::KeyLifecycle);
    let mut redated = keys.repair().wait().unwrap().redated;
    redated.sort();
    assert_eq!(redated, (1..=7).map(id).collect::<Vec<_>>());
    keys.load().wait().unwrap();
    assert_eq!(keys.maintain().wait().unwrap().published, []);
    let now = world.now();
    let of_tenants = keys.keys_on_demand(0).wait().unwrap().keys;
    for key in keys.status().store.unwrap().keys.iter().chain(&of_tenants) {
        let happened = [key.activated, key.retired, key.compromised, key.disabled, key.destroyed];
        assert!(happened.into_iter().flatten().all(|date| date <= now), "{key:?}");
        assert!(key.activate_after.is_none_or(|after| after <= now + PROPAGATION), "{key:?}");
        let seals = key.state == KeyState::Active;
        assert!(!seals || key.seal_until.is_none_or(|until| until <= now + 97 * DAY), "{key:?}");
    }
    // Rotation goes on as if nothing had been.
    world.pass(91 * DAY, &[&keys]);
    assert_eq!(key_of(&seal(&keys).unwrap()), 8);
}

/// It has only signed the head, as every process does each half hour.
#[test]
fn repair_mends_the_stores_date_alone() {
    let world = World::new();
    let keys = world.loaded();
    let ahead = world.ahead(60 * DAY);
    let wrong = ahead.loaded();
    assert!(wrong.maintain().wait().unwrap().signed);
    keys.load().wait().unwrap();
    assert_kind(keys.provision("acme").wait(), ErrorKind::ClockSkew);
    keys.repair().wait().unwrap();
    keys.provision("acme").wait().unwrap();
    keys.load().wait().unwrap();
    assert_eq!(keys.status().store.unwrap().signed, world.now());
}

/// One that was ahead has signed the head once, and is gone: right processes go on, or the store
/// stands still until somebody comes.
#[test]
fn right_processes_go_on_where_one_that_is_ahead_has_signed() {
    let world = World::new();
    let keys = world.loaded();
    let ahead = world.ahead(YEAR);
    ahead.loaded().provision("acme").wait().unwrap();
    for _ in 0..20 {
        world.clock.advance(20 * MINUTE);
        keys.load().wait().unwrap();
        let _may_fail = keys.maintain().wait();
        seal(&keys).unwrap();
    }
}

/// One that is behind is told, with or without a clock of the store.
#[test]
fn one_that_is_behind_is_told() {
    let world = World::new();
    let (keys, stored) = rotated(&world);
    let behind = world.behind(60 * DAY);
    let wrong = behind.loaded();
    let before = world.store.backup();
    for result in [
        wrong.publish("", Purpose::Field).wait().map(drop),
        wrong.disable(id(1)).wait(),
        wrong.renew_store_key().wait(),
    ] {
        let error = assert_kind(result, ErrorKind::ClockSkew);
        assert!(error.to_string().contains("behind"), "{error}");
    }
    assert_eq!(world.store.backup(), before);
    open(&wrong, &stored).unwrap();
    keys.provision("acme").wait().unwrap();
}

/// A process that believes that months have passed activates a key which was just published: where
/// there is no other clock, dates with a day to spare decide that. Others lack it until they
/// refresh, and lose nothing. Where the store has a clock, nothing happens.
#[test]
fn what_one_that_is_ahead_activates_is_there_after_a_refresh() {
    let world = World::new();
    let keys = world.loaded();
    let published = world.loaded().publish("", Purpose::Field).wait().unwrap();
    let ahead = world.ahead(60 * DAY);
    let wrong = ahead.loaded();
    world.store.set_clock(&world.clock);
    assert_kind(wrong.activate(published).wait(), ErrorKind::ClockSkew);
    world.store.forget_clock();
    wrong.load().wait().unwrap();
    assert_eq!(wrong.maintain().wait().unwrap().activated, [published]);
    let sealed = seal(&wrong).unwrap();
    let error = assert_kind(open(&keys, &sealed), ErrorKind::KeyNotLoaded);
    assert_eq!(error.key_id(), Some(published));
    keys.load().wait().unwrap();
    open(&keys, &sealed).unwrap();
}

/// A key that is enabled and disabled again begins its time anew, also for one who has not seen it
/// enabled.
#[test]
fn the_time_of_a_disabled_key_begins_anew() {
    let world = World::new();
    let (keys, _) = rotated(&world);
    let other = world.loaded();
    keys.disable(id(1)).wait().unwrap();
    other.load().wait().unwrap();
    world.clock.advance(PROPAGATION);
    keys.enable(id(1)).wait().unwrap();
    keys.disable(id(1)).wait().unwrap();
    let confirmation = "destroy key 1 of test";
    assert_kind(keys.destroy(id(1), confirmation).wait(), ErrorKind::KeyLifecycle);
    assert_kind(other.destroy(id(1), confirmation).wait(), ErrorKind::KeyLifecycle);
}

/// The date was corrected while the process ran.
#[test]
fn a_corrected_date_ends_it() {
    let world = World::new();
    world.store.set_clock(&world.clock);
    let ahead = world.ahead(YEAR);
    let wrong = ahead.loaded();
    assert_kind(wrong.provision("acme").wait(), ErrorKind::ClockSkew);
    ahead.clock.set_wall(world.now());
    wrong.provision("acme").wait().unwrap();
    assert_eq!(wrong.status().clock_difference, Some(0));
}
