//! The keys that are derived for nonce prefixes (`FORMAT.md`, section 5), derived here once more to
//! be looked for. An AES-256 key schedule begins with its key.

use aes::Aes256Enc;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use encrypted_field::{EncryptedFieldExt as _, Keyring, plaintext::Zeroizing};
use hkdf::Hkdf;
use sha2::Sha256;
use tests::secrets::KEYS;

use super::search::Needle;
use super::{Bytes, alone};

fn ring() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

fn sealed(ring: &Keyring) -> Vec<u8> {
    Bytes::from(&b"a value"[..]).to_stored_with(ring).unwrap()
}

/// The subkey that a value in binary form is under.
fn subkey(sealed: &[u8]) -> Needle {
    let mut field_key = Zeroizing::new([0; 32]);
    let hkdf = Hkdf::<Sha256>::from_prk(&KEYS[0]).unwrap();
    hkdf.expand(b"encrypted-field/v1/field\0\x01", &mut *field_key).unwrap();
    let aes = Aes256Enc::new((&*field_key).into());
    let mut k1 = [0; 16];
    aes.encrypt_block((&mut k1).into());
    let l = u128::from_be_bytes(k1);
    let k1 = ((l << 1) ^ ((l >> 127) * 0x87)).to_be_bytes();
    let mut kx = Zeroizing::new([0; 32]);
    for (counter, half) in (1..).zip(kx.as_chunks_mut::<16>().0) {
        half[..4].copy_from_slice(&[0, counter, b'X', 0]);
        half[4..].copy_from_slice(&sealed[8..20]);
        half.iter_mut().zip(k1).for_each(|(m, k)| *m ^= k);
        aes.encrypt_block(half.into());
    }
    Needle::of(&*kx)
}

#[test]
fn of_an_epoch_that_ended_or_whose_ring_is_gone() {
    let _alone = alone();
    let ring = ring();
    let first = subkey(&sealed(&ring));
    assert!(first.count() > 0, "the epoch's subkey is found, or this proves nothing");
    for _ in 1..1 << 12 {
        sealed(&ring);
    }
    let second = subkey(&sealed(&ring));
    assert_eq!(first.count(), 0);
    assert!(second.count() > 0);
    drop(ring);
    assert_eq!(second.count(), 0);
}

#[test]
fn of_a_value_that_is_not_kept() {
    let _alone = alone();
    let each = Keyring::builder().active(1, KEYS[0]).subkey_per_value().build().unwrap();
    let value = sealed(&each);
    let needle = subkey(&value);
    assert_eq!(needle.count(), 0, "after sealing");
    let ring = ring();
    assert!(Bytes::from_stored_with(&ring, value).is_ok());
    assert_eq!(needle.count(), 0, "after opening once");
}

#[test]
fn of_a_prefix_that_was_pushed_out() {
    let _alone = alone();
    // Of one set: its number is in the last byte of the prefix.
    let values: Vec<_> = std::iter::repeat_with(|| sealed(&ring()))
        .filter(|value| value[19] % 16 == 3)
        .take(5)
        .collect();
    let needles: Vec<_> = values.iter().map(|value| subkey(value)).collect();
    assert!(needles.iter().all(|needle| needle.count() == 0));
    let ring = ring();
    for value in &values {
        // A full set waits a while before it replaces one.
        for _ in 0..260 {
            assert!(Bytes::from_stored_with(&ring, value.clone()).is_ok());
        }
        if value == &values[0] {
            assert!(needles[0].count() > 0, "a known subkey is found, or this proves nothing");
        }
    }
    assert_eq!(needles[0].count(), 0, "the fifth pushes the first out");
    assert!(needles[1..].iter().all(|needle| needle.count() > 0));
    drop(ring);
    assert!(needles.iter().all(|needle| needle.count() == 0));
}
