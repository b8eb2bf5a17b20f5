//! The rest of the table of calls in `encrypted-field/docs/costs.md`: changes, tenants, the
//! heartbeat, and what looks at all keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use encrypted_field::envelope::{Anchor, BackendError, Call, Document, KeyManager, RestoredStore};
use encrypted_field::{ErrorKind, KeyId, key::Purpose};

use crate::support::*;

/// Reads and writes of the store, wraps and unwraps of the first KEK, both of the second.
type Calls = [usize; 5];

fn calls(world: &World) -> Calls {
    let us = world.us.wraps() + world.us.unwraps();
    [world.store.loads(), world.store.swaps(), world.eu.wraps(), world.eu.unwraps(), us]
}

/// How many calls some work takes.
fn cost<T>(world: &World, work: impl FnOnce() -> T) -> (Calls, T) {
    let before = calls(world);
    let done = work();
    let after = calls(world);
    (std::array::from_fn(|at| after[at] - before[at]), done)
}

#[track_caller]
fn takes<T: Send + 'static>(world: &World, expected: Calls, work: Call<T>) -> T {
    let (calls, done) = cost(world, || work.wait().unwrap());
    assert_eq!(calls, expected);
    done
}

/// Half an hour, in which the processes refresh.
fn pass_half_an_hour(world: &World, processes: &[&KeyManager]) {
    world.clock.advance(30 * MINUTE);
    for keys in processes {
        keys.load().wait().unwrap();
    }
}

#[test]
fn a_first_key_is_wrapped_and_tried_as_the_store_key_is() {
    let world = World::empty();
    // And then it is loaded.
    takes(&world, [3, 1, 2, 4, 4], world.process().initialize());
}

#[test]
fn states() {
    let world = World::new();
    let keys = world.loaded();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    takes(&world, [1, 1, 0, 2, 0], keys.activate_at_once(next));
    let id = KeyId::new(1).unwrap();
    takes(&world, [1, 1, 0, 1, 0], keys.disable(id));
    // It is unwrapped again.
    takes(&world, [1, 1, 0, 2, 0], keys.enable(id));
    takes(&world, [1, 1, 0, 1, 0], keys.mark_compromised(id));
    keys.disable(id).wait().unwrap();
    for _ in 0..3 {
        pass_half_an_hour(&world, &[&keys]);
    }
    takes(&world, [1, 1, 0, 1, 0], keys.destroy(id, "destroy key 1 of test"));
    takes(&world, [1, 1, 1, 3, 2], keys.create("slack", Purpose::Field));
}

#[test]
fn tenants() {
    let world = World::new();
    let (keys, other) = (world.loaded(), world.loaded());
    let id = takes(&world, [1, 1, 1, 2, 2], keys.provision("acme"));
    let (calls, refused) = cost(&world, || other.scope("nobody").wait());
    assert_kind(refused, ErrorKind::NoActiveKey);
    assert_eq!(calls, [1, 0, 0, 0, 0]);
    takes(&world, [1, 0, 0, 1, 0], keys.scope("acme"));
    takes(&world, [0, 0, 0, 0, 0], keys.scope("acme"));
    // The store key, the trial, and the key as it was stored, since the scope is in use here.
    let next = takes(&world, [1, 1, 1, 3, 2], keys.publish("acme", Purpose::Field));
    takes(&world, [1, 1, 0, 2, 0], keys.activate_at_once(next));
    // By a process in which the scope is not in use: it looks for the key among all, of which there
    // is one page.
    takes(&world, [4, 1, 0, 2, 0], other.disable(id));
    takes(&world, [1, 1, 0, 1, 0], keys.destroy_scope("acme", "destroy scope acme of test"));
    let many = (0..512).map(|number| format!("tenant-{number}"));
    takes(&world, [2, 2, 512, 514, 1024], keys.provision_all(many));
}

/// One process writes every half hour, and the others read that as any change.
#[test]
fn the_heartbeat() {
    let world = World::new();
    let (keys, other) = (world.loaded(), world.loaded());
    takes(&world, [1, 0, 0, 0, 0], keys.maintain());
    pass_half_an_hour(&world, &[&keys, &other]);
    assert!(takes(&world, [2, 1, 0, 0, 0], keys.maintain()).signed);
    takes(&world, [1, 0, 0, 1, 0], other.load());
    takes(&world, [1, 0, 0, 0, 0], other.maintain());
    // With tenants, `maintain` reads a page of them, too.
    keys.provision("acme").wait().unwrap();
    takes(&world, [3, 0, 0, 0, 0], keys.maintain());
    assert_eq!(world.store.swaps(), 3, "the first key, the signature and the tenant");
}

