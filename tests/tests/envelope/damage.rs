//! Each way in which a store may be damaged: the error names what is damaged, and says what to do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::envelope::{Anchor, FileStore, KeyManager, LocalKek, Record};
use encrypted_field::{Error, ErrorKind, key::Purpose};
use serde_json::{Value, json};
use tests::secrets;

use crate::signer::{Signer, body};
use crate::support::*;

/// That an error of a store says what to do about it, and holds no key.
#[track_caller]
pub fn says_what_to_do(error: &Error, how: &str) {
    let text = error.to_string();
    let remedies: &[&str] = match error.kind() {
        ErrorKind::KeyStoreTampered => &["restore it from a backup"],
        ErrorKind::KeyStoreRolledBack => &["bring the newest one back", "`accept_restored`"],
        ErrorKind::KeyStoreUnusable
            if text.contains("later release") || text.contains("this release reads") =>
        {
            &["upgrade encrypted-field"]
        }
        ErrorKind::KeyStoreUnusable => &["restore it"],
        ErrorKind::WrappedKeyRejected => &["`repair`"],
        ErrorKind::KekUnusable => &["`rewrap`"],
        kind => panic!("{how}: {kind:?}: {text}"),
    };
    for remedy in remedies {
        assert!(text.contains(remedy), "{how}: it does not say {remedy}: {text}");
    }
    if error.kind() == ErrorKind::KeyStoreTampered && !text.contains("(file ") {
        let names_it = text.contains("the record \"")
            || text.contains("two records \"")
            || text.contains("\"head\"");
        assert!(names_it, "{how}: it does not name the record: {text}");
    }
    let text = format!("{text} {error:?}");
    for key in secrets::KEYS {
        assert!(!text.contains(&hex::encode(key)), "{how}: a key is told");
        assert!(!text.contains(&STANDARD.encode(key)), "{how}: a key is told");
    }
}

/// With keys of several scopes, and so many tenants that their tree has children.
fn world() -> World {
    let world = World::new();
    let keys = world.loaded();
    keys.create("slack", Purpose::Field).wait().unwrap();
    keys.create("", Purpose::Index).wait().unwrap();
    keys.provision_all((0..40).map(|number| format!("tenant-{number}"))).wait().unwrap();
    world
}

/// The first error of reading everything.
fn read_all(keys: &KeyManager) -> Result<(), Error> {
    keys.load().wait()?;
    let mut page = Some(0);
    while let Some(number) = page {
        page = keys.keys_on_demand(number).wait()?.next;
    }
    keys.check_consistency().wait().map(drop)
}

fn set(records: &mut Records, name: &str, change: impl FnOnce(&mut Value)) {
    let record = records.get_mut(name).unwrap();
    let mut changed = body(record);
    change(&mut changed);
    record.body = changed.to_string();
}

fn text_of(records: &mut Records, name: &str, change: impl FnOnce(&mut String)) {
    change(&mut records.get_mut(name).unwrap().body);
}

type Damage = Box<dyn FnOnce(&mut Records, &Signer)>;

