use std::sync::Barrier;
use std::time::Duration;

use encrypted_field::envelope::RotationPolicy;
use encrypted_field::{
    ErrorKind, KeyId,
    key::{KeyState, Purpose},
};

use crate::support::*;

#[test]
fn a_key_is_published_before_it_seals() {
    let world = World::new();
    let (a, b) = (world.loaded(), world.loaded());
    let id = a.publish("", Purpose::Field).wait().unwrap();
    assert_eq!(id.get(), 2);
    assert_eq!(key_of(&seal(&a).unwrap()), 1, "published is not active");

    let error = assert_kind(a.activate(id).wait(), ErrorKind::KeyLifecycle);
    assert!(error.to_string().contains("in 4201 s"), "{error}");
    world.clock.advance(PROPAGATION - Duration::from_secs(1));
    a.load().wait().unwrap();
    assert_kind(a.activate(id).wait(), ErrorKind::KeyLifecycle);

    world.clock.advance(Duration::from_secs(1));
    // One that has just come can't tell whether the dates are right, and waits for a day more.
    let error = assert_kind(world.process().activate(id).wait(), ErrorKind::KeyLifecycle);
    assert!(error.to_string().contains("seen it pending for 0 s"), "{error}");
    a.activate(id).wait().unwrap();
    let stored = seal(&a).unwrap();
    assert_eq!(key_of(&stored), 2);

    // Whoever has not refreshed since before the key was published is past his lease, and does
    // nothing at all.
    assert_kind(seal(&b), ErrorKind::KeysExpired);
    assert_kind(open(&b, &stored), ErrorKind::KeysExpired);
    b.load().wait().unwrap();
    open(&b, &stored).unwrap();
}

#[test]
fn the_key_before_it_is_retired_and_opens() {
    let world = World::new();
    let keys = world.loaded();
    let old = seal(&keys).unwrap();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    world.pass(PROPAGATION, &[&keys]);
    let new = seal(&keys).unwrap();
    assert_eq!((key_of(&old), key_of(&new)), (1, id.get()));
    open(&keys, &old).unwrap();
    let states: Vec<_> = keys.status().store.unwrap().keys.iter().map(|key| key.state).collect();
    assert_eq!(states, [KeyState::Retired, KeyState::Active]);
}

#[test]
fn there_is_one_pending_key_at_a_time() {
    let world = World::new();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    let error = assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::KeyLifecycle);
    assert_eq!(error.key_id().map(KeyId::get), Some(2));
    assert_kind(keys.publish("nobody", Purpose::Field).wait(), ErrorKind::KeyLifecycle);
    assert_kind(keys.create("", Purpose::Field).wait(), ErrorKind::KeyLifecycle);
    assert_eq!(
        world.eu.wraps(),
        3,
        "the store key and two data keys: what is refused asks no key service"
    );
}

