//! A store is emptied, replaced, or begun anew.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use encrypted_field::envelope::{
    Anchor, BackendError, BackendErrorKind, Document, KeyManager, RestoredStore,
};
use encrypted_field::{ErrorKind, KeyId, key::Purpose};

use crate::support::*;

/// A document in memory, such as an object in another account.
#[derive(Clone, Default)]
pub struct Paper(Arc<Mutex<(Option<String>, bool)>>, Arc<AtomicBool>);

impl Paper {
    fn text(&self) -> String {
        self.0.lock().unwrap().0.clone().unwrap_or_default().trim().to_owned()
    }

    fn write(&self, text: &str) {
        self.0.lock().unwrap().0 = Some(text.to_owned());
    }

    /// From now on it is out of reach, or in reach again.
    fn fails(&self, fails: bool) {
        self.0.lock().unwrap().1 = fails;
    }

    /// From now on it can be read and not written, or written again.
    pub fn set_read_only(&self, is_read_only: bool) {
        self.1.store(is_read_only, Ordering::SeqCst);
    }

    fn check(&self) -> Result<Option<String>, BackendError> {
        let (text, fails) = self.0.lock().unwrap().clone();
        if fails {
            Err(BackendError::new(BackendErrorKind::Unavailable, "on request"))
        } else {
            Ok(text)
        }
    }
}

impl Document for Paper {
    type Version = String;

    async fn read(&self) -> Result<Option<(String, String)>, BackendError> {
        Ok(self.check()?.map(|text| (text.clone(), text)))
    }

    async fn replace(&self, before: Option<&String>, text: String) -> Result<bool, BackendError> {
        if self.check()?.as_ref() != before {
            return Ok(false);
        }
        if self.1.load(Ordering::SeqCst) {
            return Err(BackendError::new(BackendErrorKind::Denied, "on request"));
        }
        self.write(&text);
        Ok(true)
    }

    fn describe(&self) -> String {
        "paper".into()
    }
}

fn anchored(world: &World, paper: &Paper) -> KeyManager {
    world.builder().anchor(Anchor::in_document(paper.clone())).build().unwrap()
}

/// A store whose changes raise an anchor.
pub fn with_anchor(key_set: &'static str) -> (World, Paper, KeyManager) {
    let (world, paper) = (World { key_set, ..World::empty() }, Paper::default());
    let keys = anchored(&world, &paper);
    keys.initialize().wait().unwrap();
    keys.load().wait().unwrap();
    (world, paper, keys)
}

#[test]
fn an_emptied_store_is_not_begun_anew_by_one_who_knew_it() {
    let world = World::named("lost-1");
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    world.store.restore(Records::default());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(was_told("StoreRolledBack", "lost-1"));
    assert_kind(keys.initialize().wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.publish("", Purpose::Field).wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(keys.maintain().wait(), ErrorKind::KeyStoreRolledBack);
    let accepted = keys.accept_restored(RestoredStore::new(1, 9)).wait();
    assert_kind(accepted, ErrorKind::KeyStoreRolledBack);
    assert!(world.store.backup().is_empty(), "nothing was written");
    // It goes on with what it knows.
    open(&keys, &stored).unwrap();
    seal(&keys).unwrap();
}

/// The documentation says so: without a memory nobody can tell an emptied store from a new one.
#[test]
fn an_emptied_store_is_new_to_one_who_knows_nothing() {
    let world = World::new();
    let known = world.loaded();
    let first = known.status().store.unwrap();
    world.store.restore(Records::default());
    let error = assert_kind(world.process().load().wait(), ErrorKind::KeyStoreUnusable);
    assert!(error.to_string().contains("restore it from a backup"), "{error}");
    world.clock.advance(MINUTE);
    let keys = world.process();
    keys.initialize().wait().unwrap();
    keys.load().wait().unwrap();
    let second = keys.status().store.unwrap();
    assert_ne!(first.store, second.store);
    assert!(second.epoch > first.epoch, "{} after {}", second.epoch, first.epoch);
    // Who knew the first one is not deceived, whatever becomes of it.
    for number in 0..5 {
        keys.provision(&format!("tenant-{number}")).wait().unwrap();
        assert_kind(known.load().wait(), ErrorKind::KeyStoreRolledBack);
    }
}

#[test]
fn an_emptied_store_is_told_by_each_memory() {
    let world = World::new();
    let status = world.loaded().status().store.unwrap();
    world.store.restore(Records::default());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchor");
    std::fs::write(&file, format!("{}\n", status.anchor)).unwrap();
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&file, permissions).unwrap();
    let paper = Paper::default();
    paper.write(&status.anchor);
    for (memory, builder) in [
        ("revision", world.builder().min_revision(1)),
        ("epoch", world.builder().min_epoch(1)),
        ("fixed", world.builder().anchor(Anchor::fixed(&status.anchor).unwrap())),
        ("file", world.builder().anchor(Anchor::in_file(&file))),
        ("document", world.builder().anchor(Anchor::in_document(paper))),
    ] {
        let keys = builder.build().unwrap();
        for error in [keys.load().wait().err(), keys.initialize().wait().err()] {
            let error = error.unwrap_or_else(|| panic!("{memory}: an empty store is taken"));
            assert_eq!(error.kind(), ErrorKind::KeyStoreRolledBack, "{memory}: {error}");
            assert!(error.to_string().contains("its keys are lost"), "{memory}: {error}");
        }
        assert!(world.store.backup().is_empty(), "{memory}");
    }
}

