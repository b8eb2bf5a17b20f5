//! A ring held by one thread: for tests that run in parallel.

use encrypted_field::{Encrypted, EncryptedFieldExt, KeyId, Keyring, Secret, keyring};
use tests::secrets::{BOT_TOKEN, KEYS};

#[derive(Encrypted)]
#[encrypted(context = "held.token")]
struct Token(Secret<String>);

fn ring(id: u32) -> Keyring {
    Keyring::builder().active(id, KEYS[usize::try_from(id).unwrap()]).build().unwrap()
}

/// The key that seals on this thread.
fn seals() -> Option<KeyId> {
    let stored = Token::from(BOT_TOKEN).to_stored().ok()?;
    Token::from_stored(stored).unwrap().key_id()
}

#[test]
fn guards_nest() {
    let _one = ring(1).hold();
    assert_eq!(seals(), KeyId::new(1));
    {
        let _two = ring(2).hold();
        assert_eq!(seals(), KeyId::new(2));
        assert!(keyring().unwrap().get(1).is_none());
    }
    assert_eq!(seals(), KeyId::new(1));
}

#[test]
fn guards_go_in_any_order() {
    let one = ring(1).hold();
    let two = ring(2).hold();
    let three = ring(3).hold();
    drop(two);
    assert_eq!(seals(), KeyId::new(3));
    drop(one);
    assert_eq!(seals(), KeyId::new(3));
    drop(three);
    let four = ring(4).hold();
    assert_eq!(seals(), KeyId::new(4));
    assert_eq!(four.active_key("", encrypted_field::key::Purpose::Field), KeyId::new(4));
}

#[test]
fn a_guard_is_dropped_by_a_panic() {
    let _one = ring(1).hold();
    let caught = std::panic::catch_unwind(|| {
        let _two = ring(2).hold();
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(caught.is_err());
    assert_eq!(seals(), KeyId::new(1));
}

#[test]
fn threads_do_not_see_each_others() {
    std::thread::scope(|scope| {
        for id in 1..8 {
            scope.spawn(move || {
                let _held = ring(id).hold();
                for _ in 0..100 {
                    assert_eq!(seals(), KeyId::new(id));
                }
            });
        }
    });
}

/// A ring passed by hand wins over the held one.
#[test]
fn with_a_ring_by_hand() {
    let _one = ring(1).hold();
    let two = ring(2);
    let stored = Token::from(BOT_TOKEN).to_stored_text_with(&two).unwrap();
    assert!(stored.starts_with("ef1:2:"));
    let error = Token::from_stored_text(stored.clone()).map(drop).unwrap_err();
    assert_eq!(error.kind(), encrypted_field::ErrorKind::UnknownKey);
    let read = Token::from_stored_text_with(&two, stored).unwrap();
    assert!(!read.is_stale_with(&two) && read.is_stale());
}

/// The last values of a thread are dropped after what it held; that is no panic.
#[test]
fn at_the_end_of_a_thread() {
    struct SealsWhenDropped;

    impl Drop for SealsWhenDropped {
        fn drop(&mut self) {
            // No ring is held any more, so none may be found; it must not be a panic.
            let _ = (Token::from(BOT_TOKEN).to_stored(), Token::from(BOT_TOKEN).is_stale());
        }
    }

    thread_local! {
        static LAST: SealsWhenDropped = const { SealsWhenDropped };
    }
    let thread = std::thread::spawn(|| {
        LAST.with(|_| ());
        let _held = ring(1).hold();
        assert_eq!(seals(), KeyId::new(1));
    });
    assert!(thread.join().is_ok());
}
