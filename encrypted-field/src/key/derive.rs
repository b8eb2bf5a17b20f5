//! The keys that are derived from a data key. Every use has a label of its own, so no key ever
//! serves two.

use crate::cipher::hkdf_expand;
use crate::secret::SecretBytes;

/// `HKDF-Expand-SHA-256(key, label, 32)` (RFC 5869 section 2.3). The data key is uniformly random,
/// so the extract step is not needed (section 3.3).
fn expand(key: &SecretBytes, label: &[&[u8]]) -> SecretBytes {
    let mut out = SecretBytes::zeroed();
    hkdf_expand(key.expose(), label, out.expose_mut());
    out
}

/// `HKDF-Expand(key, "encrypted-field/v1/field\0" | algorithm u8, 32)`.
pub(crate) fn field_key(key: &SecretBytes, algorithm: u8) -> SecretBytes {
    expand(key, &[b"encrypted-field/v1/field\0", &[algorithm]])
}

/// `HKDF-Expand(kek, "encrypted-field/v1/wrap\0", 32)`: the key that a local key-encryption key
/// wraps with.
#[cfg(feature = "local-kek")]
pub(crate) fn wrapping_key(kek: &SecretBytes) -> SecretBytes {
    expand(kek, &[b"encrypted-field/v1/wrap\0"])
}

/// `HKDF-Expand(store key, "encrypted-field/v1/store-mac\0", 32)`: the key that authenticates the
/// records of a key store.
#[cfg(feature = "envelope")]
pub(crate) fn store_mac_key(store_key: &SecretBytes) -> SecretBytes {
    expand(store_key, &[b"encrypted-field/v1/store-mac\0"])
}

/// `HKDF-Expand(key, "encrypted-field/v1/check\0", 32)`. It is one-way, so it may be kept in the
/// open.
pub(crate) fn check_value(key: &SecretBytes) -> [u8; 32] {
    *expand(key, &[b"encrypted-field/v1/check\0"]).expose()
}
