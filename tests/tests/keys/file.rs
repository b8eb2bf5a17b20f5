//! A key file from its creation through rotations.

use encrypted_field::{
    Encrypted, EncryptedFieldExt, ErrorKind, Key, KeyId, Keyring, Secret,
    key::{KeyState, Purpose},
};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::support::{Folder, check_value, info, time};

#[derive(Encrypted)]
#[encrypted(context = "file.token")]
struct Token(Secret<String>);

fn id(id: u32) -> KeyId {
    KeyId::new(id).unwrap()
}

/// Ids and states, in the order of the file.
fn states(folder: &Folder) -> Vec<(u32, KeyState)> {
    folder.file().entries().unwrap().iter().map(|entry| (entry.id.get(), entry.state)).collect()
}

#[test]
fn created_loaded_and_rotated() {
    let folder = Folder::new();
    let file = folder.file();
    assert_eq!(file.create(time(0)).unwrap(), id(1));
    let first = file.keyring().unwrap();
    assert_eq!(first.active_key("", Purpose::Field), KeyId::new(1));
    let stored = Token::from(BOT_TOKEN).to_stored_text_with(&first).unwrap();

    assert_eq!(file.rotate("", Purpose::Field, time(1)).unwrap(), id(2));
    let second = Keyring::from_file(folder.path()).unwrap();
    assert_eq!(second.active_key("", Purpose::Field), KeyId::new(2));
    assert_eq!(
        second.get(1),
        first.get(1).map(|mut key| {
            key.state = KeyState::Retired;
            key
        })
    );
    let read = Token::from_stored_text_with(&second, stored).unwrap();
    assert!(&*read == BOT_TOKEN && read.is_stale_with(&second));
    assert_ne!(second.get(1).unwrap().check_value, second.get(2).unwrap().check_value);

    let entries = file.entries().unwrap();
    assert_eq!(entries[0].created.as_deref(), Some("1970-01-01T00:00:00Z"));
    assert_eq!(entries[0].activated.as_deref(), Some("1970-01-01T00:00:00Z"));
    assert_eq!(entries[0].retired.as_deref(), Some("1970-01-02T00:00:00Z"));
    assert_eq!(
        (entries[1].created.as_deref(), entries[1].retired.as_deref()),
        (Some("1970-01-02T00:00:00Z"), None)
    );
}

#[test]
fn scopes_and_purposes_rotate_on_their_own() {
    let folder = Folder::with_file();
    let file = folder.file();
    assert_eq!(file.rotate("slack", Purpose::Field, time(1)).unwrap(), id(2));
    assert_eq!(file.rotate("", Purpose::Index, time(1)).unwrap(), id(3));
    assert_eq!(file.rotate("slack", Purpose::Field, time(2)).unwrap(), id(4));
    let ring = file.keyring().unwrap();
    assert_eq!(ring.active_key("", Purpose::Field), KeyId::new(1));
    assert_eq!(ring.active_key("slack", Purpose::Field), KeyId::new(4));
    assert_eq!(ring.active_key("", Purpose::Index), KeyId::new(3));
    assert_eq!(ring.get(2).map(|key| key.state), Some(KeyState::Retired));
}

/// The order of a rolling deploy: published as pending, loaded by all, activated.
#[test]
fn added_as_pending_and_activated() {
    let folder = Folder::with_file();
    let file = folder.file();
    file.add(&Key::new(5, KEYS[0]).state(KeyState::Pending), time(1)).unwrap();
    let published = file.keyring().unwrap();
    assert_eq!(published.active_key("", Purpose::Field), KeyId::new(1));
    assert_eq!(info(&published, 5, 0).state, KeyState::Pending);

    file.activate(id(5), time(2)).unwrap();
    let activated = file.keyring().unwrap();
    assert_eq!(activated.active_key("", Purpose::Field), KeyId::new(5));
    assert_eq!(activated.get(1).map(|key| key.state), Some(KeyState::Retired));
    let stored = Token::from(BOT_TOKEN).to_stored_with(&activated).unwrap();
    assert!(Token::from_stored_with(&published, stored).is_ok());
    assert_eq!(file.entries().unwrap()[1].activated.as_deref(), Some("1970-01-03T00:00:00Z"));

    // Ids go on from the highest.
    assert_eq!(file.rotate("", Purpose::Field, time(3)).unwrap(), id(6));
    for not_pending in [1, 5, 6, 7] {
        let error = refused(file.activate(id(not_pending), time(4)), ErrorKind::KeyFile);
        assert_eq!(error.key_id(), KeyId::new(not_pending));
    }
    assert_eq!(states(&folder)[..2], [(1, KeyState::Retired), (5, KeyState::Retired)]);
}

