//! The event hook: what it is told, and that it is told nothing else. In a binary of its own,
//! because the hook is the process's; each test has columns of its own and looks at their events.

use std::sync::{Mutex, Once};

use encrypted_field::event::{self, Event};
use encrypted_field::{
    Encrypted, EncryptedField, EncryptedFieldExt, ErrorKind, Key, Keyring, Secret, key::KeyState,
    legacy,
};
use tests::assert_redacted;
use tests::secrets::{BOT_TOKEN, KEYS};

/// Column and event.
static SEEN: Mutex<Vec<(String, Seen)>> = Mutex::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Stale(u32),
    Legacy,
    Compromised(u32),
    Failed(Option<u32>, ErrorKind),
}

fn record(event: &Event<'_>) {
    assert_redacted(&format!("{event:?}"));
    let (column, seen) = match *event {
        Event::StaleRead { column, key_id, .. } => (column, Seen::Stale(key_id.get())),
        Event::LegacyRead { column, .. } => (column, Seen::Legacy),
        Event::CompromisedRead { column, key_id, .. } => (column, Seen::Compromised(key_id.get())),
        Event::OpenFailed { column, key_id, kind, .. } => {
            (column, Seen::Failed(key_id.map(encrypted_field::KeyId::get), kind))
        }
        _ => panic!("an event that these tests do not know: {event:?}"),
    };
    if column == Outer::CONTEXT {
        assert!(Inner::from_stored_text("ef1:0:".to_owned()).is_err());
    }
    SEEN.lock().unwrap().push((column.to_owned(), seen));
}

fn watch() {
    static SET: Once = Once::new();
    SET.call_once(|| event::set_hook(record));
}

/// The events of a column since the last call.
fn events<T: EncryptedField>() -> Vec<Seen> {
    let mut seen = SEEN.lock().unwrap();
    let (own, others) = seen.drain(..).partition(|(column, _)| column == T::CONTEXT);
    *seen = others;
    own.into_iter().map(|(_, seen): (_, Seen)| seen).collect()
}

macro_rules! field {
    ($name:ident, $context:literal $(, $option:ident = $value:tt)*) => {
        #[derive(Encrypted)]
        #[encrypted(context = $context $(, $option = $value)*)]
        struct $name(Secret<String>);
    };
}

// What the hook itself reads when it is told of the other.
field!(Outer, "hook.outer");
field!(Inner, "hook.inner");

fn ring() -> Keyring {
    Keyring::builder().active(7, KEYS[0]).build().unwrap()
}

fn with_key_7(state: KeyState) -> Keyring {
    Keyring::builder().active(8, KEYS[1]).key(Key::new(7, KEYS[0]).state(state)).build().unwrap()
}

#[test]
fn a_read_under_the_active_key_is_no_event() {
    field!(Current, "hook.current");
    watch();
    let token = Current::from(BOT_TOKEN);
    let stored = token.to_stored_text_with(&ring()).unwrap();
    let detached = token.seal_with(&ring()).unwrap();
    let read = Current::from_stored_text_with(&ring(), stored).unwrap();
    assert!(Current::open_with(&ring(), &detached).is_ok());
    let _ = (read.is_stale_with(&ring()), read.clone(), read == token);
    assert_eq!(events::<Current>(), []);
}

#[test]
fn stale_reads() {
    field!(Stale, "hook.stale");
    field!(StaleRenamed, "hook.renamed", previous_context = "hook.stale");
    watch();
    let stored = Stale::from(BOT_TOKEN).to_stored_with(&ring()).unwrap();
    let detached = Stale::from(BOT_TOKEN).seal_text_with(&ring()).unwrap();
    let rotated = with_key_7(KeyState::Retired);
    Stale::from_stored_with(&rotated, stored.clone()).unwrap();
    Stale::open_text_with(&rotated, &detached).unwrap();
    assert_eq!(events::<Stale>(), [Seen::Stale(7), Seen::Stale(7)]);
    // Under a previous context, though the key is the active one.
    let read = StaleRenamed::from_stored_with(&ring(), stored.clone()).unwrap();
    assert_eq!(events::<StaleRenamed>(), [Seen::Stale(7)]);
    // To ask is no read, nor is a clone.
    assert!(read.is_stale_with(&ring()) && read.clone().is_stale_with(&rotated));
    // Under the next key, that other processes use already.
    Stale::from_stored_with(&with_key_7(KeyState::Pending), stored).unwrap();
    assert_eq!((events::<Stale>(), events::<StaleRenamed>()), (vec![], vec![]));
}

