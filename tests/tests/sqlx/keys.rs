//! Key rings of an application over time.

use encrypted_field::{Key, KeyId, Keyring, key::KeyState};
use tests::secrets::KEYS;

/// Key 1 is active.
pub fn first() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

/// After a rotation: key 2 is active, key 1 opens.
pub fn rotated() -> Keyring {
    Keyring::builder().active(2, KEYS[1]).retired(1, KEYS[0]).build().unwrap()
}

/// Key 1 is gone.
pub fn without_the_first() -> Keyring {
    Keyring::builder().active(2, KEYS[1]).build().unwrap()
}

/// Key 1 opens, nothing seals: the process that has yet to learn of the first key's activation.
pub fn read_only() -> Keyring {
    Keyring::builder().key(Key::new(1, KEYS[0]).state(KeyState::Pending)).build().unwrap()
}

/// Key 1 in this state, key 2 is active.
pub fn first_in_state(state: KeyState) -> Keyring {
    second_and(Key::new(1, KEYS[0]).state(state))
}

/// This key beside key 2, which is active.
pub fn second_and(key: Key) -> Keyring {
    Keyring::builder().key(key).active(2, KEYS[1]).build().unwrap()
}

/// Key 1 for the default scope, key 3 for `slack`, key 4 for `github`, all active.
pub fn scoped() -> Keyring {
    Keyring::builder()
        .active(1, KEYS[0])
        .key(Key::new(3, KEYS[2]).scope("slack"))
        .key(Key::new(4, KEYS[3]).scope("github"))
        .build()
        .unwrap()
}

pub fn id(id: u32) -> Option<KeyId> {
    KeyId::new(id)
}