/// A year of two processes that only do what the policy says.
#[test]
fn a_policy_rotates_exactly_as_often_as_it_says() {
    let world = World::new();
    let policy = || RotationPolicy::every(90 * DAY);
    let a = world.builder().rotation(policy()).build().unwrap();
    let b = world.builder().rotation(policy()).build().unwrap();
    a.load().wait().unwrap();
    b.load().wait().unwrap();
    let mut values = Vec::new();
    for _ in 0..73 {
        world.pass(5 * DAY, &[&a, &b]);
        let sealed = [seal(&a).unwrap(), seal(&b).unwrap()];
        // A process that refreshes now and then has every key that the other one uses.
        for value in &sealed {
            open(&a, value).unwrap();
            open(&b, value).unwrap();
        }
        values.extend(sealed);
    }
    let status = a.status().store.unwrap();
    // 365 days: after 90, 180, 270 and 360.
    assert_eq!(status.keys.len(), 5);
    let versions: Vec<_> = status.keys.iter().map(|key| key.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
    for pair in status.keys.windows(2) {
        assert_eq!(
            pair[0].retired, pair[1].activated,
            "one is retired when the next one is active"
        );
        let between =
            pair[1].activated.unwrap().duration_since(pair[0].activated.unwrap()).unwrap();
        assert!((90 * DAY..=90 * DAY + DAY / 2).contains(&between), "{between:?}");
    }
    for value in &values {
        open(&b, value).unwrap();
    }
}

#[test]
fn twenty_processes_at_once_rotate_once() {
    let world = World::new();
    let processes: Vec<_> = (0..20)
        .map(|_| {
            let keys = world.builder().rotation(RotationPolicy::every(30 * DAY)).build().unwrap();
            keys.load().wait().unwrap();
            keys
        })
        .collect();
    world.clock.advance(30 * DAY);
    let start = Barrier::new(processes.len());
    let at_once = || {
        let done = std::thread::scope(|threads| {
            let maintain = |keys: &encrypted_field::envelope::KeyManager| {
                let (keys, start) = (keys.clone(), &start);
                threads.spawn(move || {
                    start.wait();
                    keys.maintain().wait().unwrap()
                })
            };
            let running: Vec<_> = processes.iter().map(maintain).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        (
            done.iter().map(|done| done.published.len()).sum::<usize>(),
            done.iter().map(|done| done.activated.len()).sum::<usize>(),
        )
    };
    assert_eq!(at_once(), (1, 0), "one of them publishes");
    assert_eq!(at_once(), (0, 0), "and then it takes its time");
    world.clock.advance(PROPAGATION);
    assert_eq!(at_once(), (0, 1), "one of them activates");
    processes[0].load().wait().unwrap();
    let status = processes[0].status().store.unwrap();
    assert_eq!(status.keys.len(), 2);
    assert_eq!(status.revision, 3);
}

#[test]
fn nothing_seals_past_its_lifetime() {
    let world = World::new();
    let keys = world.builder().rotation(RotationPolicy::by_hand()).build().unwrap();
    keys.load().wait().unwrap();
    let stored = seal(&keys).unwrap();
    // The first key was made under the default policy: 90 days, and 7 of grace.
    world.clock.advance(97 * DAY);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    seal(&keys).unwrap();
    world.clock.advance(Duration::from_secs(1));
    keys.load().wait().unwrap();
    let error = assert_kind(seal(&keys), ErrorKind::KeyPastLifetime);
    assert_eq!(error.key_id().map(KeyId::get), Some(1));
    open(&keys, &stored).unwrap();
    // A new one mends it.
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(id).wait().unwrap();
    assert_eq!(key_of(&seal(&keys).unwrap()), 2);
    // By hand there is no end.
    world.clock.advance(1000 * DAY);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    seal(&keys).unwrap();
}

/// The lifetime is a date, also for a process that loaded its keys before that and did not refresh
/// since.
#[test]
fn a_lifetime_ends_between_refreshes() {
    let world = World::new();
    let keys = world.builder().rotation(RotationPolicy::by_hand()).build().unwrap();
    keys.load().wait().unwrap();
    world.pass(97 * DAY - 10 * MINUTE, &[]);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    seal(&keys).unwrap();
    world.clock.advance(10 * MINUTE + Duration::from_secs(1));
    assert_kind(seal(&keys), ErrorKind::KeyPastLifetime);
}

#[test]
fn a_rotation_needs_every_kek_and_changes_nothing_without() {
    let world = World::new();
    let keys = world.loaded();
    let before = world.store.backup();
    world.us.set_fault(Fault::Fails(encrypted_field::envelope::BackendErrorKind::Unavailable));
    let error =
        assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::KeyServiceUnavailable);
    assert!(error.to_string().contains("KEK \"us\""), "{error}");
    assert_eq!(world.store.backup(), before);
    world.us.set_fault(Fault::None);
    keys.publish("", Purpose::Field).wait().unwrap();
}

#[test]
fn retention_disables_and_never_destroys() {
    let world = World::new();
    let policy = RotationPolicy::every(30 * DAY).keep_retired(2, 10 * DAY);
    let keys = world.builder().rotation(policy).build().unwrap();
    keys.load().wait().unwrap();
    world.pass(131 * DAY, &[&keys]);
    let states: Vec<_> = keys.status().store.unwrap().keys.iter().map(|key| key.state).collect();
    use KeyState::{Active, Disabled, Retired};
    // Five keys after 120 days; two retired ones are kept, and others from 10 days after they were
    // retired.
    assert_eq!(states, [Disabled, Disabled, Retired, Retired, Active]);
    // What somebody enables stays enabled.
    keys.enable(KeyId::new(1).unwrap()).wait().unwrap();
    assert!(keys.maintain().wait().unwrap().disabled.is_empty());
}

/// The one who publishes has a clock that is hours behind: by its dates the key could be activated
/// at once.
#[test]
fn dates_alone_activate_nothing() {
    let world = World::new();
    let behind =
        World { clock: encrypted_field::envelope::Clock::manual(world.now()), ..world.clone() };
    world.clock.advance(10 * PROPAGATION);
    let id = behind.loaded().publish("", Purpose::Field).wait().unwrap();
    let keys = world.loaded();
    assert_kind(keys.activate(id).wait(), ErrorKind::KeyLifecycle);
    assert!(keys.maintain().wait().unwrap().activated.is_empty());
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    assert_eq!(keys.maintain().wait().unwrap().activated, [id]);
    // By dates alone a day later, for processes that don't live long.
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(DAY + 2 * PROPAGATION);
    world.process().activate(id).wait().unwrap();
}

/// Of many keys whose date has come, and which this process has not seen for long enough, nothing
/// is to be done at once.
#[test]
fn what_has_to_wait_is_not_unfinished() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..300).map(|number| format!("tenant-{number}"))).wait().unwrap();
    world.clock.advance(90 * DAY);
    while keys.maintain().wait().unwrap().unfinished {}
    world.clock.advance(2 * PROPAGATION);
    let done = world.process().maintain().wait().unwrap();
    assert!(done.activated.is_empty() && !done.unfinished, "{done:?}");
    let done = keys.maintain().wait().unwrap();
    assert!(done.activated.len() == 256 && done.unfinished, "{done:?}");
    let done = keys.maintain().wait().unwrap();
    assert!(done.activated.len() == 45 && !done.unfinished, "{done:?}");
}

