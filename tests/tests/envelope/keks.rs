//! Several key-encryption keys: regions, and one in a safe.

use std::sync::{Arc, Mutex};

use encrypted_field::envelope::BackendErrorKind::{Rejected, Unavailable};
use encrypted_field::{ErrorKind, KeyState, Purpose};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn when_one_region_is_gone_the_other_loads() {
    let world = World::new();
    let stored = seal(&world.loaded()).unwrap();
    world.eu.set_fault(Fault::Hangs);
    let keys = world.loaded();
    open(&keys, &stored).unwrap();
    assert!(world.us.unwraps() > 0);
    // One that did not answer is not asked for every key again.
    let asked = world.eu.unwraps();
    keys.load().wait().unwrap();
    assert_eq!(world.eu.unwraps(), asked);
    // And after a while it is the first one again.
    world.clock.advance(MINUTE);
    world.eu.set_fault(Fault::None);
    let (eu, us) = (world.eu.unwraps(), world.us.unwraps());
    keys.load().wait().unwrap();
    assert_eq!((world.eu.unwraps() - eu, world.us.unwraps() - us), (1, 0));
}

#[test]
fn a_failover_is_recorded() {
    use encrypted_field::event::{self, Event};
    static SEEN: Mutex<Vec<(String, u32, ErrorKind)>> = Mutex::new(Vec::new());
    event::set_hook(|event| {
        if let Event::KekFailed { kek, key_id, kind, .. } = event
            && *kek == "asia"
        {
            SEEN.lock().unwrap().push(((*kek).to_owned(), *key_id, *kind));
        }
    });
    let world = World::empty();
    let asia = TestKek::new(2);
    let builder = || world.without_keks().kek("asia", asia.clone()).kek("us", world.us.clone());
    let keys = builder().build().unwrap();
    keys.initialize(world.now()).wait().unwrap();
    asia.set_fault(Fault::Fails(Unavailable));
    builder().build().unwrap().load().wait().unwrap();
    assert_eq!(SEEN.lock().unwrap()[0], ("asia".to_owned(), 0, ErrorKind::KeyServiceUnavailable));
}

#[test]
fn the_consistency_check_finds_a_divergent_wrap() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme", world.now()).wait().unwrap();
    let found = keys.check_consistency().wait().unwrap();
    assert_eq!((found.checked, found.problems.len()), (4, 0));

    // What happens where somebody restores one region's key service: its KEK is another one.
    let diverged =
        world.without_keks().kek("eu", world.eu.clone()).kek("us", TestKek::new(3)).build().unwrap();
    diverged.load().wait().unwrap();
    let found = diverged.check_consistency().wait().unwrap();
    let problems: Vec<_> = found
        .problems
        .iter()
        .map(|problem| (problem.key_id.get(), &*problem.kek, problem.error.as_ref().unwrap().kind()))
        .collect();
    let rejected = ErrorKind::WrappedKeyRejected;
    assert_eq!(problems, [(1, "us", rejected), (2, "us", rejected)]);

    // A KEK that wraps another key than the one it was given: it unwraps, to the wrong one.
    let swapped = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", Swapping(world.us.clone()))
        .build()
        .unwrap();
    swapped.load().wait().unwrap();
    let found = swapped.check_consistency().wait().unwrap();
    let error = found.problems[0].error.as_ref().unwrap();
    assert!(error.to_string().contains("another key than the one with this check value"), "{error}");
}

struct Swapping(TestKek);

