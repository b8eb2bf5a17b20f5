//! Somebody writes to the database that the store is in, without a key-encryption key.

use encrypted_field::envelope::{BackendErrorKind, KeyManager, Record};
use encrypted_field::{ErrorKind, key::Purpose};
use serde_json::{Value, json};
use tests::secrets;

use crate::signer::body;
use crate::support::*;

const TAMPERED: &[ErrorKind] = &[ErrorKind::KeyStoreTampered];

/// A store with keys of several scopes, purposes and states, of which some are loaded on demand.
fn world(on_demand: usize) -> World {
    let world = World::new();
    let keys = world.loaded();
    keys.create("slack", Purpose::Field).wait().unwrap();
    keys.create("", Purpose::Index).wait().unwrap();
    let next = keys.publish("", Purpose::Field).wait().unwrap();
    keys.noting("alice", "a test").activate_at_once(next).wait().unwrap();
    keys.provision_all((0..on_demand).map(tenant)).wait().unwrap();
    world
}

fn tenant(number: usize) -> String {
    format!("tenant-{number}")
}

/// Everything that may be read is read: what the process loads, and all that is on demand.
fn read_all(keys: &KeyManager) -> encrypted_field::Result<()> {
    keys.load().wait()?;
    let mut page = Some(0);
    while let Some(number) = page {
        page = keys.keys_on_demand(number).wait()?.next;
    }
    Ok(())
}

/// That nobody uses a store: a fresh process fails, and one that knew it before goes on with what
/// it knew.
#[track_caller]
fn refused(world: &World, running: &KeyManager, kinds: &[ErrorKind], how: &str) {
    let fresh = world.process();
    let Err(error) = read_all(&fresh) else { panic!("{how}: it was read") };
    check(&error, kinds, how);
    if let Ok(ring) = fresh.keyring() {
        // What each process loads was in order, and what it does not load was not.
        assert!(how.contains("tree") || how.contains("demand"), "{how}: a fresh process has keys");
        drop(ring);
    }
    if let Err(error) = running.load().wait() {
        check(&error, kinds, how);
    }
    seal(running).unwrap_or_else(|e| panic!("{how}: a process that runs does not go on: {e}"));
}

#[track_caller]
fn check(error: &encrypted_field::Error, kinds: &[ErrorKind], how: &str) {
    assert!(kinds.contains(&error.kind()), "{how}: {error}");
    assert!(!error.is_retryable(), "{how}: {error}");
    let text = format!("{error} {error:?}");
    for key in secrets::KEYS {
        assert!(!text.contains(&hex::encode(key)), "{how}: a key is told");
    }
    crate::damage::says_what_to_do(error, how);
    assert!(text.len() < 4000, "{how}: the error is {} bytes long", text.len());
}

fn edit(record: &mut Record, change: impl FnOnce(&mut Value)) {
    let mut body = body(record);
    change(&mut body);
    record.body = body.to_string();
}

#[test]
fn it_loads_as_it_is() {
    for on_demand in [0, 1, 33, 400] {
        let world = world(on_demand);
        let keys = world.process();
        read_all(&keys).unwrap();
        let status = keys.status().store.unwrap();
        assert_eq!((status.keys.len(), status.scopes_on_demand), (4, on_demand as u64));
    }
}

/// Formatting is the database's business.
#[test]
fn a_body_that_is_formatted_otherwise_is_the_same() {
    let world = world(33);
    world.store.tamper(|records| {
        for record in records.values_mut() {
            record.body = serde_json::to_string_pretty(&body(record)).unwrap();
        }
    });
    read_all(&world.process()).unwrap();
}

/// The kinds that a change at this place may have.
fn kinds(record: &str, path: &str) -> Vec<ErrorKind> {
    let mut kinds = TAMPERED.to_vec();
    if record != Record::HEAD {
        return kinds;
    }
    if path.starts_with("/store_key") || path == "/store" || path == "/epoch" {
        // What does not unwrap authenticates nothing.
        kinds.extend([ErrorKind::WrappedKeyRejected, ErrorKind::KekUnusable]);
    }
    if path == "/version" {
        kinds.push(ErrorKind::KeyStoreUnusable);
    }
    kinds
}

