//! What a later release may have written: its keys are not used, not changed and not lost, and
//! everything else works.

use encrypted_field::envelope::{Document, KeyManager, Record, RestoredStore};
use encrypted_field::{
    ErrorKind, KeyId,
    key::{KeyState, Purpose},
};
use serde_json::{Value, json};
use tests::secrets;

use crate::signer::{Signer, body};
use crate::support::*;

/// What a later release does to an entry.
type OfLater = fn(&mut Value);

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

/// Ways in which an entry may be of a later release.
fn later() -> [(&'static str, OfLater); 6] {
    [
        ("a reserved purpose", |entry| entry["purpose"] = json!("audit")),
        ("a purpose", |entry| entry["purpose"] = json!("tokens")),
        ("a state", |entry| entry["state"] = json!("suspended")),
        ("a member", |entry| entry["quorum"] = json!({"of": [1, 2, null]})),
        ("a member of its change", |entry| entry["changed"]["ticket"] = json!("42")),
        ("other types", |entry| {
            entry["purpose"] = json!("tokens");
            entry["check"] = json!(["x"]);
            entry["wraps"] = json!(null);
        }),
    ]
}

/// Changes the entry of a key as a later release would.
fn change(world: &World, record: &str, key: u32, change: impl FnOnce(&mut Value)) {
    let signer = Signer::of(world);
    world.store.tamper(|records| {
        signer.change(records, record, |body| {
            let revision = body["revision"].clone();
            let entries = body["keys"].as_array_mut().unwrap();
            let entry = entries.iter_mut().find(|entry| entry["id"] == key).unwrap();
            entry["changed"]["revision"] = revision;
            change(entry);
        });
    });
}

fn entry(world: &World, record: &str, key: u32) -> Value {
    let body = body(&world.store.backup()[record]);
    body["keys"].as_array().unwrap().iter().find(|entry| entry["id"] == key).unwrap().clone()
}

#[track_caller]
fn upgrade<T>(result: encrypted_field::Result<T>, kind: ErrorKind) {
    let error = assert_kind(result, kind);
    assert!(error.to_string().contains("upgrade"), "it says what to do: {error}");
}

/// A store whose retired key 1 a later release has changed, with a value under it.
fn world(of_later: OfLater) -> (World, KeyManager, String) {
    let world = World::new();
    let keys = world.loaded();
    let stored = seal(&keys).unwrap();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    change(&world, &process_record(""), 1, of_later);
    if entry(&world, &process_record(""), 1)["purpose"] == "field" {
        return (world, keys, stored);
    }
    // A key that has another purpose than it had is not what a running process has seen.
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    (world.clone(), world.loaded(), stored)
}

#[test]
fn a_key_of_a_later_release_is_not_used_and_others_are() {
    for (what, of_later) in later() {
        let (world, running, stored) = world(of_later);
        for keys in [running, world.loaded()] {
            keys.load().wait().unwrap_or_else(|e| panic!("{what}: {e}"));
            upgrade(open(&keys, &stored), ErrorKind::KeyUnusable);
            let sealed = seal(&keys).unwrap();
            assert_eq!(key_of(&sealed), 2);
            open(&keys, &sealed).unwrap();
        }
    }
}

#[test]
fn a_key_of_a_later_release_is_not_changed_and_not_lost() {
    for (what, of_later) in later() {
        let (world, keys, _) = world(of_later);
        keys.load().wait().unwrap();
        let (name, before) = (process_record(""), entry(&world, &process_record(""), 1));
        let as_it_was = |how: &str| assert_eq!(entry(&world, &name, 1), before, "{what}: {how}");
        upgrade(keys.disable(id(1)).wait(), ErrorKind::KeyLifecycle);
        upgrade(keys.enable(id(1)).wait(), ErrorKind::KeyLifecycle);
        upgrade(keys.mark_compromised(id(1)).wait(), ErrorKind::KeyLifecycle);
        upgrade(keys.activate(id(1)).wait(), ErrorKind::KeyLifecycle);
        upgrade(keys.activate_at_once(id(1)).wait(), ErrorKind::KeyLifecycle);
        upgrade(keys.destroy(id(1), "destroy key 1 of test").wait(), ErrorKind::KeyLifecycle);
        as_it_was("changes of it");
        keys.create("", Purpose::Index).wait().unwrap();
        keys.renew_store_key().wait().unwrap();
        keys.repair().wait().unwrap();
        as_it_was("changes of others in its scope");
        world.clock.advance(91 * DAY);
        keys.load().wait().unwrap();
        keys.maintain().wait().unwrap();
        world.clock.advance(PROPAGATION);
        keys.load().wait().unwrap();
        keys.maintain().wait().unwrap();
        keys.load().wait().unwrap();
        as_it_was("a rotation");
        assert_eq!(key_of(&seal(&keys).unwrap()), 4, "{what}");
        world.store.restore(world.store.backup());
        let revision = world.store.revision();
        keys.accept_restored(RestoredStore::new(revision, 9)).wait().unwrap();
        as_it_was("an acceptance");
        assert_eq!(world.loaded().status().store.unwrap().next_id, 9);
    }
}

#[test]
fn a_scope_with_a_key_of_a_later_release_is_not_destroyed() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    let scope = keys.scope("acme").wait().unwrap();
    let stored = scope.run(|| Iban::from(secrets::BOT_TOKEN).to_stored_text()).unwrap();
    let next = keys.publish("acme", Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    change(&world, &demand_record("acme"), 2, |entry| entry["state"] = json!("suspended"));
    let before = world.store.backup();
    for keys in [world.loaded(), keys] {
        keys.load().wait().unwrap();
        let scope = keys.scope("acme").wait().unwrap();
        upgrade(scope.run(|| Iban::from_stored_text(stored.clone())), ErrorKind::KeyUnusable);
        scope.run(|| Iban::from(secrets::BOT_TOKEN).to_stored_text()).unwrap();
        let destroyed = keys.destroy_scope("acme", "destroy scope acme of test").wait();
        upgrade(destroyed, ErrorKind::KeyLifecycle);
    }
    assert_eq!(world.store.backup(), before);
}

/// The later release has made its key the active one. What this release adds, that one must be able
/// to read: two active keys, or two of one version, it has to refuse.
#[test]
fn nothing_is_added_that_a_later_release_refuses() {
    let cases: [(&str, OfLater); 2] = [
        ("a member", |entry| entry["quorum"] = json!(2)),
        ("a state", |entry| entry["state"] = json!("suspended")),
    ];
    for (what, of_later) in cases {
        let world = World::new();
        let keys = world.loaded();
        keys.provision("acme").wait().unwrap();
        change(&world, &process_record(""), 1, of_later);
        change(&world, &demand_record("acme"), 2, of_later);
        let keys = world.loaded();
        for scope in ["", "acme"] {
            let published = keys.publish(scope, Purpose::Field).wait();
            if let Ok(published) = published {
                let _may_be_refused = keys.activate_at_once(published).wait();
            }
            let _may_be_refused = keys.create(scope, Purpose::Field).wait();
            let _may_be_refused = keys.provision(scope).wait();
        }
        world.clock.advance(100 * DAY);
        let _may_be_refused = keys.load().wait();
        let _may_be_refused = keys.maintain().wait();
        for name in [process_record(""), demand_record("acme")] {
            let body = body(&world.store.backup()[&name]);
            let keys = body["keys"].as_array().unwrap();
            let fields = || keys.iter().filter(|key| key["purpose"] == "field");
            let active = fields().filter(|key| key["state"] == "active").count();
            assert!(active <= 1, "{what}: {active} active keys in {name}: {body:#}");
            let mut versions: Vec<_> =
                fields().map(|key| key["version"].as_u64().unwrap()).collect();
            versions.sort_unstable();
            let count = versions.len();
            versions.dedup();
            assert_eq!(
                versions.len(),
                count,
                "{what}: two keys of one version in {name}: {body:#}"
            );
        }
    }
}

/// Another KEK takes the place of the old ones. A key that could not be wrapped under it must not
/// be left behind without a word.
#[test]
fn a_key_of_a_later_release_is_not_left_without_a_kek() {
    let (world, _, _) = world(|entry| entry["state"] = json!("suspended"));
    let asia = TestKek::new(2);
    let all = world.builder().kek("asia", asia.clone()).build().unwrap();
    all.load().wait().unwrap();
    let report = all.rewrap().wait().unwrap();
    assert!(report.failed.iter().any(|problem| problem.key_id == Some(id(1))), "{report:?}");
    let without_us = || world.without_keks().kek("asia", asia.clone()).kek("eu", world.eu.clone());
    without_us().build().unwrap().leave_out_kek("us", "leave out KEK us of test").wait().unwrap();
    let alone = world.without_keks().kek("asia", asia.clone()).build().unwrap();
    let left = alone.leave_out_kek("eu", "leave out KEK eu of test").wait();
    let is_told = left.is_err() || !left.unwrap().failed.is_empty();
    assert!(is_told, "key 1 is wrapped under none of the KEKs that are left");
}

/// One that was seen and understood is of a later release now: it is the same key still, or the
/// store was set back.
#[test]
fn a_key_of_a_later_release_does_not_disappear() {
    let (world, keys, _) = world(|entry| entry["state"] = json!("suspended"));
    let fresh = world.loaded();
    keys.load().wait().unwrap();
    let signer = Signer::of(&world);
    world.store.tamper(|records| {
        signer.change(records, &process_record(""), |body| {
            drop(body["keys"].as_array_mut().unwrap().remove(0));
        });
    });
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// And its id names no other key.
#[test]
fn a_key_of_a_later_release_does_not_become_another() {
    let (world, _, _) = world(|entry| entry["purpose"] = json!("tokens"));
    let keys = world.loaded();
    change(&world, &process_record(""), 1, |entry| {
        entry["purpose"] = json!("index");
        entry["version"] = json!(1);
        entry["state"] = json!("retired");
    });
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

/// Authentic or not: an unknown member outside of entries is of a later release only where it is
/// signed.
#[test]
fn records_with_unknown_members_are_refused() {
    let names = [
        "head".to_owned(),
        "process".to_owned(),
        process_record(""),
        "tree".to_owned(),
        demand_record("acme"),
    ];
    for name in names {
        let world = World::new();
        world.loaded().provision("acme").wait().unwrap();
        let running = world.loaded();
        let before = world.store.backup();
        let signer = Signer::of(&world);
        world
            .store
            .tamper(|records| signer.change(records, &name, |body| body["more"] = json!({"a": 1})));
        let read = |keys: &KeyManager| {
            keys.load().wait().and_then(|()| keys.scope("acme").wait().map(drop))
        };
        upgrade(read(&world.process()), ErrorKind::KeyStoreUnusable);
        upgrade(read(&running), ErrorKind::KeyStoreUnusable);
        seal(&running).unwrap();
        world.store.restore(before);
        world.store.tamper(|records| {
            let record = records.get_mut(&name).unwrap();
            let mut body = body(record);
            body["more"] = json!({"a": 1});
            record.body = body.to_string();
        });
        assert_kind(read(&world.process()), ErrorKind::KeyStoreTampered);
    }
}

#[test]
fn links_with_unknown_members_are_refused() {
    for (name, link) in
        [("head", "/process"), ("head", "/tree"), ("process", "/scopes/0"), ("tree", "/scopes/0")]
    {
        let world = World::new();
        world.loaded().provision("acme").wait().unwrap();
        let signer = Signer::of(&world);
        world.store.tamper(|records| {
            signer.change(records, name, |body| body.pointer_mut(link).unwrap()["more"] = json!(1));
        });
        let keys = world.process();
        upgrade(
            keys.load().wait().and_then(|()| keys.scope("acme").wait().map(drop)),
            ErrorKind::KeyStoreUnusable,
        );
    }
}

/// Whatever else it looks like.
#[test]
fn a_head_of_another_version_says_upgrade() {
    for version in [json!(2), json!(0), json!(u64::MAX)] {
        for head in
            [json!({"version": version}), json!({"version": version, "layout": [1.5, null]})]
        {
            let world = World::new();
            let running = world.loaded();
            world.store.tamper(|records| records.get_mut("head").unwrap().body = head.to_string());
            upgrade(world.process().load().wait(), ErrorKind::KeyStoreUnusable);
            upgrade(running.load().wait(), ErrorKind::KeyStoreUnusable);
            upgrade(running.provision("acme").wait(), ErrorKind::KeyStoreUnusable);
            upgrade(
                world.process().initialize().wait().map(drop).map_err(|e| match e.kind() {
                    // It has keys already: nobody begins another store in it.
                    ErrorKind::KeyLifecycle => world.process().load().wait().unwrap_err(),
                    _ => e,
                }),
                ErrorKind::KeyStoreUnusable,
            );
            seal(&running).unwrap();
        }
    }
}

#[test]
fn a_document_of_another_version_says_upgrade() {
    use encrypted_field::envelope::FileStore;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let builder = || KeyManager::builder("test", FileStore::new(&path)).kek("eu", TestKek::new(0));
    let keys = builder().build().unwrap();
    keys.initialize().wait().unwrap();
    keys.load().wait().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for other in [
        text.replacen("\"version\": 1,", "\"version\": 2,", 1),
        "{\"version\": 2, \"format\": \"encrypted-field key store\", \"nodes\": \"zstd\"}"
            .to_owned(),
    ] {
        assert_ne!(other, text);
        std::fs::write(&path, &other).unwrap();
        upgrade(builder().build().unwrap().load().wait(), ErrorKind::KeyStoreUnusable);
        upgrade(keys.load().wait(), ErrorKind::KeyStoreUnusable);
        upgrade(keys.provision("acme").wait(), ErrorKind::KeyStoreUnusable);
        upgrade(builder().build().unwrap().initialize().wait(), ErrorKind::KeyStoreUnusable);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), other, "it was not changed");
        seal(&keys).unwrap();
    }
    assert!(Document::describe(&FileStore::new(&path)).contains("keys.json"));
}

/// Ids of later releases are taken, and an entry whose id is none is no entry.
#[test]
fn the_id_of_a_later_entry_is_valid_all_the_same() {
    for bad in
        [json!(0), json!(-1), json!("1"), json!(1_u64 << 32), json!(2), json!(77), json!(null)]
    {
        let (world, _, _) = world(|entry| entry["state"] = json!("suspended"));
        let signer = Signer::of(&world);
        world.store.tamper(|records| {
            signer.change(records, &process_record(""), |body| body["keys"][0]["id"] = bad.clone());
        });
        assert_kind(world.process().load().wait(), ErrorKind::KeyStoreTampered);
    }
    let (world, _, _) = world(|entry| entry["state"] = json!("suspended"));
    let keys = world.loaded();
    assert_eq!(keys.publish("", Purpose::Field).wait().unwrap(), id(3));
    assert!(keys.status().store.unwrap().keys.iter().any(|key| key.state == KeyState::Active));
    assert!(world.store.backup().contains_key(Record::HEAD));
}