/// The head alone is removed: what is left is no empty store, and nobody begins another one in it.
#[test]
fn a_store_without_its_head_is_not_begun_anew() {
    let world = World::new();
    world.loaded().provision("acme").wait().unwrap();
    world.store.tamper(|records| drop(records.remove("head")));
    let left = world.store.backup();
    assert_kind(world.process().load().wait(), ErrorKind::KeyStoreTampered);
    assert_kind(world.process().initialize().wait(), ErrorKind::KeyStoreTampered);
    assert_eq!(world.store.backup(), left);
}

#[test]
fn a_first_id_above_all_that_rows_use() {
    let world = World::empty();
    let first = KeyId::new(4711).unwrap();
    let keys = world.builder().first_key_id(first).build().unwrap();
    assert_eq!(keys.initialize().wait().unwrap(), first);
    keys.load().wait().unwrap();
    assert_eq!(key_of(&seal(&keys).unwrap()), 4711);
    assert_eq!(keys.publish("", Purpose::Field).wait().unwrap().get(), 4712);
    // Of a store that is there it changes nothing.
    let later = world.builder().first_key_id(KeyId::new(9000).unwrap()).build().unwrap();
    assert_kind(later.initialize().wait(), ErrorKind::KeyLifecycle);
    assert_eq!(later.provision("acme").wait().unwrap().get(), 4713);
}

#[test]
fn of_two_that_initialize_at_once_one_does() {
    for _ in 0..20 {
        let world = World::empty();
        let start = std::sync::Barrier::new(4);
        let made = std::thread::scope(|threads| {
            let initialize = || {
                let keys = world.process();
                start.wait();
                keys.initialize().wait()
            };
            let running: Vec<_> = (0..4).map(|_| threads.spawn(initialize)).collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
        for error in made.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::KeyLifecycle, "{error}");
        }
        assert_eq!(world.loaded().status().store.unwrap().keys.len(), 1);
    }
}

#[test]
fn every_change_raises_the_anchor() {
    let (world, paper, keys) = with_anchor("lost-2");
    let mut seen = vec![paper.text()];
    let mut raised = |what: &str| {
        let text = paper.text();
        keys.load().wait().unwrap();
        assert_eq!(text, keys.status().store.unwrap().anchor, "{what}");
        assert!(!seen.contains(&text), "{what}: {text}");
        seen.push(text);
    };
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    raised("publish");
    keys.activate_at_once(next).wait().unwrap();
    raised("activate");
    keys.disable(KeyId::new(1).unwrap()).wait().unwrap();
    raised("disable");
    keys.enable(KeyId::new(1).unwrap()).wait().unwrap();
    raised("enable");
    keys.mark_compromised(KeyId::new(1).unwrap()).wait().unwrap();
    raised("mark_compromised");
    keys.provision("acme").wait().unwrap();
    raised("provision");
    keys.provision_all(["globex", "initech"]).wait().unwrap();
    raised("provision_all");
    keys.destroy_scope("acme", &format!("destroy scope acme of {}", world.key_set)).wait().unwrap();
    raised("destroy_scope");
    keys.renew_store_key().wait().unwrap();
    raised("renew_store_key");
    world.clock.advance(HEARTBEAT);
    assert!(keys.maintain().wait().unwrap().signed);
    raised("the heartbeat");
}

#[test]
fn a_fresh_process_with_an_anchor_notices_a_store_that_was_set_back() {
    let (world, paper, keys) = with_anchor("lost-3");
    let before = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(before);
    let fresh = anchored(&world, &paper);
    let error = assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("anchor"), "{error}");
    assert_kind(fresh.keyring(), ErrorKind::KeyStoreRolledBack);
    assert_kind(fresh.provision("acme").wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(fresh.scope("acme").wait(), ErrorKind::KeyStoreRolledBack);
    // Another store in its place, however new.
    let other = World { key_set: "lost-3", ..World::empty() };
    other.clock.advance(DAY);
    other.process().initialize().wait().unwrap();
    world.store.restore(other.store.backup());
    let fresh = anchored(&world, &paper);
    let error = assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("its anchor is of"), "{error}");
}

