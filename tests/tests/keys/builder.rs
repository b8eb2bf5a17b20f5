//! What a key ring must be, checked where it is built.

use encrypted_field::{
    ErrorKind, Key, KeyId, Keyring,
    key::{KeyState, Purpose},
};
use tests::refused;
use tests::secrets::KEYS;

use crate::support::{check_value, info};

const STATES: [KeyState; 6] = [
    KeyState::Pending,
    KeyState::Active,
    KeyState::Retired,
    KeyState::Disabled,
    KeyState::Destroyed,
    KeyState::Compromised,
];

#[track_caller]
fn invalid(builder: encrypted_field::key::KeyringBuilder, words: &[&str]) {
    let message = refused(builder.build(), ErrorKind::InvalidKeys).to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
}

#[test]
fn no_key_at_all() {
    invalid(Keyring::builder(), &["add at least an active one"]);
}

#[test]
fn id_0() {
    for state in STATES {
        invalid(
            Keyring::builder().active(1, KEYS[1]).key(Key::new(0, KEYS[0]).state(state)),
            &["0", "begin at 1"],
        );
    }
    invalid(Keyring::builder().key(Key::destroyed(0)), &["begin at 1"]);
    assert_eq!(KeyId::new(0), None);
}

#[test]
fn an_id_twice() {
    // Also where the bytes are the same, or the scopes differ, or one is only a tombstone.
    invalid(Keyring::builder().active(1, KEYS[0]).retired(1, KEYS[1]), &["key 1", "twice"]);
    invalid(Keyring::builder().active(1, KEYS[0]).retired(1, KEYS[0]), &["key 1", "twice"]);
    invalid(
        Keyring::builder().active(1, KEYS[0]).key(Key::new(1, KEYS[1]).scope("slack")),
        &["key 1", "twice"],
    );
    invalid(
        Keyring::builder().active(1, KEYS[0]).key(Key::new(1, KEYS[1]).purpose(Purpose::Index)),
        &["key 1", "twice"],
    );
    invalid(Keyring::builder().active(1, KEYS[0]).key(Key::destroyed(1)), &["key 1", "twice"]);
}

/// A rotation to the same bytes is none, and a key has one purpose.
#[test]
fn the_same_bytes_twice() {
    invalid(Keyring::builder().active(2, KEYS[0]).retired(1, KEYS[0]), &["same bytes"]);
    invalid(
        Keyring::builder().active(1, KEYS[0]).key(Key::new(2, KEYS[0]).purpose(Purpose::Index)),
        &["key 2", "same bytes", "key 1"],
    );
    invalid(
        Keyring::builder().active(1, KEYS[0]).key(Key::destroyed(2).check(check_value(0))),
        &["same bytes"],
    );
}

#[test]
fn two_active_keys_in_one_place() {
    invalid(
        Keyring::builder().active(1, KEYS[0]).active(2, KEYS[1]),
        &["keys 1 and 2", "default scope", "retire"],
    );
    let in_scope = |id, key| Key::new(id, key).scope("slack").purpose(Purpose::Index);
    invalid(
        Keyring::builder().key(in_scope(1, KEYS[0])).key(in_scope(2, KEYS[1])),
        &["keys 1 and 2", "\"slack\"", "index"],
    );
    // Another scope or purpose is another place.
    let ring = Keyring::builder()
        .active(1, KEYS[0])
        .key(Key::new(2, KEYS[1]).scope("slack"))
        .key(Key::new(3, KEYS[2]).purpose(Purpose::Index))
        .key(Key::new(4, KEYS[3]).purpose(Purpose::File))
        .key(in_scope(5, KEYS[4]))
        .build()
        .unwrap();
    assert_eq!(ring.active_key("slack", Purpose::Index), KeyId::new(5));
    assert_eq!(ring.active_key("", Purpose::File), KeyId::new(4));
}

#[test]
fn retired_without_an_active_key() {
    invalid(
        Keyring::builder().retired(1, KEYS[0]),
        &["key 1", "no key is active", "default scope"],
    );
    let elsewhere = Key::new(2, KEYS[1]).scope("slack").state(KeyState::Retired);
    invalid(Keyring::builder().active(1, KEYS[0]).key(elsewhere), &["key 2", "\"slack\""]);
    let other_purpose = Key::new(2, KEYS[1]).purpose(Purpose::Index).state(KeyState::Retired);
    invalid(Keyring::builder().active(1, KEYS[0]).key(other_purpose), &["key 2", "index"]);
}

#[test]
fn a_wrong_check_value() {
    for state in STATES {
        let wrong = Key::new(2, KEYS[1]).state(state).check(check_value(0));
        invalid(Keyring::builder().active(1, KEYS[0]).key(wrong), &["key 2", "check value"]);
    }
    // All of its 32 bytes count.
    for bit in 0..256 {
        let mut check = check_value(0);
        check[bit / 8] ^= 1 << (bit % 8);
        invalid(
            Keyring::builder().key(Key::new(1, KEYS[0]).check(check)),
            &["key 1", "check value"],
        );
    }
    assert!(Keyring::builder().key(Key::new(1, KEYS[0]).check(check_value(0))).build().is_ok());
}

/// HKDF-Expand-SHA-256(key, "encrypted-field/v1/check\0", 32), computed with Python's `hmac`.
#[test]
fn check_values_are_pinned() {
    assert_eq!(
        hex::encode(check_value(0)),
        "7cb5e25b36f6352b681ade8474efb3c3d62011aac0592818edaf72ede8d69d35"
    );
    assert_eq!(
        hex::encode(check_value(7)),
        "e58e8a93676bec3f89c0d10f7fad70249ff588bc1566831445c8ce282053e22f"
    );
}

#[test]
fn every_state_is_told() {
    for state in STATES {
        let ring = Keyring::builder()
            .active(1, KEYS[0])
            .key(Key::new(2, KEYS[1]).state(state).scope("s"))
            .build();
        if state == KeyState::Retired {
            refused(ring, ErrorKind::InvalidKeys);
            continue;
        }
        let ring = ring.unwrap();
        assert_eq!(info(&ring, 2, 1).state, state);
        assert_eq!(ring.active_key("s", Purpose::Field).is_some(), state == KeyState::Active);
    }
}

#[test]
fn a_tombstone_keeps_its_check_value() {
    let ring = Keyring::builder()
        .active(1, KEYS[0])
        .key(Key::destroyed(2).check(check_value(1)))
        .build()
        .unwrap();
    assert_eq!(info(&ring, 2, 1).state, KeyState::Destroyed);
    let bare = Keyring::builder().active(1, KEYS[0]).key(Key::destroyed(2)).build().unwrap();
    assert_eq!(bare.get(2).map(|key| key.check_value), Some(None));
}

/// Tens of thousands of tenants, each with a scope.
#[test]
fn many_scopes() {
    let builder = (1..=5000_u32).fold(Keyring::builder(), |builder, id| {
        let mut bytes = KEYS[0];
        bytes[..4].copy_from_slice(&id.to_be_bytes());
        builder.key(Key::new(id, bytes).scope(format!("tenant-{id}")))
    });
    let ring = builder.build().unwrap();
    assert_eq!(ring.active_key("tenant-4321", Purpose::Field), KeyId::new(4321));
    assert_eq!(ring.active_key("", Purpose::Field), None);
    assert_eq!(ring.keys().count(), 5000);
}

#[test]
fn what_is_not_there() {
    let ring = Keyring::builder().active(1, KEYS[0]).build().unwrap();
    assert!(ring.get(0).is_none() && ring.get(2).is_none());
}
