//! Key stores that a second implementation has made from the text of KEY-STORE.md:
//! `tests/vectors/key-store`, whose schema is in `tests/vectors/README.md`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use encrypted_field::envelope::{
    Anchor, BackendError, BackendErrorKind, CachePolicy, Clock, KeyManager, KeyStore, Loaded,
    LocalKek, Query, Record,
};
use encrypted_field::{
    Encrypted, EncryptedFieldExt as _, Error, ErrorKind, Keyring, Scope, Secret, key::Purpose,
};
use serde_json::Value;

use crate::support::{MINUTE, Token};

/// The same field as [`Token`], in whatever scope is entered.
#[derive(Encrypted)]
#[encrypted(context = "connections.token", scope = dynamic)]
struct ScopedToken(Secret<String>);

/// Records as they are, also two of one name.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<Record>>>);

impl KeyStore for Shelf {
    async fn load(&self, query: &Query) -> Result<Loaded, BackendError> {
        let records = self.0.lock().unwrap();
        Ok(Loaded::new(records.iter().filter(|record| query.selects(record)).cloned().collect()))
    }

    async fn compare_and_swap(&self, _: u64, _: &[Record]) -> Result<bool, BackendError> {
        Err(BackendError::new(BackendErrorKind::Denied, "whoever reads a vector does not write"))
    }

    fn describe(&self) -> String {
        "vectors".into()
    }
}

