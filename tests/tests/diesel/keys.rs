//! The key rings of these tests. Held on the test's own thread, so that parallel tests don't share
//! one.

use encrypted_field::{Key, Keyring};
use tests::secrets::KEYS;

/// Key 1 is active.
pub(crate) fn first() -> Keyring {
    Keyring::builder().active(1, KEYS[1]).build().expect("a ring")
}

/// After a rotation: key 2 is active, key 1 opens.
pub(crate) fn rotated() -> Keyring {
    Keyring::builder().active(2, KEYS[2]).retired(1, KEYS[1]).build().expect("a ring")
}

/// Key 3 alone, and so none of the others.
pub(crate) fn stranger() -> Keyring {
    Keyring::builder().active(3, KEYS[3]).build().expect("a ring")
}

/// Key 1 by its id, with other bytes.
pub(crate) fn impostor() -> Keyring {
    Keyring::builder().active(1, KEYS[4]).build().expect("a ring")
}

/// One active key for each of two tenants, and none for the default scope.
pub(crate) fn tenants() -> Keyring {
    let key = |id: u32, scope: &str| Key::new(id, KEYS[id as usize]).scope(scope);
    Keyring::builder().key(key(5, "acme")).key(key(6, "globex")).build().expect("a ring")
}