impl encrypted_field::envelope::KeyEncryptionKey for Swapping {
    async fn wrap(
        &self,
        context: &encrypted_field::envelope::WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, encrypted_field::envelope::BackendError> {
        self.0.wrap(context, key).await
    }

    async fn unwrap(
        &self,
        context: &encrypted_field::envelope::WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<zeroize::Zeroizing<[u8; 32]>, encrypted_field::envelope::BackendError> {
        let mut key = self.0.unwrap(context, wrapped).await?;
        key[0] ^= 1;
        Ok(key)
    }

    fn describe(&self) -> String {
        "a swapping test's".into()
    }
}

/// Nothing is stored that could not be read again.
#[test]
fn a_kek_that_wraps_wrongly_makes_no_key() {
    let world = World::new();
    let before = world.store.backup();
    let keys = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", Swapping(world.us.clone()))
        .build()
        .unwrap();
    keys.load().wait().unwrap();
    assert_kind(keys.publish("", Purpose::Field, world.now()).wait(), ErrorKind::WrappedKeyRejected);
    assert_kind(keys.maintain(world.now() + 90 * DAY).wait(), ErrorKind::WrappedKeyRejected);
    assert_eq!(world.store.backup(), before);
}

#[test]
fn a_kek_is_added_and_one_left_out() {
    let world = World::new();
    let keys = world.loaded();
    for tenant in ["acme", "globex"] {
        keys.provision(tenant, world.now()).wait().unwrap();
    }
    let stored = seal(&keys).unwrap();
    let asia = TestKek::new(2);

    let three = world.builder().kek("asia", asia.clone()).build().unwrap();
    three.load().wait().unwrap();
    assert_eq!(three.check_consistency().wait().unwrap().problems.len(), 3);
    assert!(
        three.maintain(world.now()).wait().unwrap().rewrapped.is_empty(),
        "adding one is not done by itself"
    );
    assert_eq!(three.rewrap(world.now()).wait().unwrap(), 3);
    assert_eq!(three.rewrap(world.now()).wait().unwrap(), 0);
    assert_eq!(three.check_consistency().wait().unwrap().problems.len(), 0);
    assert_eq!(three.status().unwrap().keks, ["asia", "eu", "us"]);

    // A process of the old kind goes on, and opens the same values.
    keys.load().wait().unwrap();
    open(&keys, &stored).unwrap();

    // Only the new one is left: the store has another key for its authentication.
    let before = world.store.backup();
    let one = world.without_keks().kek("asia", asia.clone()).build().unwrap();
    assert_eq!(one.rewrap(world.now()).wait().unwrap(), 3);
    let status = one.status().unwrap();
    assert_eq!(status.keks, ["asia"]);
    assert!(status.keys.iter().all(|key| key.keks == ["asia"]));
    let mac = |records: &std::collections::BTreeMap<u32, encrypted_field::envelope::Record>| {
        let body: Value = serde_json::from_str(&records[&1].body).unwrap();
        body["mac"].clone()
    };
    assert_ne!(mac(&before), mac(&world.store.backup()));
    open(&one, &stored).unwrap();
    assert_kind(keys.load().wait(), ErrorKind::KekUnusable);
    world.without_keks().kek("asia", asia).build().unwrap().load().wait().unwrap();
}

/// Whoever had the KEK that was left out can't sign entries for the store any more.
#[test]
fn a_kek_that_was_left_out_authenticates_nothing() {
    let world = World::new();
    let keys = world.loaded();
    keys.publish("", Purpose::Field, world.now()).wait().unwrap();
    let with_us = world.store.backup();
    world.without_keks().kek("eu", world.eu.clone()).build().unwrap().rewrap(world.now()).wait().unwrap();
    // The old head with its wraps and MACs, under the new revision.
    let now = world.store.revision();
    world.store.restore(with_us);
    world.store.tamper(|records| {
        for record in records.values_mut() {
            let mut body: Value = serde_json::from_str(&record.body).unwrap();
            if record.id == 0 {
                body["revision"] = json!(now + 1);
                record.revision = now + 1;
            }
            record.body = body.to_string();
        }
    });
    assert_kind(world.loaded_or_error(), ErrorKind::KeyStoreTampered);
}

#[test]
fn rewrapping_goes_on_where_it_was_stopped() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision_all((0..600).map(|number| format!("tenant-{number}")), world.now()).wait().unwrap();
    let asia = TestKek::new(2);
    let three = world.builder().kek("asia", asia.clone()).build().unwrap();
    let failing =
        world.builder().kek("asia", FailingAfter(asia.clone(), Arc::default(), 300)).build().unwrap();
    assert_kind(failing.rewrap(world.now()).wait(), ErrorKind::KeyServiceUnavailable);
    // The first change of 256 keys was made, and everything loads as before.
    let with_asia = |keys: &encrypted_field::envelope::KeyManager| {
        let status = keys.status().unwrap();
        status.keys.iter().filter(|key| key.keks.contains(&"asia".to_owned())).count()
    };
    let now = world.loaded();
    assert_eq!(with_asia(&now), 256);
    assert_eq!(now.status().unwrap().keks, ["eu", "us"]);
    assert_eq!(three.rewrap(world.now()).wait().unwrap(), 601 - 256);
    assert_eq!(with_asia(&three), 601);
    assert_eq!(three.check_consistency().wait().unwrap().checked, 3 * 601);
}

struct FailingAfter(TestKek, Arc<Mutex<usize>>, usize);

impl encrypted_field::envelope::KeyEncryptionKey for FailingAfter {
    async fn wrap(
        &self,
        context: &encrypted_field::envelope::WrapContext<'_>,
        key: &[u8; 32],
    ) -> Result<Vec<u8>, encrypted_field::envelope::BackendError> {
        let count = {
            let mut count = self.1.lock().unwrap();
            *count += 1;
            *count
        };
        if count > self.2 {
            return Err(encrypted_field::envelope::BackendError::new(Unavailable, "on request"));
        }
        self.0.wrap(context, key).await
    }

    async fn unwrap(
        &self,
        context: &encrypted_field::envelope::WrapContext<'_>,
        wrapped: &[u8],
    ) -> Result<zeroize::Zeroizing<[u8; 32]>, encrypted_field::envelope::BackendError> {
        self.0.unwrap(context, wrapped).await
    }

    fn describe(&self) -> String {
        "a failing test's".into()
    }
}

/// A tenant that comes while a region is down gets a key, and `maintain` adds what is missing.
#[test]
fn a_tenant_is_provisioned_while_a_region_is_down() {
    let world = World::new();
    let keys = world.loaded();
    world.us.set_fault(Fault::Fails(Unavailable));
    let id = keys.provision("acme", world.now()).wait().unwrap();
    let keks = |keys: &encrypted_field::envelope::KeyManager| {
        keys.status().unwrap().keys.iter().find(|key| key.id == id).unwrap().keks.clone()
    };
    assert_eq!(keks(&keys), ["eu"]);
    world.us.set_fault(Fault::None);
    world.clock.advance(MINUTE);
    assert_eq!(keys.maintain(world.now()).wait().unwrap().rewrapped, [id]);
    assert_eq!(keks(&keys), ["eu", "us"]);
    assert_eq!(keys.status().unwrap().keys[1].state, KeyState::Active);
}

/// A KEK that says it is not its key, where another says it is: the store is fine, the KEK is not.
#[test]
fn a_kek_that_rejects_is_passed_over() {
    let world = World::new();
    world.eu.set_fault(Fault::Fails(Rejected));
    let keys = world.loaded();
    seal(&keys).unwrap();
}
