//! Key rings.

use encrypted_field::key::KeyState;
use encrypted_field::{Key, Keyring};
use tests::secrets::KEYS;

/// What is old: key 1, and key 3 of the scope that a field had before.
pub fn old() -> Keyring {
    let before = Key::new(3, KEYS[2]).scope("before");
    Keyring::builder().active(1, KEYS[0]).key(before).build().unwrap()
}

/// Key 2 is active, and the old ones still open.
pub fn rotated() -> Keyring {
    let before = Key::new(3, KEYS[2]).scope("before");
    Keyring::builder().retired(1, KEYS[0]).active(2, KEYS[1]).key(before).build().unwrap()
}

/// As [`rotated`], with other bytes for key 1.
pub fn wrong() -> Keyring {
    Keyring::builder().retired(1, KEYS[5]).active(2, KEYS[1]).build().unwrap()
}

/// Nothing seals.
pub fn none_active() -> Keyring {
    Keyring::builder().key(Key::new(1, KEYS[0]).state(KeyState::Pending)).build().unwrap()
}
