//! What a key may do in each state of its life.

use encrypted_field::{EncryptedFieldExt, ErrorKind, Key, KeyId, Keyring, key::KeyState};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{BotToken, FORMS, KINDS, open, ring, seal};

/// Key 7 in some state, beside an active key 8.
fn with_key_7(state: KeyState) -> Keyring {
    Keyring::builder().active(8, KEYS[1]).key(Key::new(7, KEYS[0]).state(state)).build().unwrap()
}

#[test]
fn pending_retired_and_compromised_keys_open_and_do_not_seal() {
    for state in [KeyState::Pending, KeyState::Retired, KeyState::Compromised] {
        let after = with_key_7(state);
        assert_eq!(after.get(7).map(|key| key.state), Some(state));
        for form in FORMS {
            for kind in KINDS {
                let stored = seal(&ring(), form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
                let read = open::<BotToken>(&after, form, kind, &stored).unwrap();
                assert!(&*read == BOT_TOKEN);
                assert_eq!(read.key_id(), KeyId::new(7));
                // A pending key is the next one: other processes may use it already.
                assert_eq!(read.is_stale_with(&after), state != KeyState::Pending, "{state:?}");
                let written = seal(&after, form, kind, &read).unwrap();
                let read = open::<BotToken>(&after, form, kind, &written).unwrap();
                assert_eq!(read.key_id(), KeyId::new(8));
                assert!(!read.is_stale_with(&after));
            }
        }
    }
}

#[test]
fn disabled_and_destroyed_keys_open_nothing() {
    let tombstone = Keyring::builder().active(8, KEYS[1]).key(Key::destroyed(7)).build().unwrap();
    let rings = [
        (with_key_7(KeyState::Disabled), "disabled"),
        (with_key_7(KeyState::Destroyed), "destroyed"),
        (tombstone, "destroyed"),
    ];
    for (after, why) in rings {
        for form in FORMS {
            for kind in KINDS {
                let stored = seal(&ring(), form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
                let error =
                    refused(open::<BotToken>(&after, form, kind, &stored), ErrorKind::KeyUnusable);
                assert_eq!(error.key_id(), KeyId::new(7));
                assert!(error.to_string().contains(why), "{error}");
                // Its state is known before the value is: a damaged one gets the same answer.
                let mut damaged = stored;
                let at = damaged.len() - 5;
                damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
                refused(open::<BotToken>(&after, form, kind, &damaged), ErrorKind::KeyUnusable);
            }
        }
    }
}

/// Disabling is reversible: with the key back in its state, its values open again.
#[test]
fn a_disabled_key_comes_back() {
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    refused(
        BotToken::from_stored_text_with(&with_key_7(KeyState::Disabled), stored.clone()),
        ErrorKind::KeyUnusable,
    );
    assert!(BotToken::from_stored_text_with(&with_key_7(KeyState::Retired), stored).is_ok());
}

#[test]
fn compromised_keys_can_be_refused() {
    let strict = Keyring::builder()
        .active(8, KEYS[1])
        .key(Key::new(7, KEYS[0]).state(KeyState::Compromised))
        .refuse_compromised()
        .build()
        .unwrap();
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    let error = refused(BotToken::from_stored_text_with(&strict, stored), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("compromised"), "{error}");
    // The others are not concerned.
    let written = BotToken::from(BOT_TOKEN).to_stored_text_with(&strict).unwrap();
    assert!(BotToken::from_stored_text_with(&strict, written).is_ok());
}

/// A value read under a key that was compromised then is stale, whatever ring it is asked about.
#[test]
fn a_value_of_a_compromised_key_stays_stale() {
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    let read = BotToken::from_stored_text_with(&with_key_7(KeyState::Compromised), stored).unwrap();
    assert!(read.is_stale_with(&ring()) && read.clone().is_stale_with(&ring()));
}

#[test]
fn without_an_active_key_nothing_is_sealed() {
    let pending =
        Keyring::builder().key(Key::new(7, KEYS[0]).state(KeyState::Pending)).build().unwrap();
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    assert!(BotToken::from_stored_text_with(&pending, stored).is_ok());
    for form in FORMS {
        for kind in KINDS {
            let error = refused(
                seal(&pending, form, kind, &BotToken::from(BOT_TOKEN)),
                ErrorKind::NoActiveKey,
            );
            assert_eq!(error.column(), Some("slack_connections.bot_token"));
        }
    }
}