#[test]
fn once_a_day_all_that_is_in_use_is_read() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    keys.scope("acme").wait().unwrap();
    world.clock.advance(DAY);
    takes(&world, [2, 0, 0, 1, 0], keys.load());
}

#[test]
fn the_store_key() {
    let world = World::new();
    let keys = world.loaded();
    // The store key before, the trial of the new one, and another look at it.
    takes(&world, [1, 1, 1, 2, 2], keys.renew_store_key());
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    takes(&world, [3, 1, 1, 4, 2], keys.accept_restored(RestoredStore::new(2, 3)));
}

/// What looks at all keys, of 1,000 tenants: they are on 16 pages.
#[test]
fn all_keys() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..999).map(|number| format!("tenant-{number}"))).wait().unwrap();
    // The store key twice, and each key once.
    let found = takes(&world, [50, 0, 0, 1002, 1001], keys.check_consistency());
    assert_eq!(found.checked, 2 * 1001);
    takes(&world, [4, 0, 0, 1, 0], keys.keys_on_demand(0));
    takes(&world, [4, 0, 0, 0, 0], keys.keys_on_demand(1));

    let ap = TestKek::new(2);
    let three = world.builder().kek("ap", ap.clone()).build().unwrap();
    three.load().wait().unwrap();
    let (calls, report) = cost(&world, || three.rewrap().wait().unwrap());
    assert_eq!((report.keys, ap.wraps(), ap.unwraps()), (1000, 1001, 1001));
    let [reads, writes, wraps, unwraps, us] = calls;
    // The keys of the process, 16 pages, and the store key.
    assert_eq!((writes, wraps), (18, 0));
    assert!(reads <= 8 * writes && us == 1, "{calls:?}");
    assert!((1000..1100).contains(&unwraps), "{unwraps} unwraps");
    let (calls, report) =
        cost(&world, || keys.leave_out_kek("ap", "leave out KEK ap of test").wait().unwrap());
    assert_eq!(report.keys, 1000);
    let [reads, writes, wraps, unwraps, _] = calls;
    assert_eq!((writes, wraps), (18, 1));
    assert!(reads <= 8 * writes, "{calls:?}");
    assert!((1000..1100).contains(&unwraps), "{unwraps} unwraps");
}

/// A document in memory.
#[derive(Clone, Default)]
struct Note(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    text: Mutex<Option<String>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Note {
    fn calls(&self) -> (usize, usize) {
        (self.0.reads.load(Ordering::SeqCst), self.0.writes.load(Ordering::SeqCst))
    }
}

impl Document for Note {
    type Version = String;

    async fn read(&self) -> Result<Option<(String, String)>, BackendError> {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        let text = self.0.text.lock().unwrap().clone();
        Ok(text.map(|text| (text.clone(), text)))
    }

    async fn replace(&self, before: Option<&String>, text: String) -> Result<bool, BackendError> {
        self.0.writes.fetch_add(1, Ordering::SeqCst);
        let mut now = self.0.text.lock().unwrap();
        let is_expected = now.as_ref() == before;
        if is_expected {
            *now = Some(text);
        }
        Ok(is_expected)
    }

    fn describe(&self) -> String {
        "note".into()
    }
}

#[test]
fn an_anchor_is_read_by_each_refresh_and_raised_by_each_change() {
    let world = World::empty();
    let note = Note::default();
    let keys = world.builder().anchor(Anchor::in_document(note.clone())).build().unwrap();
    keys.initialize().wait().unwrap();
    keys.load().wait().unwrap();
    let (reads, writes) = note.calls();
    for _ in 0..2 {
        pass_half_an_hour(&world, &[&keys]);
    }
    assert_eq!(note.calls(), (reads + 2, writes), "each refresh asks it");
    keys.provision("acme").wait().unwrap();
    assert_eq!(
        note.calls(),
        (reads + 4, writes + 1),
        "a change reads it before and after, and writes it"
    );
    assert!(keys.maintain().wait().unwrap().published.is_empty());
    assert_eq!(note.calls(), (reads + 4, writes + 1), "nothing was changed");
}