/// What is done to a store, and what the message has to name.
fn damages() -> Vec<(&'static str, String, Damage)> {
    let mut all: Vec<(&'static str, String, Damage)> = Vec::new();
    let mut add = |how, names: &str, damage: Damage| all.push((how, names.to_owned(), damage));
    let head = Record::HEAD;
    let (scope, tenant) = (process_record(""), demand_record("tenant-7"));

    // Records.
    for name in ["process", "tree", &scope, &tenant] {
        let of = name.to_owned();
        add("a record is missing", name, Box::new(move |records, _| drop(records.remove(&of))));
    }
    add("the head is missing", "\"head\"", Box::new(|records, _| drop(records.remove("head"))));
    add("all is missing", "it is empty", Box::new(|records, _| records.clear()));
    for name in [head, "process", "tree", &scope, &tenant] {
        for (how, change) in [
            ("the text is empty", (|text| text.clear()) as fn(&mut String)),
            ("the text is cut off", |text| text.truncate(text.len() / 2)),
            ("the text has more after it", |text| text.push('}')),
            ("the text is a list", |text| *text = format!("[{text}]")),
            ("the text is null", |text| *text = "null".to_owned()),
            ("the text is HTML", |text| *text = "<html>502 Bad Gateway</html>".to_owned()),
            ("the text is another record's", |text| {
                *text = "{\"revision\":1,\"version\":1}".to_owned();
            }),
            ("a member is there twice", |text| text.insert_str(1, "\"revision\":1,")),
            ("a number is a float", |text| *text = text.replacen(":1", ":1.5", 1)),
        ] {
            let of = name.to_owned();
            add(how, name, Box::new(move |records, _| text_of(records, &of, change)));
        }
        let of = name.to_owned();
        add(
            "the revision is another",
            name,
            Box::new(move |records, _| records.get_mut(&of).unwrap().revision += 1),
        );
        let of = name.to_owned();
        add(
            "the revision is above the head's",
            name,
            Box::new(move |records, _| {
                let record = records.get_mut(&of).unwrap();
                record.revision += 100;
                let revision = record.revision;
                set(records, &of, |body| body["revision"] = json!(revision));
            }),
        );
    }
    // Members: those of the head are left out one by one below.
    for (how, name, pointer, value) in [
        ("the MAC is another", head, "/mac", json!(STANDARD.encode([7; 32]))),
        ("the MAC is no base64", head, "/mac", json!("§")),
        ("a hash of the head is another", head, "/tree/hash", json!(STANDARD.encode([7; 32]))),
        ("the next id is another", head, "/next_id", json!(2)),
        ("the next id is out of range", head, "/next_id", json!(u64::from(u32::MAX) + 2)),
        ("the date is out of range", head, "/signed", json!(u64::MAX)),
        ("the version is no number", head, "/version", json!("one")),
        ("a member is null", head, "/process", json!(null)),
        (
            "a hash of a node is another",
            "process",
            "/scopes/0/hash",
            json!(STANDARD.encode([7; 32])),
        ),
        ("a scope of a node is another", "process", "/scopes/0/scope", json!("other")),
        ("a state is another", &scope, "/keys/0/state", json!("pending")),
        ("a check value is another", &scope, "/keys/0/check", json!(STANDARD.encode([7; 32]))),
        ("a wrap is another", &tenant, "/keys/0/wraps/eu", json!(STANDARD.encode([7; 72]))),
        ("a scope is another", &tenant, "/scope", json!("tenant-8")),
        ("an id is another", &tenant, "/keys/0/id", json!(1)),
    ] {
        let of = name.to_owned();
        add(
            how,
            name,
            Box::new(move |records, _| {
                set(records, &of, |body| *body.pointer_mut(pointer).unwrap() = value);
            }),
        );
    }
    // What is authentic, and not as it must be: somebody with a KEK, or a fault, has written it.
    type Change = fn(&mut Value);
    for (how, name, change) in [
        (
            "a key is there twice",
            &scope,
            (|body| {
                let first = body["keys"][0].clone();
                body["keys"].as_array_mut().unwrap().push(first);
            }) as Change,
        ),
        ("two keys are active", &scope, |body| {
            for (at, entry) in body["keys"].as_array_mut().unwrap().iter_mut().enumerate() {
                entry["purpose"] = json!("field");
                entry["state"] = json!("active");
                entry["version"] = json!(at + 1);
            }
        }),
        ("two keys have one version", &scope, |body| {
            for entry in body["keys"].as_array_mut().unwrap() {
                entry["purpose"] = json!("field");
                entry["version"] = json!(1);
            }
        }),
        ("a key is above the next id", &scope, |body| body["keys"][1]["id"] = json!(4000)),
        ("a key has no check value", &scope, |body| {
            body["keys"][0].as_object_mut().unwrap().remove("check");
        }),
        ("a key has a date out of range", &scope, |body| {
            body["keys"][0]["created"] = json!(u64::MAX);
        }),
        ("the list of keys is missing", &scope, |body| {
            drop(body.as_object_mut().unwrap().remove("keys"));
        }),
        ("an id is zero", &scope, |body| body["keys"][0]["id"] = json!(0)),
        ("it has the key of another scope", &tenant, |body| {
            body["keys"][0]["id"] = json!(1);
        }),
    ] {
        let of = name.to_owned();
        add(how, name, Box::new(move |records, signer| signer.change(records, &of, change)));
    }
    // A later release.
    for (how, name, change) in [
        ("the head has another version", head, (|body| body["version"] = json!(2)) as Change),
        ("the head has a member more", head, |body| body["quorum"] = json!(2)),
        ("a node has a member more", "process", |body| body["quorum"] = json!(2)),
        ("a scope has a member more", &scope, |body| body["quorum"] = json!(2)),
    ] {
        let of = name.to_owned();
        add(how, name, Box::new(move |records, signer| signer.change(records, &of, change)));
    }
    all
}

#[test]
fn each_damage_says_what_to_do() {
    let world = world();
    let (signer, before) = (Signer::of(&world), world.store.backup());
    let running = world.loaded();
    let mut count = 0;
    let mut tell = |how: &str, names: &str, error: &Error| {
        says_what_to_do(error, how);
        assert!(error.to_string().contains(names), "{how}: it does not name {names}: {error}");
        count += 1;
    };
    for (how, names, damage) in damages() {
        let how = format!("{how}: {names}");
        world.store.restore(before.clone());
        world.store.tamper(|records| damage(records, &signer));
        let Err(error) = read_all(&world.process()) else { panic!("{how}: it is read") };
        tell(&how, &names, &error);
        // So does a process that knew it, if it notices at all without reading everything anew.
        if let Err(error) = running.load().wait() {
            says_what_to_do(&error, &how);
        }
    }
    // Each member of the head, but those that may be absent.
    let members: Vec<String> =
        body(&before[Record::HEAD]).as_object().unwrap().keys().cloned().collect();
    assert!(members.len() > 12, "{members:?}");
    for member in members {
        world.store.restore(before.clone());
        world.store.tamper(|records| {
            set(records, Record::HEAD, |body| drop(body.as_object_mut().unwrap().remove(&member)));
        });
        let Err(error) = read_all(&world.process()) else { panic!("{member}: it is read") };
        tell(&format!("{member} is left out"), "the record \"head\"", &error);
    }
    assert!(count >= 90, "{count} ways were tried");
}

/// The text of a document as a whole.
#[test]
fn each_damage_of_a_document_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let load = || {
        let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
        let keys =
            KeyManager::builder("test", FileStore::new(&path)).kek("local", kek).build().unwrap();
        (keys.load().wait(), keys)
    };
    load().1.initialize().wait().unwrap();
    let whole = std::fs::read_to_string(&path).unwrap();
    let value: Value = serde_json::from_str(&whole).unwrap();
    let with = |change: fn(&mut Value)| {
        let mut changed = value.clone();
        change(&mut changed);
        changed.to_string().into_bytes()
    };
    for (how, text) in [
        ("it is empty", Vec::new()),
        ("it is blank", b" \n".to_vec()),
        ("it is cut off", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("it is not UTF-8", b"\xff\xfe\x00".to_vec()),
        ("it is zeros", vec![0; 4096]),
        ("it is other JSON", b"{\"keys\":[]}".to_vec()),
        (
            "it is another document",
            with(|value| value["format"] = json!("encrypted-field key file")),
        ),
        ("it has another version", with(|value| value["version"] = json!(2))),
        ("it has no version", with(|value| drop(value.as_object_mut().unwrap().remove("version")))),
        ("it has no records", with(|value| drop(value.as_object_mut().unwrap().remove("records")))),
        ("it has an empty list", with(|value| value["records"] = json!([]))),
        (
            "a record has no name",
            with(|value| drop(value["records"][0].as_object_mut().unwrap().remove("name"))),
        ),
        (
            "a record has no body",
            with(|value| drop(value["records"][0].as_object_mut().unwrap().remove("body"))),
        ),
        ("a revision is negative", with(|value| value["records"][0]["revision"] = json!(-1))),
        (
            "a record is there twice",
            with(|value| {
                let records = value["records"].as_array_mut().unwrap();
                records.extend(records.clone());
            }),
        ),
        ("it has a member more", with(|value| value["more"] = json!(1))),
    ] {
        std::fs::write(&path, &text).unwrap();
        let Err(error) = load().0 else { panic!("{how}: it is read") };
        says_what_to_do(&error, how);
        assert!(error.to_string().contains(path.to_str().unwrap()), "{how}: {error}");
    }
}

/// An anchor that is damaged is not taken for a store that is: a backup of the store would not
/// help.
#[test]
fn each_damage_of_an_anchor_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchor");
    let world = World::new();
    for text in [&b""[..], b"\n", b"\xff\xfe", b"0 0 0", b"<html>"] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let keys = world.builder().anchor(Anchor::in_file(&path)).build().unwrap();
        let error = assert_kind(keys.load().wait(), ErrorKind::KeyStoreUnusable).to_string();
        assert!(error.contains("write the text of `StoreStatus::anchor` there"), "{error}");
        assert!(error.contains(&format!("anchor (file {})", path.display())), "{error}");
    }
}