/// Tries a change of the body of each record.
fn each_change(world: &World, changes: impl Fn(&Value) -> Vec<(String, String, Value)>) -> usize {
    let running = world.loaded();
    let before = world.store.backup();
    let mut count = 0;
    for (name, record) in &before {
        for (path, what, changed) in changes(&body(record)) {
            world.store.restore(before.clone());
            world.store.tamper(|records| {
                let record = records.get_mut(name).unwrap();
                // Whoever changes the revision changes it everywhere.
                if path == "/revision" {
                    record.revision = changed["revision"].as_u64().unwrap_or(record.revision);
                }
                record.body = changed.to_string();
            });
            refused(world, &running, &kinds(name, &path), &format!("{name}{path} {what}"));
            count += 1;
        }
    }
    world.store.restore(before);
    running.load().wait().unwrap();
    count
}

#[test]
fn every_value_is_authenticated() {
    let world = world(3);
    let count = each_change(&world, |body| {
        let mut changes = Vec::new();
        for path in paths(body) {
            for other in others(body.pointer(&path).unwrap()) {
                let mut changed = body.clone();
                *changed.pointer_mut(&path).unwrap() = other.clone();
                changes.push((path.clone(), format!("is {other}"), changed));
            }
        }
        changes
    });
    assert!(count > 500, "{count} changes were tried");
}

#[test]
fn no_member_is_left_out() {
    let world = world(3);
    let count = each_change(&world, |body| {
        let mut changes = Vec::new();
        for path in paths(body) {
            let (above, last) = path.rsplit_once('/').unwrap();
            let mut changed = body.clone();
            match changed.pointer_mut(above).unwrap() {
                Value::Object(members) => drop(members.remove(last)),
                Value::Array(values) => drop(values.remove(last.parse().unwrap())),
                _ => unreachable!(),
            }
            changes.push((path, "is left out".into(), changed));
        }
        changes
    });
    assert!(count > 150, "{count} changes were tried");
}

#[test]
fn no_member_is_added() {
    let world = world(3);
    let count = each_change(&world, |body| {
        let mut changes = Vec::new();
        let objects = paths(body).into_iter().chain([String::new()]);
        for path in objects.filter(|path| body.pointer(path).unwrap().is_object()) {
            // An unknown one, and one that means nothing where it is null.
            for member in
                ["more", "previous", "restored", "by", "why", "oldest", "waiting", "activated"]
            {
                let mut changed = body.clone();
                let members = changed.pointer_mut(&path).unwrap().as_object_mut().unwrap();
                if members.contains_key(member) {
                    continue;
                }
                for value in [json!(null), json!(1)] {
                    members.insert(member.to_owned(), value.clone());
                    let mut changed = body.clone();
                    changed.pointer_mut(&path).unwrap()[member] = value.clone();
                    changes.push((
                        format!("{path}/{member}"),
                        format!("is added as {value}"),
                        changed,
                    ));
                }
            }
        }
        changes
    });
    assert!(count > 200, "{count} changes were tried");
}

/// All places in a body beneath the root.
fn paths(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |name: &str, value: &Value| {
        found.push(format!("/{name}"));
        found.extend(paths(value).into_iter().map(|path| format!("/{name}{path}")));
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| add(name, value)),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| add(&at.to_string(), value));
        }
        _ => {}
    }
    found
}

/// Other values of the same kind, another kind, and null.
fn others(value: &Value) -> Vec<Value> {
    let mut others = match value {
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            let float = serde_json::from_str(&format!("{number}.0")).unwrap();
            vec![json!(number + 1), json!(number.saturating_sub(1)), json!(-1), float]
        }
        Value::String(text) => {
            let mut other = text.clone().into_bytes();
            if let Some(first) = other.first_mut() {
                *first = if *first == b'A' { b'B' } else { b'A' };
            }
            let mut others =
                vec![json!(String::from_utf8(other).unwrap()), json!(format!("{text}A"))];
            others.extend(["active", "destroyed", "index"].map(|other| json!(other)));
            // Another text for the same bytes.
            if let Some(bits) = text.strip_suffix("A=").or_else(|| text.strip_suffix("E=")) {
                others.push(json!(format!("{bits}B=")));
            }
            others.push(json!(format!("{text}\n")));
            others.push(json!(text.trim_end_matches('=')));
            others
        }
        _ => vec![json!([]), json!({})],
    };
    others.extend([json!(null), json!(7), json!("text")]);
    others.dedup();
    others.retain(|other| other != value);
    others
}

