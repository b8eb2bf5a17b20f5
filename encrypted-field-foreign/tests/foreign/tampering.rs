//! Values that somebody without the key has changed are refused, and nothing panics.

use std::collections::BTreeMap;
use std::rc::Rc;

use encrypted_field_foreign::ForeignFormat;
use proptest::prelude::*;

use crate::vectors::{Vector, all};

/// A vector, with its format: vectors with the same settings share one.
type Case = (Vector, Rc<dyn ForeignFormat>);

/// The vectors that open and cost little: not those with as much scrypt as an application has.
fn cheap() -> Vec<Case> {
    let mut formats = BTreeMap::new();
    let is_cheap = |vector: &Vector| {
        vector.plaintext.is_some()
            && (vector.format != "scrypt-aes-256-gcm" || vector.settings.contains_key("n"))
    };
    let cheap = all().into_iter().filter(is_cheap).map(|vector| {
        let format = formats.entry(vector.key()).or_insert_with(|| Rc::from(vector.format()));
        let format = Rc::clone(format);
        (vector, format)
    });
    cheap.collect()
}

thread_local! {
    static CHEAP: Vec<Case> = cheap();
}

#[test]
fn every_flipped_bit_is_refused() {
    for (vector, format) in &cheap() {
        let mut value = vector.stored.clone();
        for at in 0..value.len() {
            for change in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                value[at] ^= change;
                let read = format.read(&value);
                assert!(read.is_err(), "{}: byte {at} changed by {change}", vector.name);
                value[at] ^= change;
            }
        }
        assert!(format.read(&value).is_ok());
    }
}

#[test]
fn every_cut_and_every_extended_value_is_refused() {
    for (vector, format) in &cheap() {
        let refused = |value: &[u8], what: &str| {
            assert!(format.read(value).is_err(), "{}: {what}", vector.name);
        };
        let value = &vector.stored;
        // What Lockbox stores of an empty text is the empty value.
        let least = usize::from(vector.settings.contains_key("empty"));
        for length in least..value.len() {
            refused(&value[..length], "cut at the end");
            refused(&value[value.len() - length..], "cut at the start");
        }
        for byte in 0..=255 {
            refused(&[&value[..], &[byte]].concat(), "a byte after it");
            refused(&[&[byte], &value[..]].concat(), "a byte before it");
        }
        if !value.is_empty() {
            refused(&[&value[..], &value[..]].concat(), "twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_changes_are_refused(
        choice in any::<prop::sample::Index>(),
        start in any::<prop::sample::Index>(),
        length in 0..20_usize,
        replacement in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        CHEAP.with(|cases| {
            let (vector, format) = choice.get(cases);
            let mut value = vector.stored.clone();
            let start = start.index(value.len() + 1);
            let end = value.len().min(start + length);
            value.splice(start..end, replacement);
            prop_assert!(value == vector.stored || format.read(&value).is_err());
            Ok(())
        })?;
    }

    #[test]
    fn random_bytes_are_refused(value in prop::collection::vec(any::<u8>(), 1..300)) {
        CHEAP.with(|cases| {
            for (_, format) in cases {
                prop_assert!(format.read(&value).is_err(), "{}", format.name());
            }
            Ok(())
        })?;
    }
}

#[test]
fn what_no_field_can_hold_is_refused_before_any_work() {
    let value = vec![0; 2 * (1 << 28) + (1 << 16) + 1];
    for (_, format) in cheap() {
        let refused = format.read(&value).unwrap_err().to_string();
        assert!(refused.contains("2^28"), "{}: {refused}", format.name());
    }
}
