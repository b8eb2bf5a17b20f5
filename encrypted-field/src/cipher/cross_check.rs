//! Both backends against each other: this module is built a second time over the one that this build does not use.

#[path = "backend/aes_gcm.rs"]
#[allow(clippy::duplicate_mod, dead_code, unused_imports)]
mod backend;
#[path = "portable.rs"]
#[allow(clippy::duplicate_mod, dead_code)]
mod portable;
#[path = "xaes.rs"]
#[allow(clippy::duplicate_mod, dead_code)]
mod xaes;

use super::{no_randomness, random};

use proptest::prelude::*;

proptest! {
    #[test]
    fn both_backends_give_the_same_bytes(
        key: [u8; 32],
        nonce: [u8; 24],
        aad in prop::collection::vec(any::<u8>(), 0..200),
        plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        at: prop::sample::Index,
    ) {
        let mut prefix = [0; 12];
        prefix.copy_from_slice(&nonce[..12]);
        let ours = super::xaes::Xaes256Gcm::new(&key).subkey(prefix);
        let other = xaes::Xaes256Gcm::new(&key).subkey(prefix);

        let mut by_ours = plaintext.clone();
        let tag = ours.seal_with_nonce(&nonce, &aad, &mut by_ours);
        by_ours.extend(tag);
        let mut by_other = plaintext.clone();
        let tag = other.seal_with_nonce(&nonce, &aad, &mut by_other);
        by_other.extend(tag);
        prop_assert_eq!(&by_ours, &by_other);

        // A changed byte opens in neither.
        let mut changed = by_ours.clone();
        changed[at.index(by_ours.len())] ^= 1;
        prop_assert!(!ours.open(&nonce, &aad, &mut changed.clone()));
        prop_assert!(!other.open(&nonce, &aad, &mut changed));

        prop_assert!(ours.open(&nonce, &aad, &mut by_other));
        prop_assert!(other.open(&nonce, &aad, &mut by_ours));
        prop_assert_eq!(&by_other[..plaintext.len()], &plaintext);
        prop_assert_eq!(&by_ours[..plaintext.len()], &plaintext);
    }
}

/// One backend's fresh nonces open in the other.
#[test]
fn fresh_values_open_in_the_other_backend() {
    fn prefix(nonce: &[u8; 24]) -> [u8; 12] {
        let mut prefix = [0; 12];
        prefix.copy_from_slice(&nonce[..12]);
        prefix
    }
    let (ours, other) = (super::xaes::Xaes256Gcm::new(&[9; 32]), xaes::Xaes256Gcm::new(&[9; 32]));
    let mut buffer = *b"to the other";
    let Ok(sealed) = ours.random_subkey().and_then(|subkey| subkey.seal(b"", &mut buffer)) else { panic!() };
    let mut body = [&buffer[..], &sealed.tag].concat();
    assert!(other.subkey(prefix(&sealed.nonce)).open(&sealed.nonce, b"", &mut body));
    assert!(body.starts_with(b"to the other"));

    let mut buffer = *b"and back";
    let Ok(sealed) = other.random_subkey().and_then(|subkey| subkey.seal(b"", &mut buffer)) else { panic!() };
    let mut body = [&buffer[..], &sealed.tag].concat();
    assert!(ours.subkey(prefix(&sealed.nonce)).open(&sealed.nonce, b"", &mut body));
    assert!(body.starts_with(b"and back"));
}