/// One who has seen nothing accepts what the store shows: not another store than the one that the
/// anchor is of.
#[test]
fn another_store_is_not_accepted_where_the_anchor_knows_better() {
    let (world, paper, _keys) = with_anchor("lost-4");
    let other = World { key_set: "lost-4", ..World::empty() };
    other.process().initialize().wait().unwrap();
    world.store.restore(other.store.backup());
    let operator = anchored(&world, &paper);
    let accepted = operator.accept_restored(RestoredStore::new(1, 9)).wait();
    assert_kind(accepted, ErrorKind::KeyStoreRolledBack);
    assert_eq!(world.store.backup(), other.store.backup(), "it was not changed");
}

#[test]
fn a_store_that_is_accepted_raises_the_anchor() {
    let (world, paper, keys) = with_anchor("lost-5");
    let before = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    let high = paper.text();
    world.store.restore(before.clone());
    let operator = anchored(&world, &paper);
    operator.accept_restored(RestoredStore::new(1, 9)).wait().unwrap();
    assert_ne!(paper.text(), high);
    keys.load().wait().unwrap();
    anchored(&world, &paper).load().wait().unwrap();
    world.store.restore(before);
    assert_kind(anchored(&world, &paper).load().wait(), ErrorKind::KeyStoreRolledBack);
}

#[test]
fn an_anchor_that_can_not_be_read_lets_no_fresh_process_in() {
    let (world, paper, keys) = with_anchor("lost-6");
    paper.fails(true);
    let error = assert_kind(anchored(&world, &paper).load().wait(), ErrorKind::KeyStoreUnavailable);
    assert!(error.is_retryable() && error.to_string().contains("anchor (paper)"), "{error}");
    // A change is made, and what could not be done is told; the next change does it.
    keys.publish("", Purpose::Field).wait().unwrap();
    assert!(was_told("AnchorFailed", "lost-6"));
    paper.fails(false);
    keys.provision("acme").wait().unwrap();
    assert_eq!(paper.text(), keys.status().store.unwrap().anchor);
    for damaged in ["", "x", "0011 1 1", "\u{0}", "ef1:1:AAAA", &"x".repeat(100_000)] {
        paper.write(damaged);
        let error =
            assert_kind(anchored(&world, &paper).load().wait(), ErrorKind::KeyStoreUnusable);
        assert!(error.to_string().contains("holds no anchor"), "{error}");
        assert!(error.to_string().len() < 1000, "what stands there is not told");
    }
    // One ahead of everything is a store that was set back.
    let id = keys.status().store.unwrap().store;
    paper.write(&format!("{id} 253402300799 {}", i64::MAX));
    assert_kind(anchored(&world, &paper).load().wait(), ErrorKind::KeyStoreRolledBack);
    for bad in ["", "1 2 3", &format!("{id} 1"), &format!("{id} 1 2 3"), &format!("{id} -1 2")] {
        assert_kind(Anchor::fixed(bad), ErrorKind::InvalidKeys);
    }
}

/// A process that has seen the store needs no anchor to know how new it is.
#[test]
fn an_anchor_out_of_reach_stops_no_process_that_runs() {
    let (world, paper, keys) = with_anchor("lost-7");
    let stored = seal(&keys).unwrap();
    paper.fails(true);
    for _ in 0..100 {
        world.clock.advance(20 * MINUTE);
        keys.load().wait().unwrap();
        keys.maintain().wait().unwrap();
        seal(&keys).unwrap();
    }
    open(&keys, &stored).unwrap();
}

/// An anchor before whose reading of that number another process changes the store.
struct Overtaken {
    paper: Paper,
    other: KeyManager,
    at: usize,
    readings: Arc<AtomicUsize>,
}

impl Document for Overtaken {
    type Version = String;

    async fn read(&self) -> Result<Option<(String, String)>, BackendError> {
        if self.readings.fetch_add(1, Ordering::SeqCst) == self.at {
            self.other.provision("other").wait().unwrap();
        }
        self.paper.read().await
    }

    async fn replace(&self, before: Option<&String>, text: String) -> Result<bool, BackendError> {
        self.paper.replace(before, text).await
    }

    fn describe(&self) -> String {
        self.paper.describe()
    }
}

/// Another process writes at any moment of a change, and each is what processes may do.
#[test]
fn a_change_that_is_overtaken_is_no_rollback() {
    for at in 0.. {
        let (world, paper, other) = with_anchor("lost-overtaken");
        let readings = Arc::new(AtomicUsize::new(0));
        let anchor = Overtaken { paper, other, at, readings: Arc::clone(&readings) };
        let keys = world.builder().anchor(Anchor::in_document(anchor)).build().unwrap();
        keys.load().wait().unwrap();
        keys.provision("acme").wait().unwrap();
        keys.load().wait().unwrap();
        let readings = readings.load(Ordering::SeqCst);
        if readings <= at {
            assert!(at > 3, "the anchor is read by each load and before each change");
            break;
        }
    }
}
