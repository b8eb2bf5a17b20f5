use std::time::Duration;

use encrypted_field::envelope::{CachePolicy, Clock, KeyManager, RotationPolicy};
use encrypted_field::{
    ErrorKind, Key,
    key::{KeyState, Purpose},
};
use tests::secrets;

use crate::support::*;

#[test]
fn what_one_process_seals_another_opens() {
    let world = World::new();
    let (a, b) = (world.loaded(), world.loaded());
    let stored = seal(&a).unwrap();
    assert_eq!(key_of(&stored), 1);
    open(&b, &stored).unwrap();
}

#[test]
fn keys_are_made_once_and_never_silently() {
    let world = World::empty();
    let keys = world.process();
    let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnusable);
    assert!(error.to_string().contains("initialize"), "{error}");
    let error = assert_kind(keys.keyring(), ErrorKind::KeyStoreUnusable);
    assert!(error.to_string().contains("initialize"), "{error}");
    assert!(keys.status().store.is_none());

    keys.initialize().wait().unwrap();
    assert_kind(keys.initialize().wait(), ErrorKind::KeyLifecycle);
    assert_kind(world.process().initialize().wait(), ErrorKind::KeyLifecycle);
    seal(&keys).unwrap();
}

/// An application that has used keys of the environment, or of a key file, takes them along.
#[test]
fn keys_that_are_in_use_are_taken_over() {
    use encrypted_field::{EncryptedFieldExt as _, Key, Keyring};
    let so_far = || {
        vec![
            Key::new(5, tests::secrets::KEYS[5]),
            Key::new(2, tests::secrets::KEYS[2]).state(KeyState::Retired),
            Key::destroyed(1),
            Key::new(7, tests::secrets::KEYS[7]).scope("slack"),
        ]
    };
    let before = Keyring::builder().keys(so_far()).build().unwrap();
    let stored = Token::from(tests::secrets::BOT_TOKEN).to_stored_text_with(&before).unwrap();
    let slack = SlackToken::from(tests::secrets::BOT_TOKEN).to_stored_text_with(&before).unwrap();

    let world = World::empty();
    let keys = world.process();
    let twice = [Key::new(5, tests::secrets::KEYS[5]), Key::new(5, tests::secrets::KEYS[4])];
    assert_kind(keys.initialize_with(twice).wait(), ErrorKind::InvalidKeys);
    keys.initialize_with(so_far()).wait().unwrap();
    assert_kind(keys.initialize_with(so_far()).wait(), ErrorKind::KeyLifecycle);
    let other = world.loaded();
    open(&other, &stored).unwrap();
    SlackToken::from_stored_text_with(&other.keyring().unwrap(), slack).unwrap();
    let states: Vec<_> = other
        .status()
        .store
        .unwrap()
        .keys
        .iter()
        .map(|key| (key.id.get(), key.state, key.version))
        .collect();
    let expected = [
        (1, KeyState::Destroyed, 1),
        (2, KeyState::Retired, 2),
        (5, KeyState::Active, 3),
        (7, KeyState::Active, 1),
    ];
    assert_eq!(states, expected);
    assert_eq!(other.publish("", Purpose::Field).wait().unwrap().get(), 8);
}

#[test]
fn the_status_says_which_key_is_where() {
    let world = World::new();
    let status = world.loaded().status().store.unwrap();
    // An epoch begins at its date, 2026-01-01.
    assert_eq!((status.revision, status.epoch, status.next_id), (1, 1_767_225_600, 2));
    assert_eq!(status.anchor, format!("{} {} 1", status.store, status.epoch));
    assert_eq!(status.keks, ["eu", "us"]);
    assert_eq!(status.signed, world.now());
    assert_eq!(world.loaded().status().confirmed, Some(world.now()));
    let key = &status.keys[0];
    assert_eq!(
        (key.id.get(), key.state, key.version, key.purpose),
        (1, KeyState::Active, 1, Purpose::Field)
    );
    assert_eq!(key.keks, ["eu", "us"]);
    assert_eq!(key.activated, Some(world.now()));
    assert_eq!(key.seal_until, Some(world.now() + 97 * DAY));
}

