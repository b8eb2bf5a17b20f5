//! What is derived from a data key. Every use has a label of its own, so no key ever serves two.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::secret::SecretBytes;

/// `HKDF-Expand-SHA-256(key, label, 32)` (RFC 5869 section 2.3). The data key is uniformly random, so the
/// extract step is not needed (section 3.3).
fn expand(key: &SecretBytes, label: &[&[u8]]) -> SecretBytes {
    let mut out = SecretBytes::zeroed();
    let done = Hkdf::<Sha256>::from_prk(key.expose())
        .map(|hkdf| hkdf.expand_multi_info(label, out.expose_mut()).is_ok());
    match done {
        Ok(true) => out,
        _ => unreachable!("a key of one hash and an output of one hash are always in range"),
    }
}

/// `HKDF-Expand(key, "encrypted-field/v1/field\0" | algorithm u8, 32)`.
pub(super) fn field_key(key: &SecretBytes, algorithm: u8) -> SecretBytes {
    expand(key, &[b"encrypted-field/v1/field\0", &[algorithm]])
}

/// `HKDF-Expand(key, "encrypted-field/v1/check\0", 32)`: one-way, so it may be kept in the open.
pub(super) fn check_value(key: &SecretBytes) -> [u8; 32] {
    *expand(key, &[b"encrypted-field/v1/check\0"]).expose()
}
