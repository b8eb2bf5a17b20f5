//! The key rings of the phases.

use tests::secrets::KEYS;

use encrypted_field::key::KeyState;
use encrypted_field::{Key, Keyring};

pub fn keys_of_phase_1(key: [u8; 32]) -> encrypted_field::Result<Keyring> {
    Keyring::builder().key(Key::new(1, key).state(KeyState::Pending)).build()
}

pub fn phase_1() -> Keyring {
    keys_of_phase_1(KEYS[0]).unwrap()
}

pub fn phase_2() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

/// Under the longest key id, for the widest values.
pub fn longest_id() -> Keyring {
    Keyring::builder().active(u32::MAX, KEYS[0]).build().unwrap()
}
