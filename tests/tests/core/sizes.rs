//! From nothing to the limit of the format.

use encrypted_field::{EncryptedFieldExt, ErrorKind};
use tests::refused;
use tests::secrets::CANARY;

use crate::fields::{BotToken, BotTokenBytes, FORMS, Form, KINDS, Kind, open, ring, seal};

const MIB: usize = 1 << 20;
/// FORMAT.md section 10.
const LIMIT: usize = 1 << 28;

/// Differs from byte to byte and from kibibyte to kibibyte, so that moved pieces would show.
fn bytes(len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..len).map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0]).collect();
    let canary = CANARY.len().min(len);
    bytes[..canary].copy_from_slice(&CANARY.as_bytes()[..canary]);
    bytes
}

fn stored_len(form: Form, len: usize) -> usize {
    match form {
        Form::Binary => 48 + len,
        Form::Text => 6 + (4 * (41 + len)).div_ceil(3),
    }
}

/// Every length up to some blocks of the cipher and pieces of the text form.
#[test]
fn every_length_up_to_600() {
    let ring = ring();
    for len in 0..=600 {
        let plaintext = bytes(len);
        for form in FORMS {
            let sealed =
                seal(&ring, form, Kind::Column, &BotTokenBytes::from(plaintext.clone())).unwrap();
            assert_eq!(sealed.len(), stored_len(form, len));
            let read = open::<BotTokenBytes>(&ring, form, Kind::Column, &sealed).unwrap();
            assert!(*read == *plaintext, "{len} bytes, {form:?}");
        }
    }
}

#[test]
fn one_byte_of_each_value() {
    let ring = ring();
    for byte in 0..=u8::MAX {
        for form in FORMS {
            let sealed = seal(&ring, form, Kind::Column, &BotTokenBytes::from(vec![byte])).unwrap();
            let read = open::<BotTokenBytes>(&ring, form, Kind::Column, &sealed).unwrap();
            assert_eq!(read.into_inner(), [byte]);
        }
    }
}

#[test]
fn mebibytes() {
    let ring = ring();
    for len in [MIB - 1, MIB, MIB + 1, 16 * MIB] {
        let plaintext = bytes(len);
        for form in FORMS {
            for kind in KINDS {
                let sealed =
                    seal(&ring, form, kind, &BotTokenBytes::from(plaintext.clone())).unwrap();
                assert_eq!(sealed.len(), stored_len(form, len));
                let read = open::<BotTokenBytes>(&ring, form, kind, &sealed).unwrap();
                assert!(*read == *plaintext, "{len} bytes, {form:?}");
            }
        }
    }
}

/// What is not authentic is refused whatever its size, and wherever it was changed.
#[test]
fn mebibytes_tampered_with() {
    let ring = ring();
    let sealed = seal(&ring, Form::Binary, Kind::Column, &BotTokenBytes::from(bytes(MIB))).unwrap();
    for at in [8, 31, 32, MIB / 2, sealed.len() - 17, sealed.len() - 16, sealed.len() - 1] {
        let mut tampered = sealed.clone();
        tampered[at] ^= 1;
        refused(BotTokenBytes::from_stored_with(&ring, tampered), ErrorKind::Authentication);
    }
}

#[test]
fn longer_than_the_limit_is_refused_before_it_is_copied() {
    let ring = ring();
    // Zeros, which cost no memory until something writes to them.
    let too_long = BotTokenBytes::from(vec![0; LIMIT + 1]);
    for form in FORMS {
        for kind in KINDS {
            let error = refused(seal(&ring, form, kind, &too_long), ErrorKind::TooLarge);
            assert!(error.to_string().contains("268435457 bytes"), "{error}");
        }
    }
}

#[test]
fn a_stored_value_beyond_the_limit_is_refused_before_the_cipher() {
    let mut stored = vec![0; stored_len(Form::Binary, LIMIT + 1)];
    stored[..8].copy_from_slice(b"\xEF\x66\x31\0\0\0\x07\x01");
    refused(BotTokenBytes::from_stored_with(&ring(), stored), ErrorKind::Malformed);
}

#[test]
#[ignore = "slow: seals and opens 256 MiB without optimisation"]
fn the_longest_value() {
    let ring = ring();
    let plaintext = bytes(LIMIT);
    for form in FORMS {
        let sealed =
            seal(&ring, form, Kind::Column, &BotTokenBytes::from(plaintext.clone())).unwrap();
        assert_eq!(sealed.len(), stored_len(form, LIMIT));
        let read = match form {
            Form::Binary => BotTokenBytes::from_stored_with(&ring, sealed),
            Form::Text => {
                BotTokenBytes::from_stored_text_with(&ring, String::from_utf8(sealed).unwrap())
            }
        };
        assert!(*read.unwrap() == *plaintext);
    }
    let text = "ef1:7:".to_owned() + &"A".repeat((4 * (41 + LIMIT + 1)).div_ceil(3));
    refused(BotToken::from_stored_text_with(&ring, text.clone()), ErrorKind::Malformed);
    let text = text.replacen("ef1:7:AA", "ef1:7:AQ", 1);
    refused(BotToken::from_stored_text_with(&ring, text), ErrorKind::Malformed);
}