#[test]
fn a_key_set_of_another_name_is_refused() {
    let world = World::new();
    let staging = KeyManager::builder("staging", world.store.clone())
        .kek("eu", world.eu.clone())
        .build()
        .unwrap();
    assert_kind(staging.load().wait(), ErrorKind::WrappedKeyRejected);
}

#[test]
fn another_kek_under_the_same_name_is_refused() {
    let world = World::new();
    let other = world.without_keks().kek("eu", TestKek::new(2)).build().unwrap();
    assert_kind(other.load().wait(), ErrorKind::WrappedKeyRejected);
}

#[test]
fn a_process_without_any_of_the_keks_says_which_there_are() {
    let world = World::new();
    let other = world.without_keks().kek("asia", TestKek::new(2)).build().unwrap();
    let error = assert_kind(other.load().wait(), ErrorKind::KekUnusable);
    assert!(error.to_string().contains("\"eu\", \"us\""), "{error}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let world = World::new();
    let refused = |builder: encrypted_field::envelope::KeyManagerBuilder| {
        assert_kind(builder.build().map(drop), ErrorKind::InvalidKeys).to_string()
    };
    assert!(refused(world.without_keks()).contains("at least one KEK"));
    assert!(
        refused(world.builder().kek("eu", world.eu.clone())).contains("two KEKs are named \"eu\"")
    );
    assert!(refused(world.builder().kek("", world.eu.clone())).contains("name"));
    assert!(refused(world.builder().propagation(60 * MINUTE - 1 * MINUTE)).contains("propagation"));
    assert!(
        refused(world.builder().rotation(RotationPolicy::every(2 * PROPAGATION - MINUTE)))
            .contains("interval")
    );
    let slow = CachePolicy::default().refresh(31 * MINUTE);
    assert!(refused(world.builder().cache(slow)).contains("refresh"));
    // The least that works is named, and works.
    let cache = |grace: u64| {
        let cache = CachePolicy::default()
            .refresh(10 * MINUTE)
            .max_age(10 * MINUTE, Duration::from_secs(grace));
        cache.call_timeout(Duration::from_secs(5))
    };
    let error = refused(world.builder().cache(cache(0)));
    assert!(error.contains("at least 670 s together"), "{error}");
    world.builder().cache(cache(70)).build().unwrap();
    refused(world.builder().cache(cache(69)));
    let error = refused(world.builder().heartbeat(7 * MINUTE));
    assert!(error.contains("at least 450 s"), "{error}");
    world.builder().heartbeat(Duration::from_secs(450)).build().unwrap();
}

/// A process that may use old keys for longer than it takes a new one to become active would be
/// left behind.
#[test]
fn a_longer_lease_than_the_stores_propagation_is_refused() {
    let world = World::new();
    let slow = CachePolicy::default().max_age(30 * MINUTE, 45 * MINUTE);
    let error = assert_kind(
        world.builder().cache(slow).build().unwrap().load().wait(),
        ErrorKind::KeyStoreUnusable,
    );
    assert!(
        error.to_string().contains("4200 s") && error.to_string().contains("4500 s"),
        "{error}"
    );
}

#[test]
fn debug_and_errors_show_no_key() {
    let world = World::new();
    let keys = world.loaded();
    let text = format!("{keys:?} {:?} {:?}", keys.status().store.unwrap(), world.builder());
    assert!(text.contains("KEK \\\"eu\\\"") || text.contains("KEK \"eu\""), "{text}");
    // The scan of the output looks for the keys.
    println!("{text}");
}

#[tokio::test]
async fn calls_are_awaited_as_well() {
    let world = World::empty();
    let keys = world.process();
    keys.initialize().await.unwrap();
    keys.load().await.unwrap();
    let stored = seal(&keys).unwrap();
    // Waiting is possible where another thread drives the runtime.
    let other = world.process();
    tokio::task::spawn_blocking(move || {
        other.load().wait()?;
        open(&other, &stored)
    })
    .await
    .unwrap()
    .unwrap();
}

/// An executor that is not Tokio's.
#[test]
fn calls_are_awaited_on_other_executors() {
    let world = World::new();
    let keys = world.process();
    futures_executor_block_on(keys.load()).unwrap();
    seal(&keys).unwrap();
}

fn futures_executor_block_on<F: Future>(future: F) -> F::Output {
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake};
    use std::thread::{self, Thread};

    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        thread::park();
    }
}