/// All files of a folder, each with its name.
fn files(folder: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/key-store").join(folder);
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// Runs a check on all vectors of a folder and says of each one that fails what it is.
fn each(folder: &str, check: impl Fn(&Value, &Value) -> Result<(), String>) {
    let (mut count, mut failures) = (0, Vec::new());
    for (file, content) in files(folder) {
        for vector in list(&content["vectors"]) {
            count += 1;
            if let Err(how) = check(&content, vector) {
                failures.push(format!(
                    "{file}/{} ({}): {how}",
                    text(&vector["name"]),
                    text(&vector["comment"])
                ));
            }
        }
    }
    println!("{folder}: {count} vectors");
    assert!(count > 0, "there are vectors");
    assert!(failures.is_empty(), "{} of {count} vectors:\n{}", failures.len(), failures.join("\n"));
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The records of a vector, or of what was there before.
fn records(file: &Value, step: &Value) -> Vec<Record> {
    let (replace, remove) = (list(&step["replace"]), list(&step["remove"]));
    let stays = |record: &&Value| {
        let name = &record["name"];
        !remove.contains(name) && !replace.iter().any(|other| &other["name"] == name)
    };
    let kept = list(&file["stores"][text(&step["store"])]).iter().filter(stays);
    kept.chain(replace)
        .map(|record| Record {
            name: text(&record["name"]).to_owned(),
            revision: number(&record["revision"]),
            body: record
                .get("text")
                .map_or_else(|| record["body"].to_string(), |body| text(body).to_owned()),
        })
        .collect()
}

/// A manager with what the vector gives a reader. Where there was something before, it has loaded
/// that.
fn reader(file: &Value, vector: &Value) -> (KeyManager, Shelf) {
    let shelf = Shelf::default();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(number(&vector["now"]));
    // For stores whose keys become active soon after they are published.
    let cache = CachePolicy::default().refresh(Duration::from_secs(1)).max_age(MINUTE, MINUTE);
    let builder = KeyManager::builder(text(&vector["key_set"]), shelf.clone()).cache(cache);
    let mut builder = builder.clock(Clock::manual(now));
    for (name, kek) in vector["keks"].as_object().unwrap() {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(kek)).unwrap();
        builder = builder.kek(name.as_str(), LocalKek::new(bytes.try_into().unwrap()).unwrap());
    }
    if let Some(anchor) = vector.get("anchor") {
        builder = builder.anchor(Anchor::fixed(text(anchor)).unwrap());
    }
    let keys = builder.build().unwrap();
    if let Some(before) = vector.get("before") {
        *shelf.0.lock().unwrap() = records(file, before);
        keys.load().wait().unwrap();
        for scope in list(&before["scopes"]) {
            keys.scope(text(scope)).wait().unwrap();
        }
    }
    *shelf.0.lock().unwrap() = records(file, vector);
    (keys, shelf)
}

#[test]
fn valid_stores_load() {
    each("valid", |file, vector| {
        let (keys, _shelf) = reader(file, vector);
        keys.load().wait().map_err(|e| format!("load: {e}"))?;
        expect_head(&keys, vector)?;
        let ring = keys.keyring().map_err(|e| format!("keyring: {e}"))?;
        expect_process_keys(&keys, &ring, vector)?;
        for scope in demanded(vector) {
            keys.scope(scope).wait().map_err(|e| format!("scope {scope:?}: {e}"))?;
        }
        for value in list(&vector["values"]) {
            expect_value(&keys, &ring, vector, value)?;
        }
        expect_frozen(&ring, vector)?;
        let found =
            keys.check_consistency().wait().map_err(|e| format!("check_consistency: {e}"))?;
        // A wrap that is missing is a problem, and none of the store.
        // Nor is an entry of a later release, of which it can't tell.
        let is_problem = |error: &&Error| error.kind() != ErrorKind::KeyStoreUnusable;
        let mut errors = found.problems.iter().filter_map(|problem| problem.error.as_ref());
        if let Some(error) = errors.find(is_problem) {
            return Err(format!("check_consistency: {error}"));
        }
        for scope in list(&vector["absent"]).iter().map(text) {
            match keys.scope(scope).wait() {
                Err(e) if matches!(e.kind(), ErrorKind::NoActiveKey | ErrorKind::KeyNotLoaded) => {}
                Err(e) => return Err(format!("absent scope {scope:?}: {e}")),
                Ok(_) => return Err(format!("the absent scope {scope:?} was entered")),
            }
        }
        Ok(())
    });
}

fn expect_head(keys: &KeyManager, vector: &Value) -> Result<(), String> {
    let status = keys.status().store.ok_or("nothing is loaded")?;
    let (epoch, revision) = (number(&vector["epoch"]), number(&vector["revision"]));
    let anchor = format!("{} {epoch} {revision}", text(&vector["store_id"]));
    let found = (status.anchor.clone(), status.epoch, status.revision, status.next_id);
    let expected = (anchor, epoch, revision, number(&vector["next_id"]));
    (found == expected)
        .then_some(())
        .ok_or_else(|| format!("the head is {found:?}, not {expected:?}"))
}

fn expect_process_keys(keys: &KeyManager, ring: &Keyring, vector: &Value) -> Result<(), String> {
    let status = keys.status().store.ok_or("nothing is loaded")?;
    for key in list(&vector["keys"]).iter().filter(|key| key["part"] == "process") {
        let id = u32::try_from(number(&key["id"])).unwrap();
        if key["used"] == false {
            if ring.get(id).is_some() {
                return Err(format!("key {id} is in the key ring"));
            }
            continue;
        }
        let found = status.keys.iter().find(|found| found.id.get() == id);
        let Some(found) = found else { return Err(format!("key {id} is not in the status")) };
        let purpose = match found.purpose {
            Purpose::Field => "field",
            Purpose::Index => "index",
            Purpose::File => "file",
            _ => "another",
        };
        let is = (found.scope.as_str(), purpose, u64::from(found.version), found.state.name());
        let expected = (
            text(&key["scope"]),
            text(&key["purpose"]),
            number(&key["version"]),
            text(&key["state"]),
        );
        if is != expected {
            return Err(format!("key {id} is {is:?}, not {expected:?}"));
        }
    }
    Ok(())
}

/// The scopes on demand that have a key to seal with.
fn demanded(vector: &Value) -> Vec<&str> {
    let usable = |key: &&Value| {
        key["part"] == "demand"
            && key["used"] == true
            && key["state"] == "active"
            && key["purpose"] == "field"
    };
    list(&vector["keys"]).iter().filter(usable).map(|key| text(&key["scope"])).collect()
}

fn expect_value(
    keys: &KeyManager,
    ring: &Keyring,
    vector: &Value,
    value: &Value,
) -> Result<(), String> {
    let (scope, stored) = (text(&value["scope"]), text(&value["stored"]).to_owned());
    let opened = if scope.is_empty() {
        Token::from_stored_text_with(ring, stored).map(|token| (*token).to_owned())
    } else if demanded(vector).contains(&scope) {
        let scope = keys.scope(scope).wait().map_err(|e| format!("scope {scope:?}: {e}"))?;
        scope.run(|| ScopedToken::from_stored_text(stored)).map(|token| (*token).to_owned())
    } else {
        let open = || ScopedToken::from_stored_text_with(ring, stored);
        let scope = Scope::named(scope).map_err(|e| format!("scope {scope:?}: {e}"))?;
        scope.run(open).map(|token| (*token).to_owned())
    };
    match (opened, value["opens"] == true) {
        (Ok(plaintext), true) if plaintext == text(&value["plaintext"]) => Ok(()),
        (Ok(_), true) => {
            Err(format!("the value under key {} opens to another plaintext", value["key"]))
        }
        (Ok(_), false) => Err(format!("the value under key {} opens", value["key"])),
        (Err(e), true) => Err(format!("the value under key {}: {e}", value["key"])),
        (Err(_), false) => Ok(()),
    }
}

fn expect_frozen(ring: &Keyring, vector: &Value) -> Result<(), String> {
    // How long a head was seen depends on when it was seen first.
    if vector.get("before").is_some() || ring.active_key("", Purpose::Field).is_none() {
        return Ok(());
    }
    let sealed = Token::from("CANARY-frozen").to_stored_text_with(ring);
    match (sealed, vector["frozen"] == true) {
        (Ok(_), false) | (Err(_), true) => Ok(()),
        (Ok(_), true) => Err("the head is frozen, and a value was sealed".into()),
        (Err(e), false) => Err(format!("seals: {e}")),
    }
}

#[test]
fn invalid_stores_are_refused() {
    each("invalid", |file, vector| {
        let (keys, _shelf) = reader(file, vector);
        let at = text(&vector["at"]);
        let is_wrap = list(&vector["errors"]).iter().any(|class| class == "wrap");
        let error = match keys.load().wait() {
            Err(error) => {
                // Who reads more than it needs may see it sooner.
                expect_error(vector, &error).map_err(|e| format!("load: {e}"))?;
                return Ok(());
            }
            // One key that does not unwrap does not take the others with it: `check_consistency`
            // finds it below.
            Ok(()) if at == "load" && is_wrap => all_of(&keys)?,
            Ok(()) if at == "load" => return Err("it was loaded".into()),
            Ok(()) if at == "scope" => match keys.scope(text(&vector["scope"])).wait() {
                Err(error) => error,
                Ok(_) if is_wrap => all_of(&keys)?,
                Ok(_) => return Err("the scope was entered".into()),
            },
            Ok(()) => all_of(&keys)?,
        };
        expect_error(vector, &error).map_err(|e| format!("{at}: {e}"))
    });
}

/// What a look at all of the store finds.
fn all_of(keys: &KeyManager) -> Result<Error, String> {
    match keys.check_consistency().wait() {
        Err(error) => Ok(error),
        Ok(found) => {
            let error = found.problems.into_iter().find_map(|problem| problem.error);
            error.ok_or_else(|| "all of it was read".into())
        }
    }
}

fn expect_error(vector: &Value, error: &Error) -> Result<(), String> {
    let class = match error.kind() {
        ErrorKind::KeyStoreTampered => "tampered",
        ErrorKind::KeyStoreRolledBack => "rolled_back",
        ErrorKind::KeyStoreUnusable if error.to_string().contains("upgrade") => "upgrade",
        ErrorKind::WrappedKeyRejected | ErrorKind::KekUnusable => "wrap",
        _ => "another",
    };
    let classes = list(&vector["errors"]);
    let right = classes.iter().any(|one| one == class);
    right
        .then_some(())
        .ok_or_else(|| format!("not one of {classes:?}: {:?}: {error}", error.kind()))
}