/// A wrong KEK and a wrong key set are told apart where they can be; what can't be is said, with
/// what to look at first.
#[test]
fn what_is_wrong_where_nothing_unwraps() {
    let world = World::new();
    let rejected = |keys: &KeyManager| {
        let error = assert_kind(keys.load().wait(), ErrorKind::WrappedKeyRejected);
        says_what_to_do(&error, "rejected");
        error.to_string()
    };
    let other_set = World { key_set: "staging", ..world.clone() };
    let id = world.loaded().status().store.unwrap().anchor;
    let id = id.split(' ').next().unwrap();

    // Two KEKs, of which none unwraps: their names are right, so the key set is what they share.
    let error = rejected(&other_set.process());
    assert!(error.contains("none of the KEKs \"eu\", \"us\" unwraps it"), "{error}");
    assert!(
        error.contains("most likely the store is not one of the key set \"staging\""),
        "{error}"
    );
    assert!(error.contains(id), "it says which store it is: {error}");

    // One KEK alone can't tell: a wrong key set, and then a wrong KEK.
    let alone = |world: &World, kek: TestKek| {
        world.without_keks().kek("eu", kek).offline_kek("us").build().unwrap()
    };
    let wrong_set = rejected(&alone(&other_set, world.eu.clone()));
    let wrong_kek = rejected(&alone(&world, TestKek::new(3)));
    for (error, key_set) in [(&wrong_set, "staging"), (&wrong_kek, "test")] {
        assert!(
            error
                .contains("the KEK \"eu\" alone, so a wrong KEK and a wrong key set look the same"),
            "{error}"
        );
        assert!(error.contains(&format!("one of the key set \"{key_set}\"")), "{error}");
        assert!(error.contains("also wrapped under \"us\", of which one would tell"), "{error}");
    }

    // A service that can tell, as AWS KMS does: it is the KEK.
    let told =
        TestKek::with_fault(0, Fault::Fails(encrypted_field::envelope::BackendErrorKind::OtherKek));
    let error = rejected(&alone(&world, told));
    assert!(error.contains("its service knows that another KEK has wrapped it"), "{error}");
    assert!(
        error.contains("the key set \"test\" is not what is wrong: check that the KEK \"eu\""),
        "{error}"
    );

    // Two KEKs of which one is wrong: the other one shows that the key set is right.
    let one_wrong = world
        .without_keks()
        .kek("eu", world.eu.clone())
        .kek("us", TestKek::new(3))
        .build()
        .unwrap();
    one_wrong.load().wait().unwrap();
    let found = one_wrong.check_consistency().wait().unwrap();
    assert_eq!(found.problems.len(), 2);
    for problem in found.problems {
        let error = problem.error.unwrap();
        says_what_to_do(&error, "one is wrong");
        let error = error.to_string();
        assert!(
            error.contains("the name of the key set is right") && error.contains("\"test\""),
            "{error}"
        );
        assert!(error.contains("another KEK by the name \"us\""), "{error}");
    }

    // A process that has unwrapped it before knows that the key set is right.
    let running = alone(&world, world.eu.clone());
    running.load().wait().unwrap();
    world.eu.set_fault(Fault::Fails(encrypted_field::envelope::BackendErrorKind::Rejected));
    let error = rejected(&running);
    assert!(
        error.contains("unwrapped it before, so the name of the key set \"test\" is right"),
        "{error}"
    );
    world.eu.set_fault(Fault::None);
    world.store.tamper(|records| {
        set(records, Record::HEAD, |body| {
            body["store_key"]["eu"] = json!(STANDARD.encode([7; 72]));
        });
    });
    let error = rejected(&running);
    assert!(
        error.contains("the store was changed since, or replaced; restore it from a backup"),
        "{error}"
    );

    // And an anchor of another store says that it is the wrong store.
    let other = World::new();
    let anchor = other.loaded().status().store.unwrap().anchor;
    let keys = other_set.builder().anchor(Anchor::fixed(&anchor).unwrap()).build().unwrap();
    let error = rejected(&keys);
    assert!(error.contains("most likely it is not the store that is meant"), "{error}");
    assert!(error.contains(anchor.split(' ').next().unwrap()) && error.contains(id), "{error}");
    assert!(error.contains("the key set is \"staging\""), "{error}");
}