/// Every record of a store with this many scopes on demand, or some of them where there are many.
fn names(records: &Records, most: usize) -> Vec<String> {
    let step = records.len().div_ceil(most);
    let (nodes, leaves): (Vec<_>, Vec<_>) =
        records.keys().cloned().partition(|name| !name.contains('/') || name.starts_with("tree"));
    nodes.into_iter().step_by(step.min(4)).chain(leaves.into_iter().step_by(step)).collect()
}

#[test]
fn no_record_is_removed() {
    for on_demand in [1, 33, 400] {
        let world = world(on_demand);
        let (running, before) = (world.loaded(), world.store.backup());
        for name in names(&before, 16) {
            world.store.restore(before.clone());
            world.store.tamper(|records| drop(records.remove(&name)));
            // A process that knew the store, and sees nothing of it, says that.
            let kinds = [ErrorKind::KeyStoreTampered, ErrorKind::KeyStoreRolledBack];
            let kinds = &kinds[..if name == Record::HEAD { 2 } else { 1 }];
            refused(&world, &running, kinds, &format!("{name} is removed"));
        }
    }
}

#[test]
fn no_record_is_under_another_name() {
    for on_demand in [1, 33, 400] {
        let world = world(on_demand);
        let (running, before) = (world.loaded(), world.store.backup());
        let names = names(&before, 6);
        let pairs = names.iter().flat_map(|one| names.iter().map(move |two| (one, two)));
        for (one, two) in pairs.filter(|(one, two)| one < two) {
            world.store.restore(before.clone());
            world.store.tamper(|records| {
                let (a, b) = (records[one].clone(), records[two].clone());
                records.insert(one.clone(), Record { name: one.clone(), ..b });
                records.insert(two.clone(), Record { name: two.clone(), ..a });
            });
            refused(&world, &running, TAMPERED, &format!("{one} and {two} are swapped"));

            world.store.restore(before.clone());
            world.store.tamper(|records| {
                let copy = Record { name: two.clone(), ..records[one].clone() };
                records.insert(two.clone(), copy);
            });
            refused(&world, &running, TAMPERED, &format!("{one} is copied to {two}"));
        }
    }
}

/// What nothing links to is not looked at.
#[test]
fn records_that_nothing_links_to_are_not_used() {
    let world = world(3);
    world.store.tamper(|records| {
        let copy = records[&demand_record("tenant-1")].clone();
        for name in
            [demand_record("initech"), process_record("initech"), "tree/0".into(), "more".into()]
        {
            records.insert(name.clone(), Record { name, ..copy.clone() });
        }
    });
    let keys = world.process();
    read_all(&keys).unwrap();
    assert_kind(keys.scope("initech").wait(), ErrorKind::NoActiveKey);
    assert_eq!(keys.status().store.unwrap().keys.len(), 4);
}

/// Each record of before a change of each kind, alone and all but the head.
#[test]
fn no_record_is_set_back() {
    for on_demand in [1, 33, 400] {
        let world = world(on_demand);
        let keys = world.loaded();
        let before = world.store.backup();
        let next = keys.publish("", Purpose::Field).wait().unwrap();
        keys.activate_at_once(next).wait().unwrap();
        let next = keys.publish(&tenant(0), Purpose::Field).wait().unwrap();
        keys.activate_at_once(next).wait().unwrap();
        let after = world.store.backup();
        let changed: Vec<&String> =
            before.keys().filter(|name| before[*name] != after[*name]).collect();
        assert!(changed.len() >= 5, "{changed:?}");
        for name in &changed {
            world.store.restore(after.clone());
            world
                .store
                .tamper(|records| drop(records.insert((*name).clone(), before[*name].clone())));
            // The head alone set back: a process that has seen the other says that.
            let kinds = [ErrorKind::KeyStoreTampered, ErrorKind::KeyStoreRolledBack];
            refused(
                &world,
                &keys,
                &kinds[..if *name == "head" { 2 } else { 1 }],
                &format!("{name} set back"),
            );
        }
        world.store.restore(before.clone());
        world.store.tamper(|records| drop(records.insert("head".into(), after["head"].clone())));
        refused(&world, &keys, TAMPERED, "all but the head are set back");
    }
}

