//! The backend of this build against `aes-gcm`, by their primitives. XAES-256-GCM is composed of
//! these alone, so equal primitives give equal values.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{Cmac, Gcm, NAME, aes_gcm};

type OtherCmac = super::cmac::Cmac<aes_gcm::Aes>;

#[test]
fn these_are_two_backends() {
    assert_ne!(NAME, aes_gcm::NAME);
}

proptest! {
    #[test]
    fn both_give_the_same_cmac(key: [u8; 32], messages in prop::collection::vec(any::<[u8; 16]>(), 0..20)) {
        let (mut by_ours, mut by_other) = (messages.clone(), messages);
        Cmac::new(&key).sign_blocks(&mut by_ours);
        OtherCmac::new(&key).sign_blocks(&mut by_other);
        prop_assert_eq!(by_ours, by_other);
    }

    #[test]
    fn what_one_seals_the_other_opens(
        key: [u8; 32],
        mut nonce: [u8; 12],
        aad in prop::collection::vec(any::<u8>(), 0..200),
        plaintext in prop::collection::vec(any::<u8>(), 0..2000),
        at: prop::sample::Index,
    ) {
        let (ours, other) = (Gcm::new(&key), aes_gcm::Gcm::new(&key));
        let len = plaintext.len();
        // The FIPS module takes no nonce, so ours seals under one of its own.
        let mut by_ours = [&plaintext[..], &[0; 16]].concat();
        let (text, tag) = by_ours.split_last_chunk_mut().unwrap();
        ours.seal(&mut nonce, &aad, text, tag).unwrap();
        let mut by_other = [&plaintext[..], &[0; 16]].concat();
        let (text, tag) = by_other.split_last_chunk_mut().unwrap();
        other.seal_as_is(&nonce, &aad, text, tag).unwrap();
        prop_assert_eq!(&by_ours, &by_other);

        // A changed byte opens in neither.
        let mut changed = by_ours.clone();
        changed[at.index(by_ours.len())] ^= 1;
        prop_assert!(!ours.open(&nonce, &aad, &mut changed.clone()));
        prop_assert!(!other.open(&nonce, &aad, &mut changed));

        prop_assert!(ours.open(&nonce, &aad, &mut by_other));
        prop_assert!(other.open(&nonce, &aad, &mut by_ours));
        prop_assert_eq!(&by_other[..len], &plaintext);
        prop_assert_eq!(&by_ours[..len], &plaintext);
    }
}