#[test]
fn what_could_not_be_loaded_is_not_added() {
    let folder = Folder::with_file();
    let file = folder.file();
    let before = folder.read();
    for (key, word) in [
        (Key::new(0, KEYS[0]).state(KeyState::Pending), "ids begin at 1"),
        (Key::new(1, KEYS[0]).state(KeyState::Pending), "twice"),
        (Key::new(2, KEYS[0]), "both active"),
        (Key::new(2, [7; 32]).state(KeyState::Pending), "all bytes are equal"),
        (Key::new(2, KEYS[0]).state(KeyState::Retired).scope("slack"), "no key is active"),
        (Key::new(2, KEYS[0]).state(KeyState::Pending).check(check_value(1)), "check value"),
    ] {
        let message = refused(file.add(&key, time(1)), ErrorKind::InvalidKeys).to_string();
        assert!(message.contains(word) && message.contains("keys.json"), "{message}");
        assert_eq!(folder.read(), before);
    }
}

#[test]
fn states_change_in_the_file() {
    let folder = Folder::with_file();
    let file = folder.file();
    file.rotate("", Purpose::Field, time(1)).unwrap();
    let bytes = String::from_utf8(folder.read()).unwrap();
    for state in [KeyState::Disabled, KeyState::Retired, KeyState::Compromised, KeyState::Destroyed]
    {
        file.set_state(id(1), state, time(2)).unwrap();
        assert_eq!(states(&folder), [(1, state), (2, KeyState::Active)]);
    }
    // Its bytes are gone, its id and check value are not.
    let entry: serde_json::Value = serde_json::from_slice(&folder.read()).unwrap();
    assert!(
        entry["keys"][0]["key"].is_null()
            && bytes.contains(entry["keys"][0]["check"].as_str().unwrap())
    );
    for state in [KeyState::Retired, KeyState::Disabled, KeyState::Compromised] {
        let message =
            refused(file.set_state(id(1), state, time(3)), ErrorKind::KeyFile).to_string();
        assert!(message.contains("destroyed"), "{message}");
    }
    file.set_state(id(1), KeyState::Destroyed, time(3)).unwrap();
    for state in [KeyState::Active, KeyState::Pending] {
        for known in [1, 2] {
            refused(file.set_state(id(known), state, time(3)), ErrorKind::KeyFile);
        }
    }
    refused(file.set_state(id(9), KeyState::Retired, time(3)), ErrorKind::KeyFile);
    // Destroying the active key leaves a file without one, from which a rotation leads.
    file.set_state(id(2), KeyState::Destroyed, time(3)).unwrap();
    assert_eq!(file.keyring().unwrap().active_key("", Purpose::Field), None);
    assert_eq!(file.rotate("", Purpose::Field, time(4)).unwrap(), id(3));
}

#[test]
fn the_active_key_is_not_retired_without_another() {
    let folder = Folder::with_file();
    let before = folder.read();
    let message =
        refused(folder.file().set_state(id(1), KeyState::Retired, time(1)), ErrorKind::InvalidKeys)
            .to_string();
    assert!(message.contains("no key is active"), "{message}");
    assert_eq!(folder.read(), before);
}

