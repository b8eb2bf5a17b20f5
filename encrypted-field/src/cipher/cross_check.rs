//! Both backends against each other: this module is built a second time over the one that this build does not use.
#![allow(clippy::unwrap_used)]

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

#[cfg(not(feature = "fips"))]
use proptest::prelude::*;

// The FIPS module takes no nonce.
#[cfg(not(feature = "fips"))]
proptest! {
    #[test]
    fn both_backends_give_the_same_bytes(
        key: [u8; 32],
        nonce: [u8; 24],
        aad in prop::collection::vec(any::<u8>(), 0..200),
        plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        at: prop::sample::Index,
    ) {
        let prefix = *nonce.first_chunk().unwrap();
        let ours = super::xaes::Xaes256Gcm::new(&key).subkey(prefix);
        let other = xaes::Xaes256Gcm::new(&key).subkey(prefix);

        let mut by_ours = [&nonce, &plaintext[..], &[0; 16]].concat();
        let mut by_other = by_ours.clone();
        ours.seal_as_is(&aad, &mut by_ours);
        other.seal_as_is(&aad, &mut by_other);
        prop_assert_eq!(&by_ours, &by_other);
        let (by_ours, by_other) = (&mut by_ours[24..], &mut by_other[24..]);

        // A changed byte opens in neither.
        let mut changed = by_ours.to_vec();
        changed[at.index(by_ours.len())] ^= 1;
        prop_assert!(!ours.open(&nonce, &aad, &mut changed.clone()));
        prop_assert!(!other.open(&nonce, &aad, &mut changed));

        prop_assert!(ours.open(&nonce, &aad, by_other));
        prop_assert!(other.open(&nonce, &aad, by_ours));
        prop_assert_eq!(&by_other[..plaintext.len()], &plaintext);
        prop_assert_eq!(&by_ours[..plaintext.len()], &plaintext);
    }
}

/// What one backend seals under a fresh nonce opens in the other.
#[test]
fn fresh_values_open_in_the_other_backend() {
    let (ours, other) = (super::xaes::Xaes256Gcm::new(&[9; 32]), xaes::Xaes256Gcm::new(&[9; 32]));
    let mut body = [&[0; 24][..], b"to the other", &[0; 16]].concat();
    ours.random_subkey().and_then(|subkey| subkey.seal(b"", &mut body)).unwrap();
    let (nonce, sealed) = body.split_first_chunk_mut().unwrap();
    assert!(other.subkey(*nonce.first_chunk().unwrap()).open(nonce, b"", sealed));
    assert!(sealed.starts_with(b"to the other"));

    let mut body = [&[0; 24][..], b"and back", &[0; 16]].concat();
    other.random_subkey().and_then(|subkey| subkey.seal(b"", &mut body)).unwrap();
    let (nonce, sealed) = body.split_first_chunk_mut().unwrap();
    assert!(ours.subkey(*nonce.first_chunk().unwrap()).open(nonce, b"", sealed));
    assert!(sealed.starts_with(b"and back"));
}
