//! Who made a change, and why.

use encrypted_field::envelope::{KeyManager, KeyStatus};
use encrypted_field::{ErrorKind, KeyId, key::Purpose};
use serde_json::{Value, json};

use crate::signer::body;
use crate::support::*;

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

fn status(keys: &KeyManager, id: u32) -> KeyStatus {
    keys.load().wait().unwrap();
    keys.status().store.unwrap().keys.into_iter().find(|key| key.id.get() == id).unwrap()
}

fn note(status: &KeyStatus) -> (Option<&str>, Option<&str>) {
    (status.changed_by.as_deref(), status.changed_why.as_deref())
}

#[test]
fn a_note_is_kept_with_what_it_changed_and_shown() {
    let world = World::new();
    let keys = world.loaded();
    let alice = keys.noting("alice", "laptop stolen, ticket 42");
    let next = alice.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(MINUTE);
    keys.activate_at_once(next).wait().unwrap();
    world.clock.advance(MINUTE);
    alice.mark_compromised(id(1)).wait().unwrap();
    let other = world.loaded();
    let compromised = status(&other, 1);
    assert_eq!(note(&compromised), (Some("alice"), Some("laptop stolen, ticket 42")));
    assert_eq!(compromised.changed, world.now());
    let active = status(&other, 2);
    assert_eq!(note(&active), (None, None), "the last change had no note");
    assert_eq!(active.changed, world.now() - MINUTE);
    let head = body(&world.store.backup()["head"]);
    assert_eq!((&head["by"], &head["why"]), (&json!("alice"), &json!("laptop stolen, ticket 42")));
    // Another change of the store leaves the note of the entry, and not that of the head.
    keys.provision("acme").wait().unwrap();
    assert_eq!(note(&status(&other, 1)).0, Some("alice"));
    let head = body(&world.store.backup()["head"]);
    assert_eq!((head.get("by"), head.get("why")), (None, None));
    // Of scopes on demand, too.
    alice.provision("globex").wait().unwrap();
    let page = other.keys_on_demand(0).wait().unwrap();
    let globex = page.keys.iter().find(|key| key.scope == "globex").unwrap();
    assert_eq!(note(globex).0, Some("alice"));
}

/// Every kind of change that somebody makes.
#[test]
fn each_change_has_its_note() {
    let world = World::new();
    let keys = world.loaded();
    let noted = |why: &str| keys.noting("bob", why);
    let why = || body(&world.store.backup()["head"])["why"].as_str().unwrap_or_default().to_owned();
    noted("create").create("slack", Purpose::Field).wait().unwrap();
    assert_eq!(why(), "create");
    noted("all").provision_all(["acme"]).wait().unwrap();
    assert_eq!(why(), "all");
    let next = noted("publish").publish("", Purpose::Field).wait().unwrap();
    assert_eq!(why(), "publish");
    noted("activate").activate_at_once(next).wait().unwrap();
    assert_eq!(why(), "activate");
    noted("disable").disable(id(1)).wait().unwrap();
    assert_eq!(why(), "disable");
    noted("enable").enable(id(1)).wait().unwrap();
    assert_eq!(why(), "enable");
    noted("store key").renew_store_key().wait().unwrap();
    assert_eq!(why(), "store key");
    let asia = world.builder().kek("asia", TestKek::new(2)).build().unwrap();
    asia.noting("bob", "rewrap").rewrap().wait().unwrap();
    assert_eq!(why(), "rewrap");
    noted("shred").destroy_scope("acme", "destroy scope acme of test").wait().unwrap();
    assert_eq!(why(), "shred");
    world.clock.advance(HEARTBEAT);
    asia.load().wait().unwrap();
    asia.noting("bob", "maintain").maintain().wait().unwrap();
    assert_eq!(why(), "maintain");
    let first = World::empty();
    first.process().noting("bob", "begin").initialize().wait().unwrap();
    assert_eq!(note(&status(&first.loaded(), 1)), (Some("bob"), Some("begin")));
}

#[test]
fn a_note_is_bounded() {
    let world = World::new();
    let keys = world.loaded();
    for (by, why, kept_by, kept_why) in [
        ("x".repeat(201), "y".repeat(501), "x".repeat(200), "y".repeat(500)),
        // Never in the middle of a character.
        (
            format!("{}é", "x".repeat(199)),
            format!("{}鍵", "y".repeat(498)),
            "x".repeat(199),
            "y".repeat(498),
        ),
        (
            "\"\\\n\u{0}\u{1b}[31m".into(),
            "</script>".into(),
            "\"\\\n\u{0}\u{1b}[31m".into(),
            "</script>".into(),
        ),
    ] {
        let scope = format!("scope-{}", world.store.revision());
        let id = keys.noting(&by, &why).create(&scope, Purpose::Field).wait().unwrap();
        let status = status(&world.loaded(), id.get());
        assert_eq!(note(&status), (Some(&*kept_by), Some(&*kept_why)));
    }
    let id = keys.noting("", "").create("none", Purpose::Field).wait().unwrap();
    assert_eq!(note(&status(&world.loaded(), id.get())), (None, None));
}

#[test]
fn a_note_is_authenticated() {
    let world = World::new();
    let keys = world.loaded();
    keys.noting("alice", "she did").create("slack", Purpose::Field).wait().unwrap();
    let before = world.store.backup();
    for name in ["head".to_owned(), process_record("slack")] {
        let changes: [fn(&mut Value); 3] = [
            |note| note["by"] = json!("bob"),
            |note| drop(note.as_object_mut().unwrap().remove("by")),
            |note| note["why"] = json!("he did"),
        ];
        for change in changes {
            world.store.restore(before.clone());
            world.store.tamper(|records| {
                let record = records.get_mut(&name).unwrap();
                let mut body = body(record);
                match name.as_str() {
                    "head" => change(&mut body),
                    _ => change(&mut body["keys"][0]["changed"]),
                }
                record.body = body.to_string();
            });
            assert_kind(world.process().load().wait(), ErrorKind::KeyStoreTampered);
        }
    }
}

/// A clone with a note is the same manager.
#[test]
fn a_note_is_of_one_clone() {
    let world = World::new();
    let keys = world.loaded();
    let alice = keys.noting("alice", "");
    let id = keys.create("slack", Purpose::Field).wait().unwrap();
    assert_eq!(note(&status(&alice, id.get())), (None, None));
    let id = alice.noting("bob", "again").create("github", Purpose::Field).wait().unwrap();
    assert_eq!(note(&status(&keys, id.get())), (Some("bob"), Some("again")));
    assert_eq!(key_of(&seal(&alice).unwrap()), 1);
}