#[test]
fn a_key_that_does_not_unwrap_is_not_made_active() {
    let world = World::new();
    let keys = world.loaded();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    for kek in [&world.eu, &world.us] {
        kek.set_fault(Fault::Rejects(id.get()));
    }
    assert!(keys.maintain().wait().unwrap().activated.is_empty());
    assert_kind(keys.activate(id).wait(), ErrorKind::WrappedKeyRejected);
    assert_eq!(key_of(&seal(&keys).unwrap()), 1);
}

/// Blind indexes are looked up by the key that made them.
#[test]
fn keys_of_indexes_rotate_by_hand_only() {
    let world = World::new();
    let keys = world.loaded();
    keys.create("", Purpose::Index).wait().unwrap();
    world.pass(200 * DAY, &[&keys]);
    let status = keys.status().store.unwrap();
    let of = |purpose| status.keys.iter().filter(|key| key.purpose == purpose).count();
    assert_eq!((of(Purpose::Field), of(Purpose::Index)), (3, 1));
}

#[test]
fn a_clock_that_is_behind_is_told_so() {
    let world = World::new();
    let keys = world.loaded();
    world.clock.advance(DAY);
    keys.maintain().wait().unwrap();
    let start = world.now();
    world.clock.set_wall(start - Duration::from_secs(600));
    let error = assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::ClockSkew);
    assert!(error.to_string().contains("600 s behind"), "{error}");
    // Clocks are a little apart everywhere.
    world.clock.set_wall(start - Duration::from_secs(200));
    keys.publish("", Purpose::Field).wait().unwrap();
}

/// A new static scope is used only once every process has its key, and then by itself.
#[test]
fn the_first_key_of_a_scope_is_published_too() {
    use encrypted_field::EncryptedFieldExt as _;
    let world = World::new();
    let (a, b) = (world.loaded(), world.loaded());
    a.create("slack", Purpose::Field).wait().unwrap();
    let sealed = |keys: &encrypted_field::envelope::KeyManager| {
        SlackToken::from(tests::secrets::BOT_TOKEN).to_stored_text_with(&keys.keyring().unwrap())
    };
    assert_kind(sealed(&a), ErrorKind::NoActiveKey);
    world.pass(PROPAGATION + MINUTE, &[&a, &b]);
    let stored = sealed(&a).unwrap();
    SlackToken::from_stored_text_with(&b.keyring().unwrap(), stored).unwrap();
}
