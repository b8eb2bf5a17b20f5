//! `legacy::write_plaintext`: a process that reads both forms and writes plaintext. The switch is
//! the process's, by context, so each test has contexts of its own.

mod events;
mod orms;
mod refused;
mod values;

use encrypted_field::{Keyring, key::KeyState};
use tests::secrets::KEYS;

fn ring() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

/// The keys of a process that may not seal.
fn pending() -> Keyring {
    let key = encrypted_field::Key::new(1, KEYS[0]).state(KeyState::Pending);
    Keyring::builder().key(key).build().unwrap()
}