/// A ring that somebody holds on to is not kept alive by refreshes of newer ones.
#[test]
fn a_ring_that_was_replaced_expires() {
    let world = World::new();
    let keys = world.loaded();
    let held = keys.keyring().unwrap();
    let stored = seal(&keys).unwrap();
    world.pass(90 * DAY + 2 * PROPAGATION, &[&keys]);
    let error = assert_kind(opens(&held, &stored), ErrorKind::KeysExpired);
    assert!(error.to_string().contains("get the key ring"), "{error}");
    open(&keys, &stored).unwrap();
}

/// A call that is dropped half-way, as a request is that takes too long, is done nevertheless.
#[tokio::test]
async fn what_was_begun_is_done() {
    let world = World::empty();
    let keys = world.process();
    keys.initialize().await.unwrap();
    let mut call = Box::pin(keys.provision("acme"));
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "it takes a while");
        std::task::Poll::Ready(())
    })
    .await;
    drop(call);
    while world.store.revision() < 2 {
        tokio::task::yield_now().await;
    }
}

/// On the only thread of a runtime it does not wait for itself.
#[tokio::test]
async fn waiting_on_the_only_thread_of_a_runtime_ends() {
    let world = World::empty();
    let keys = world.process();
    keys.initialize().wait().unwrap();
    keys.load().wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_on_every_thread_of_a_runtime_ends() {
    let world = World::empty();
    let keys = world.process();
    keys.initialize().await.unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let keys = keys.clone();
        all.spawn(async move { keys.load().wait() });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap().unwrap();
    }
}

/// As in a synchronous program that was set up by an asynchronous function.
#[test]
fn a_runtime_that_is_gone_is_not_missed() {
    let world = World::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let keys = runtime.block_on(async { world.process() });
    drop(runtime);
    keys.load().wait().unwrap();
    seal(&keys).unwrap();
}

/// A lifetime beyond all dates is one that never ends, and what is written can be read.
#[test]
fn a_lifetime_without_an_end_can_be_written() {
    let world = World::empty();
    let keys = world.builder().rotation(RotationPolicy::every(Duration::MAX)).build().unwrap();
    keys.initialize().wait().unwrap();
    keys.provision("acme").wait().unwrap();
    let other = world.loaded();
    seal(&other).unwrap();
    other.scope("acme").wait().unwrap();
}

/// What no reader would accept is not written.
#[test]
fn what_can_not_be_read_is_not_written() {
    let world = World::new();
    let keys = world.loaded();
    let before = world.store.backup();
    let long = "x".repeat(256);
    assert_kind(keys.provision(&long).wait(), ErrorKind::KeyLifecycle);
    let far = World { clock: Clock::manual(world.now() + DAY * 3_000_000), ..world.clone() };
    let error = assert_kind(far.process().provision("acme").wait(), ErrorKind::KeyLifecycle);
    assert!(error.to_string().contains("nothing was written"), "{error}");
    assert_eq!(world.store.backup(), before);
    let empty = World::empty();
    let key = Key::new(1, secrets::KEYS[0]).scope(&*long);
    assert_kind(empty.process().initialize_with([key]).wait(), ErrorKind::KeyLifecycle);
    assert!(empty.store.backup().is_empty());
}