#[test]
fn every_state_survives_the_file() {
    let folder = Folder::with_file();
    let file = folder.file();
    for (number, state) in
        [KeyState::Pending, KeyState::Disabled, KeyState::Compromised].into_iter().enumerate()
    {
        let key = Key::new(u32::try_from(number).unwrap() + 10, KEYS[number])
            .state(state)
            .scope("a/b @:,\"\\é");
        file.add(&key, time(1)).unwrap();
        let ring = file.keyring().unwrap();
        let read = info(&ring, u32::try_from(number).unwrap() + 10, number);
        assert_eq!((read.state, read.scope), (state, "a/b @:,\"\\é"));
    }
    file.add(&Key::destroyed(20).check(check_value(5)), time(1)).unwrap();
    let ring = file.keyring().unwrap();
    assert_eq!(info(&ring, 20, 5).state, KeyState::Destroyed);
    // A destroyed key's bytes are gone from the file, even if they were given.
    file.add(&Key::new(21, KEYS[6]).state(KeyState::Destroyed), time(1)).unwrap();
    assert_eq!(info(&file.keyring().unwrap(), 21, 6).state, KeyState::Destroyed);
    let text = String::from_utf8(folder.read()).unwrap();
    assert!(!text.contains(&crate::support::key(6)));
}

#[test]
fn create_never_overwrites() {
    let folder = Folder::with_file();
    let before = folder.read();
    let message = refused(folder.file().create(time(9)), ErrorKind::KeyFile).to_string();
    assert!(message.contains("keys.json") && message.contains("rotate"), "{message}");
    assert_eq!(folder.read(), before);

    // Whatever stands there: another file, an empty one, a folder, a link to nowhere.
    for text in [&b""[..], b"not a key file"] {
        let folder = Folder::with_text(text);
        refused(folder.file().create(time(0)), ErrorKind::KeyFile);
        assert_eq!(folder.read(), text);
    }
    let folder = Folder::new();
    std::fs::create_dir(folder.path()).unwrap();
    refused(folder.file().create(time(0)), ErrorKind::KeyFile);
    let folder = Folder::new();
    std::os::unix::fs::symlink("nowhere", folder.path()).unwrap();
    refused(folder.file().create(time(0)), ErrorKind::KeyFile);
    assert_eq!(folder.path().read_link().unwrap().to_str(), Some("nowhere"));
}

#[test]
fn nothing_but_the_file_and_its_lock_remains() {
    let folder = Folder::with_file();
    let file = folder.file();
    for _ in 0..5 {
        file.rotate("", Purpose::Field, time(1)).unwrap();
    }
    refused(file.create(time(1)), ErrorKind::KeyFile);
    refused(file.activate(id(1), time(1)), ErrorKind::KeyFile);
    assert_eq!(folder.names(), ["keys.json", "keys.json.lock"]);
}

#[test]
fn ids_are_used_up() {
    let folder = Folder::with_file();
    let file = folder.file();
    file.add(&Key::new(u32::MAX, KEYS[0]).state(KeyState::Pending), time(1)).unwrap();
    let before = folder.read();
    let message = refused(file.rotate("", Purpose::Field, time(2)), ErrorKind::KeyFile).to_string();
    assert!(message.contains("used up"), "{message}");
    assert_eq!(folder.read(), before);
}

/// Temporary files of writers that were killed hold keys; the next writer removes them, and nothing
/// else.
#[test]
fn what_a_killed_writer_leaves_is_removed() {
    let folder = Folder::with_file();
    let left = "keys.json.tmp-0123456789abcdef";
    let others = [
        "keys.json.tmp-backup",
        "keys.json.tmp-0123456789abcde",
        "other.json.tmp-0123456789abcdef",
        "keys.json.bak",
    ];
    for name in others.iter().chain([&left]) {
        std::fs::write(folder.folder.path().join(name), "{}").unwrap();
    }
    assert!(folder.file().keyring().is_ok());
    assert!(folder.names().iter().any(|name| name == left));
    folder.file().rotate("", Purpose::Field, time(1)).unwrap();
    let names = folder.names();
    assert!(!names.iter().any(|name| name == left));
    assert!(others.iter().all(|other| names.iter().any(|name| name == other)), "{names:?}");
}

/// The clock of the machine is not trusted to be right.
#[test]
fn times_of_any_kind() {
    use std::time::{Duration, SystemTime};

    for now in
        [SystemTime::UNIX_EPOCH - Duration::from_secs(1), time(36_500_000), SystemTime::now()]
    {
        let folder = Folder::new();
        folder.file().create(now).unwrap();
        assert!(folder.file().keyring().is_ok());
    }
}
