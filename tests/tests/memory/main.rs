//! What was a secret is not left on the heap once it is dropped: the whole heap of this process is
//! searched. (The stack is not: values are moved over it, and what a move leaves behind can't be
//! wiped in Rust.)
#![cfg(target_os = "linux")]

mod envelope;
mod search;
mod subkeys;

use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::{
    Encrypted, EncryptedFieldExt, Json, Key, Keyring, Secret,
    key::{EnvKeys, KeyFile, KeyState},
    plaintext::Zeroizing,
};
use serde::{Deserialize, Serialize};
use tests::secrets::KEYS;

use search::Needle;

#[derive(Encrypted)]
#[encrypted(context = "memory.token")]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "memory.bytes", storage = "binary")]
struct Bytes(Secret<Vec<u8>>);

/// A type of the application's that wipes itself, as JSON types should: each write reads its JSON
/// back to see that it can be, and only `T` can wipe that.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Wiping(String);

impl Drop for Wiping {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

#[derive(Encrypted)]
#[encrypted(context = "memory.json")]
struct Strings(Secret<Json<Vec<Wiping>>>);

/// One test at a time: a search reads the others' secrets, and their searches would find copies in
/// its buffer.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ring() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

/// The search finds what is there, also in memory that was given back.
#[test]
fn the_search_finds_secrets() {
    let _alone = alone();
    let needle = Needle::text();
    assert_eq!(needle.count(), 0);
    let secret = needle.expose();
    assert_eq!(needle.count(), 1);
    drop(black_box(secret));
    // Many, of which the allocator reuses few.
    let secrets: Vec<_> = (0..100).map(|_| needle.expose()).collect();
    assert!(needle.count() >= 100);
    drop(black_box(secrets));
    assert!(needle.count() >= 50, "what is not wiped is found");
}

#[test]
fn a_string_through_both_forms() {
    let _alone = alone();
    let (needle, ring) = (Needle::text(), ring());
    let token = Token::from(needle.expose_text());
    assert_eq!(needle.count(), 1);
    let (text, binary) =
        (token.to_stored_text_with(&ring).unwrap(), token.to_stored_with(&ring).unwrap());
    let (cookie, message) = (token.seal_text_with(&ring).unwrap(), token.seal_with(&ring).unwrap());
    assert_eq!(needle.count(), 1, "sealing leaves no copy");
    let clone = token.clone();
    assert_eq!(needle.count(), 2);
    drop((token, clone));
    assert_eq!(needle.count(), 0);

    let read = Token::from_stored_text_with(&ring, text).unwrap();
    assert_eq!(needle.count(), 1);
    drop(read);
    assert_eq!(needle.count(), 0);
    drop(Token::from_stored_with(&ring, binary).unwrap());
    drop(Token::open_text_with(&ring, &cookie).unwrap());
    drop(Token::open_with(&ring, &message).unwrap());
    assert_eq!(needle.count(), 0);
}

#[test]
fn bytes_and_json() {
    let _alone = alone();
    let (needle, ring) = (Needle::text(), ring());
    let bytes = Bytes::from(needle.expose());
    let stored = bytes.to_stored_with(&ring).unwrap();
    drop(bytes);
    drop(Bytes::from_stored_with(&ring, stored).unwrap());
    assert_eq!(needle.count(), 0);

    let strings = Strings::from(vec![Wiping(needle.expose_text())]);
    let stored = strings.to_stored_text_with(&ring).unwrap();
    assert_eq!(needle.count(), 1, "the JSON text is wiped");
    drop(strings);
    let read = Strings::from_stored_text_with(&ring, stored).unwrap();
    assert_eq!(needle.count(), 1, "the JSON text is wiped");
    drop(read);
    assert_eq!(needle.count(), 0);
}

/// JSON types that are `Zeroize` are wiped by the generated type, whether they wipe themselves or
/// not.
#[test]
fn json_that_can_be_wiped() {
    #[derive(Encrypted)]
    #[encrypted(context = "memory.json")]
    struct Plain(Secret<Json<Vec<String>>>);

    let _alone = alone();
    let (needle, ring) = (Needle::text(), ring());
    let stored =
        Strings::from(vec![Wiping(needle.expose_text())]).to_stored_text_with(&ring).unwrap();
    let read = Plain::from_stored_text_with(&ring, stored).unwrap();
    let clone = read.clone();
    assert_eq!(needle.count(), 2);
    drop((read, clone, Plain::from(vec![needle.expose_text()])));
    assert_eq!(needle.count(), 0);
}

/// Where an error is all there is, nothing of the value stays.
#[test]
fn values_that_are_refused() {
    let _alone = alone();
    let (needle, ring) = (Needle::text(), ring());
    // Not UTF-8, found once it is decrypted.
    let mut not_utf8 = Zeroizing::new(Vec::with_capacity(200));
    not_utf8.extend_from_slice(&Zeroizing::new(needle.expose()));
    not_utf8.push(0xFF);
    #[derive(Encrypted)]
    #[encrypted(context = "memory.token")]
    struct TokenBytes(Secret<Vec<u8>>);
    let stored = TokenBytes::from(&not_utf8[..]).to_stored_with(&ring).unwrap();
    drop(not_utf8);
    assert_eq!(needle.count(), 0);
    assert!(Token::from_stored_with(&ring, stored).is_err());
    assert_eq!(needle.count(), 0);

    // A plaintext that looks like a stored value is tried, in a copy.
    let mut look_alike = Zeroizing::new(String::with_capacity(200));
    look_alike.push_str("ef1:1:");
    look_alike.push_str(&Zeroizing::new(needle.expose_text()));
    let token = Token::from(&**look_alike);
    drop(look_alike);
    assert!(token.to_stored_text_with(&ring).is_ok());
    assert_eq!(needle.count(), 1);
    drop(token);
    assert_eq!(needle.count(), 0);
}

/// The bytes from the 17th on, of a key that no other test here uses.
fn key_needle(number: usize) -> Needle {
    Needle::of(&KEYS[number])
}

#[test]
fn data_keys_in_a_ring() {
    let _alone = alone();
    let needles: Vec<_> = (1..8).map(key_needle).collect();
    // Enough of them that a list of keys has to grow.
    let builder = (1..8).fold(Keyring::builder(), |builder, number| {
        let state = if number == 1 { KeyState::Active } else { KeyState::Retired };
        builder.key(Key::new(u32::try_from(number).unwrap(), KEYS[number]).state(state))
    });
    assert!(needles.iter().all(|needle| needle.count() >= 1), "the builder has them");
    let moved: Vec<_> = needles.iter().map(Needle::count).collect();
    let ring = builder.build().unwrap();
    // The ring works with what is derived from them.
    let left: Vec<_> = needles.iter().map(Needle::count).collect();
    assert_eq!(left, [0; 7], "while the builder had {moved:?}");
    drop(black_box(ring));
}

#[test]
fn keys_from_the_environment_and_from_a_file() {
    let _alone = alone();
    // A key of its own, since the other tests here have all of the usual ones.
    let bytes = Needle::of(&*Zeroizing::new(encrypted_field::generate_key().unwrap()));
    let base64 = || {
        let mut text = Zeroizing::new([0; 44]);
        STANDARD.encode_slice(Zeroizing::new(bytes.expose()), &mut *text).unwrap();
        text
    };
    let text = Needle::of(&*base64());
    assert_eq!((bytes.count(), text.count()), (0, 0));

    let list = |name: &str| {
        name.ends_with("_KEYS").then(|| {
            let mut list = String::with_capacity(200);
            list.push_str("7:");
            list.push_str(str::from_utf8(&*base64()).unwrap());
            OsString::from(list)
        })
    };
    let ring = EnvKeys::new().read(list).unwrap();
    assert_eq!((bytes.count(), text.count()), (0, 0), "of the environment");
    drop(ring);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let mut wrapped = Zeroizing::new([b'\n'; 46]);
    wrapped[..20].copy_from_slice(&base64()[..20]);
    wrapped[21..45].copy_from_slice(&base64()[20..]);
    fs::write(&path, &*wrapped).unwrap();
    drop(wrapped);
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let named = |name: &str| name.ends_with("_KEY_FILE").then(|| path.clone().into_os_string());
    drop(EnvKeys::new().read(named).unwrap());
    assert_eq!((bytes.count(), text.count()), (0, 0), "of a file that a variable names");

    let path = folder.path().join("keys.json");
    let mut document = Zeroizing::new(Vec::with_capacity(1000));
    document
        .extend_from_slice(b"{\"format\":\"encrypted-field key file\",\"version\":1,\"keys\":[");
    document.extend_from_slice(b"{\"id\":7,\"state\":\"active\",\"key\":\"");
    document.extend_from_slice(&*base64());
    document.extend_from_slice(b"\"}]}");
    fs::write(&path, &**document).unwrap();
    drop(document);
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let file = KeyFile::new(&path);
    drop(file.keyring().unwrap());
    assert_eq!((bytes.count(), text.count()), (0, 0), "of the file");
    file.rotate("", encrypted_field::key::Purpose::Field, std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    assert_eq!((bytes.count(), text.count()), (0, 0), "of the file, after a rotation");
}