/// A tenant's keys are of before, and the process enters its scope without having loaded anything
/// else of late.
#[test]
fn a_scope_is_not_entered_with_keys_of_before() {
    for on_demand in [1, 33, 400] {
        let world = world(on_demand);
        let keys = world.loaded();
        let before = world.store.backup();
        let next = keys.publish(&tenant(0), Purpose::Field).wait().unwrap();
        keys.activate_at_once(next).wait().unwrap();
        let running = world.loaded();
        let name = demand_record(&tenant(0));
        world.store.tamper(|records| drop(records.insert(name.clone(), before[&name].clone())));
        assert_kind(running.scope(&tenant(0)).wait(), ErrorKind::KeyStoreTampered);
        world.store.tamper(|records| drop(records.remove(&name)));
        assert_kind(running.scope(&tenant(0)).wait(), ErrorKind::KeyStoreTampered);
        assert_kind(
            running.publish(&tenant(0), Purpose::Field).wait(),
            ErrorKind::KeyStoreTampered,
        );
    }
}

/// A change at a revision that stays: a process that runs sees it once a day, and the check at
/// once.
#[test]
fn a_change_below_the_surface_is_noticed() {
    let world = world(1);
    let keys = world.loaded();
    world.store.tamper(|records| {
        edit(records.get_mut(&process_record("")).unwrap(), |body| {
            body["keys"][0]["state"] = json!("active");
        });
    });
    keys.load().wait().unwrap();
    assert_kind(keys.check_consistency().wait(), ErrorKind::KeyStoreTampered);
    world.pass_quietly(DAY);
    assert_kind(keys.load().wait(), ErrorKind::KeyStoreTampered);
}

#[test]
fn garbage_is_refused() {
    let long = format!("{{\"version\":1,\"more\":\"{}\"}}", "x".repeat(1 << 20));
    let deep = "[".repeat(100_000);
    let world = world(1);
    let (running, before) = (world.loaded(), world.store.backup());
    for garbage in [
        "",
        "{",
        "[]",
        "null",
        "{\"id\":1}",
        "\u{0}",
        "<html>",
        "{\"version\":\"1\"}",
        "{\"version\":-1}",
        &long,
        &deep,
    ] {
        for name in before.keys() {
            world.store.restore(before.clone());
            world.store.tamper(|records| records.get_mut(name).unwrap().body = garbage.into());
            let start: String = garbage.chars().take(20).collect();
            refused(&world, &running, TAMPERED, &format!("{name} as {start:?}"));
        }
    }
}

/// Two records of one name, of which a table without its primary key might give both.
#[test]
fn two_heads_are_refused() {
    use encrypted_field::envelope::{BackendError, KeyStore, Loaded, Query};
    struct Twice(MemoryStore);
    impl KeyStore for Twice {
        async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
            let mut loaded = self.0.load(query).await?;
            loaded.records.extend(loaded.records.clone());
            Ok(loaded)
        }
        async fn compare_and_swap(&self, _: u64, _: &[Record]) -> Result<bool, BackendError> {
            Err(BackendError::new(BackendErrorKind::Denied, "it is for reading"))
        }
        fn describe(&self) -> String {
            "twice".into()
        }
    }
    let world = world(1);
    let twice = KeyManager::builder("test", Twice(world.store.clone())).kek("eu", world.eu.clone());
    let error = assert_kind(twice.build().unwrap().load().wait(), ErrorKind::KeyStoreTampered);
    assert!(error.to_string().contains("not one \"head\""), "{error}");
}