#[test]
fn compromised_reads_are_told_apart_from_stale_ones() {
    field!(Compromised, "hook.compromised");
    watch();
    let stored = Compromised::from(BOT_TOKEN).to_stored_with(&ring()).unwrap();
    Compromised::from_stored_with(&with_key_7(KeyState::Compromised), stored.clone()).unwrap();
    assert_eq!(events::<Compromised>(), [Seen::Compromised(7)]);
    let strict = Keyring::builder()
        .active(8, KEYS[1])
        .key(Key::new(7, KEYS[0]).state(KeyState::Compromised))
        .refuse_compromised()
        .build()
        .unwrap();
    assert!(Compromised::from_stored_with(&strict, stored).is_err());
    assert_eq!(events::<Compromised>(), [Seen::Failed(Some(7), ErrorKind::KeyUnusable)]);
}

#[test]
fn legacy_reads() {
    field!(Legacy, "hook.legacy", legacy = plaintext);
    watch();
    let read = || Legacy::from_stored_text_with(&ring(), BOT_TOKEN.to_owned());
    assert!(read().is_ok());
    assert_eq!(events::<Legacy>(), [Seen::Legacy]);
    legacy::close::<Legacy>();
    assert!(read().is_err());
    assert_eq!(events::<Legacy>(), [Seen::Failed(None, ErrorKind::LegacyClosed)]);
    legacy::reopen::<Legacy>();
    assert!(Legacy::from_stored_with(&ring(), b"\xFF".to_vec()).is_err());
    assert_eq!(events::<Legacy>(), [Seen::Failed(None, ErrorKind::LegacyRefused)]);
}

#[test]
fn failed_opens_are_told_once_with_their_kind() {
    field!(Failed, "hook.failed");
    field!(Other, "hook.other");
    watch();
    let ring = ring();
    let stored = Failed::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    for (text, key_id, kind) in [
        (BOT_TOKEN.to_owned(), None, ErrorKind::NotEncrypted),
        ("ef1:0:".to_owned(), None, ErrorKind::Pending),
        ("ef2:7:".to_owned(), None, ErrorKind::UnsupportedVersion),
        (stored[..30].to_owned(), Some(7), ErrorKind::Malformed),
        (stored.replacen(":7:", ":9:", 1), Some(9), ErrorKind::UnknownKey),
    ] {
        assert!(Failed::from_stored_text_with(&ring, text.clone()).is_err());
        assert!(Failed::open_text_with(&ring, &text).is_err());
        assert_eq!(events::<Failed>(), [Seen::Failed(key_id, kind); 2], "{kind:?}");
    }
    assert!(Other::from_stored_text_with(&ring, stored.clone()).is_err());
    assert_eq!(events::<Other>(), [Seen::Failed(Some(7), ErrorKind::Authentication)]);
    // Through the ring of the thread, too.
    let _held = Keyring::builder().active(9, KEYS[2]).build().unwrap().hold();
    assert!(Failed::from_stored_text(stored).is_err());
    assert_eq!(events::<Failed>(), [Seen::Failed(Some(7), ErrorKind::UnknownKey)]);
}

/// A write that fails is the program's own affair: it has the error.
#[test]
fn writes_are_no_events() {
    field!(Written, "hook.written");
    watch();
    let stored = Written::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    assert!(Written::from(&*stored).to_stored_text_with(&ring()).is_err());
    let look_alike = Written::from("ef1:7:AAAA");
    assert!(look_alike.to_stored_text_with(&ring()).is_ok());
    assert_eq!(events::<Written>(), []);
}

/// Events of a hook's own reads reach the hook.
#[test]
fn a_hook_may_use_the_library() {
    watch();
    let _held = ring().hold();
    assert!(Outer::from_stored_text(BOT_TOKEN.to_owned()).is_err());
    assert_eq!(events::<Outer>(), [Seen::Failed(None, ErrorKind::NotEncrypted)]);
    assert_eq!(events::<Inner>(), [Seen::Failed(None, ErrorKind::Pending)]);
}
