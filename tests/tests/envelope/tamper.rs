//! Somebody writes to the database that the store is in, without the key-encryption key.

use encrypted_field::envelope::Record;
use encrypted_field::{ErrorKind, Purpose};
use serde_json::{Value, json};

use crate::support::*;

/// A store with keys of several scopes, purposes and states.
fn world() -> World {
    let world = World::new();
    let keys = world.loaded();
    keys.create("slack", Purpose::Field).wait().unwrap();
    keys.create("", Purpose::Index).wait().unwrap();
    keys.provision("acme").wait().unwrap();
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    keys.maintain().wait().unwrap();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    keys.activate(id).wait().unwrap();
    world
}

#[track_caller]
fn refused(world: &World, how: &str) {
    let error = match world.process().load().wait() {
        Ok(()) => panic!("{how}: it was loaded"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::KeyStoreTampered, "{how}: {error}");
}

fn edit(record: &mut Record, change: impl FnOnce(&mut Value)) {
    let mut body: Value = serde_json::from_str(&record.body).unwrap();
    change(&mut body);
    record.body = body.to_string();
}

#[test]
fn it_loads_as_it_is() {
    let world = world();
    let keys = world.loaded();
    let states: Vec<_> =
        keys.status().unwrap().keys.iter().map(|key| (key.id.get(), key.state.name())).collect();
    assert_eq!(states, [(1, "retired"), (2, "active"), (3, "active"), (4, "active"), (5, "active")]);
}

/// Formatting is the database's business.
#[test]
fn a_body_that_is_formatted_otherwise_is_the_same() {
    let world = world();
    world.store.tamper(|records| {
        for record in records.values_mut() {
            let body: Value = serde_json::from_str(&record.body).unwrap();
            record.body = serde_json::to_string_pretty(&body).unwrap();
        }
    });
    world.loaded();
}

#[test]
fn every_field_of_every_record_is_authenticated() {
    let world = world();
    let before = world.store.backup();
    let mut count = 0;
    for id in before.keys() {
        let body: Value = serde_json::from_str(&before[id].body).unwrap();
        for (name, value) in body.as_object().unwrap() {
            for (how, change) in changes(name, value) {
                world.store.restore(before.clone());
                world.store.tamper(|records| {
                    let record = records.get_mut(id).unwrap();
                    edit(record, |body| match change {
                        Some(change) => body[name] = change,
                        None => drop(body.as_object_mut().unwrap().remove(name)),
                    });
                    // Whoever changes the revision changes it everywhere.
                    if name == "revision" {
                        let body: Value = serde_json::from_str(&record.body).unwrap();
                        record.revision = body["revision"].as_u64().unwrap_or(record.revision);
                    }
                });
                let error = world.process().load().wait().expect_err(&format!("record {id}, {name}, {how}"));
                let expected = match name.as_str() {
                    // What does not unwrap authenticates nothing.
                    "store_key" => {
                        [ErrorKind::WrappedKeyRejected, ErrorKind::KekUnusable, ErrorKind::KeyStoreTampered]
                            .as_slice()
                    }
                    "epoch" => &[ErrorKind::WrappedKeyRejected, ErrorKind::KeyStoreTampered],
                    "version" if *id == 0 => &[ErrorKind::KeyStoreUnusable, ErrorKind::KeyStoreTampered],
                    _ => &[ErrorKind::KeyStoreTampered],
                };
                assert!(expected.contains(&error.kind()), "record {id}, {name}, {how}: {error}");
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count} changes were tried");
}

/// Other values of the same kind, another kind, and none.
fn changes(name: &str, value: &Value) -> Vec<(String, Option<Value>)> {
    let mut changes = match value {
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            vec![json!(number + 1), json!(number.saturating_sub(1)), json!("text"), json!(-1)]
        }
        Value::Bool(value) => vec![json!(!value)],
        Value::String(text) if name == "state" => {
            ["pending", "active", "retired", "disabled", "destroyed", "compromised", "other"]
                .into_iter()
                .filter(|state| state != text)
                .map(|state| json!(state))
                .collect()
        }
        Value::String(text) if name == "purpose" => ["field", "index", "file"]
            .into_iter()
            .filter(|other| other != text)
            .map(|other| json!(other))
            .collect(),
        Value::String(text) => {
            let mut other = text.clone().into_bytes();
            if let Some(first) = other.first_mut() {
                *first = if *first == b'A' { b'B' } else { b'A' };
            }
            vec![json!(String::from_utf8(other).unwrap()), json!(format!("{text}A")), json!(7)]
        }
        Value::Object(members) => {
            let mut without = members.clone();
            without.pop_first();
            let mut renamed = members.clone();
            let wrap = renamed.pop_first().unwrap().1;
            renamed.insert("other".into(), wrap);
            let swapped: serde_json::Map<_, _> =
                members.keys().cloned().zip(members.values().rev().cloned()).collect();
            vec![Value::Object(without), Value::Object(renamed), Value::Object(swapped)]
        }
        other => panic!("{name}: no change is known for {other}"),
    };
    changes.retain(|change| change != value);
    let mut changes: Vec<_> = changes.into_iter().map(|change| (change.to_string(), Some(change))).collect();
    changes.push(("removed".into(), None));
    changes
}

/// serde_json's map without its `preserve_order`.
trait PopFirst {
    fn pop_first(&mut self) -> Option<(String, Value)>;
}

impl PopFirst for serde_json::Map<String, Value> {
    fn pop_first(&mut self) -> Option<(String, Value)> {
        let name = self.keys().next()?.clone();
        self.remove_entry(&name)
    }
}

#[test]
fn added_members_are_refused() {
    let world = world();
    let before = world.store.backup();
    for id in before.keys() {
        world.store.restore(before.clone());
        world.store.tamper(|records| edit(records.get_mut(id).unwrap(), |body| body["more"] = json!(1)));
        refused(&world, &format!("record {id} with a member more"));
    }
}

#[test]
fn records_are_not_left_out_doubled_renumbered_or_swapped() {
    let world = world();
    let before = world.store.backup();
    let ids: Vec<u32> = before.keys().copied().filter(|id| *id != 0).collect();
    for id in &ids {
        world.store.restore(before.clone());
        world.store.tamper(|records| drop(records.remove(id)));
        refused(&world, &format!("without the entry of key {id}"));

        world.store.restore(before.clone());
        world.store.tamper(|records| {
            let mut copy = records[id].clone();
            copy.id = 40;
            records.insert(40, copy.clone());
        });
        refused(&world, &format!("with key {id} under another id"));

        world.store.restore(before.clone());
        world.store.tamper(|records| {
            let mut copy = records[id].clone();
            copy.id = 40;
            edit(&mut copy, |body| body["id"] = json!(40));
            records.insert(40, copy);
        });
        refused(&world, &format!("with a copy of key {id}"));

        for other in ids.iter().filter(|other| *other > id) {
            world.store.restore(before.clone());
            world.store.tamper(|records| {
                let (one, two) = (records[id].body.clone(), records[other].body.clone());
                records.get_mut(id).unwrap().body = two;
                records.get_mut(other).unwrap().body = one;
            });
            refused(&world, &format!("with the entries of keys {id} and {other} swapped"));

            for member in ["wraps", "check", "mac", "state", "scope", "purpose"] {
                world.store.restore(before.clone());
                world.store.tamper(|records| {
                    let bodies: Vec<Value> =
                        [id, other].map(|id| serde_json::from_str(&records[id].body).unwrap()).into();
                    for (id, body) in [(id, &bodies[1]), (other, &bodies[0])] {
                        edit(records.get_mut(id).unwrap(), |own| match body.get(member) {
                            Some(value) => own[member] = value.clone(),
                            None => drop(own.as_object_mut().unwrap().remove(member)),
                        });
                    }
                });
                let value =
                    |id: &u32| serde_json::from_str::<Value>(&before[id].body).unwrap().get(member).cloned();
                if value(id) != value(other) {
                    refused(&world, &format!("with `{member}` of keys {id} and {other} swapped"));
                }
            }
        }
    }
    world.store.restore(before.clone());
    world.store.tamper(|records| drop(records.remove(&0)));
    refused(&world, "without the head");
}

#[test]
fn one_entry_is_not_set_back() {
    let world = World::new();
    let keys = world.loaded();
    let before = world.store.backup();
    let id = keys.publish("", Purpose::Field).wait().unwrap();
    world.clock.advance(PROPAGATION);
    keys.load().wait().unwrap();
    keys.activate(id).wait().unwrap();
    // The first key, which is retired, becomes active again.
    let old = before[&1].clone();
    world.store.tamper(|records| drop(records.insert(1, old)));
    refused(&world, "with an entry set back");
    // And not for a process that knows better, either.
    keys.load().wait().unwrap();
    assert_eq!(key_of(&seal(&keys).unwrap()), id.get());
}

#[test]
fn the_whole_store_is_not_set_back_while_a_process_lives() {
    let world = World::new();
    let keys = world.loaded();
    let backup = world.store.backup();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("revision 1 of epoch 1, after 2"), "{error}");
    // Emptied altogether.
    world.store.restore(Default::default());
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
    // What is loaded stays in use meanwhile.
    seal(&keys).unwrap();
}

#[test]
fn the_whole_store_is_not_set_back_below_the_minimum() {
    let world = World::new();
    let backup = world.store.backup();
    world.loaded().publish("", Purpose::Field).wait().unwrap();
    let minimum = world.builder().min_revision(2).build().unwrap();
    minimum.load().wait().unwrap();
    world.store.restore(backup);
    let fresh = world.builder().min_revision(2).build().unwrap();
    let error = assert_kind(fresh.load().wait(), ErrorKind::KeyStoreRolledBack);
    assert!(error.to_string().contains("below the minimum 2"), "{error}");
    // Without the minimum a fresh process can't tell; the documentation says so.
    world.loaded();
}

/// A change at a revision that stays: a process that runs sees it once a day, and the check at once.
#[test]
fn a_change_below_the_surface_is_noticed() {
    let world = World::new();
    let keys = world.loaded();
    keys.provision("acme").wait().unwrap();
    world.store.tamper(|records| drop(records.remove(&2)));
    keys.load().wait().unwrap();
    assert_kind(keys.check_consistency().wait(), ErrorKind::KeyStoreTampered);
    world.pass_quietly(DAY);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreTampered);
}

/// Two histories that reach the same revision.
#[test]
fn a_revision_that_was_seen_does_not_change() {
    let world = World::new();
    let backup = world.store.backup();
    let keys = world.loaded();
    keys.publish("", Purpose::Field).wait().unwrap();
    world.store.restore(backup);
    world.loaded().provision("acme").wait().unwrap();
    assert_eq!(world.store.revision(), 2);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreRolledBack);
}

#[test]
fn garbage_is_refused() {
    for garbage in ["", "{", "[]", "null", "{\"id\":1}", "\u{0}", "<html>"] {
        let world = World::new();
        for id in [0, 1] {
            let before = world.store.backup();
            world.store.tamper(|records| records.get_mut(&id).unwrap().body = garbage.into());
            refused(&world, &format!("record {id} as {garbage:?}"));
            world.store.restore(before);
        }
    }
}
