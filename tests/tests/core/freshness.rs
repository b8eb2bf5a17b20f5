//! Each write seals afresh, under the key that is active then: nothing of it is kept in the value.

use std::collections::HashSet;

use encrypted_field::{EncryptedFieldExt, KeyId, Keyring};
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{BotToken, FORMS, Form, KINDS, Kind, open, ring, rotated, seal};

/// The nonce, in binary form.
fn nonce(sealed: &[u8]) -> [u8; 24] {
    sealed[8..32].try_into().unwrap()
}

#[test]
fn the_same_value_never_gives_the_same_bytes() {
    let ring = ring();
    let token = BotToken::from(BOT_TOKEN);
    let clone = token.clone();
    for form in FORMS {
        for kind in KINDS {
            let sealed: HashSet<_> = (0..100)
                .flat_map(|_| [&token, &clone].map(|t| seal(&ring, form, kind, t).unwrap()))
                .collect();
            assert_eq!(sealed.len(), 200);
        }
    }
}

/// Of the two halves of a nonce, the first derives the key, and values for columns may share it.
/// The second is GCM's.
#[test]
fn nonces_do_not_repeat_and_use_all_their_bits() {
    let each = Keyring::builder().active(7, KEYS[0]).subkey_per_value().build().unwrap();
    for (ring, fresh) in [(ring(), 12..24), (each, 0..24)] {
        let token = BotToken::from("");
        let nonces: HashSet<_> = (0..2000)
            .map(|_| nonce(&seal(&ring, Form::Binary, Kind::Column, &token).unwrap()))
            .collect();
        assert_eq!(nonces.len(), 2000);
        for half in [0..12, 12..24].into_iter().filter(|half| half.start >= fresh.start) {
            let halves: HashSet<_> = nonces.iter().map(|nonce| &nonce[half.clone()]).collect();
            assert_eq!(halves.len(), 2000);
        }
        for bit in fresh.start * 8..192 {
            let set = nonces.iter().filter(|nonce| nonce[bit / 8] & (1 << (bit % 8)) != 0).count();
            // Ten standard deviations from 1000.
            assert!((776..=1224).contains(&set), "bit {bit} is set {set} times of 2000");
        }
    }
}

#[test]
fn threads_do_not_share_nonces() {
    let ring = ring();
    let token = BotToken::from(BOT_TOKEN);
    let nonces: HashSet<_> = std::thread::scope(|scope| {
        let one =
            || (0..500).map(|_| nonce(&token.to_stored_with(&ring).unwrap())).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(nonces.len(), 2000);
}

#[test]
fn a_value_written_again_after_a_rotation_is_under_the_new_key() {
    for form in FORMS {
        for kind in KINDS {
            let before = seal(&ring(), form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            let read = open::<BotToken>(&rotated(), form, kind, &before).unwrap();
            assert_eq!(read.key_id(), KeyId::new(7));
            assert!(!read.is_stale_with(&ring()) && read.is_stale_with(&rotated()));

            for value in [&read, &read.clone(), &BotToken::from(BOT_TOKEN)] {
                let after = seal(&rotated(), form, kind, value).unwrap();
                let read = open::<BotToken>(&rotated(), form, kind, &after).unwrap();
                assert!(&*read == BOT_TOKEN);
                assert_eq!(read.key_id(), KeyId::new(8));
                assert!(!read.is_stale_with(&rotated()));
                // A process that was not told of the new key says which one it lacks.
                let error = tests::refused(
                    open::<BotToken>(&ring(), form, kind, &after),
                    encrypted_field::ErrorKind::UnknownKey,
                );
                assert_eq!(error.key_id(), KeyId::new(8));
            }
        }
    }
}

#[test]
fn a_clone_keeps_where_the_value_came_from() {
    let stored = seal(&ring(), Form::Text, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    let read = open::<BotToken>(&rotated(), Form::Text, Kind::Column, &stored).unwrap();
    let clone = read.clone();
    drop(read);
    assert_eq!(clone.key_id(), KeyId::new(7));
    assert!(clone.is_stale_with(&rotated()) && !clone.is_legacy());
    assert!(&*clone == BOT_TOKEN);

    let new = BotToken::from(BOT_TOKEN);
    assert_eq!(new.clone().key_id(), None);
    assert!(!new.is_stale_with(&rotated()) && !new.is_legacy());
}

/// Sealed ahead of its write, a value is one write: no `Clone`, and the next one differs.
#[test]
fn sealed_ahead_of_a_write() {
    let _ring = ring().hold();
    let token = BotToken::from(BOT_TOKEN);
    let [one, other] = [token.to_stored_value().unwrap(), token.to_stored_value().unwrap()];
    assert_ne!(one.as_bytes(), other.as_bytes());
    assert_eq!(one.as_text().map(str::as_bytes), Some(one.as_bytes()));
    let read = BotToken::from_stored_text(one.as_text().unwrap().to_owned()).unwrap();
    assert!(&*read == BOT_TOKEN);
    let binary =
        crate::fields::BotTokenBytes::from(BOT_TOKEN.as_bytes()).to_stored_value().unwrap();
    assert_eq!(binary.as_text(), None);
    assert!(binary.as_bytes().starts_with(b"\xEF\x66\x31"));
}
