//! Properties over any input: what goes in comes out, and bytes from anywhere never panic, never
//! leak and never open.

use std::net::{IpAddr, SocketAddr};

use encrypted_field::{EncryptedFieldExt, Json, Plaintext, Text, format};
use proptest::collection::vec;
use proptest::prelude::*;
use tests::assert_no_secret;
use tests::secrets::BOT_TOKEN;

use crate::fields::{
    BotToken, BotTokenBytes, FORMS, Form, KINDS, Kind, open, ring, round_trip, seal, try_open,
};
use crate::reference::refusals;

/// No files of failed cases beside the sources: the smallest failing input is printed.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// How stored values begin, and what looks like it.
const HEADS: &[&[u8]] = &[
    b"",
    b"ef",
    b"ef1:",
    b"ef1:0:",
    b"ef1:7:",
    b"ef1:7:A",
    b"\xEF\x66",
    b"\xEF\x66\x31",
    b"\xEF\x66\x31\0\0\0\0",
    b"\xEF\x66\x31\0\0\0\x07",
    b"\xEF\x66\x31\0\0\0\x07\x01",
];

/// A change to a stored value.
#[derive(Debug, Clone)]
enum Change {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Truncate(usize),
    Swap(usize, usize),
    Repeat(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that mean something in the format come often.
    let byte =
        prop_oneof![any::<u8>(), prop::sample::select(b"ef10:=-_+/AB \n\xEF\x66\x31\0".to_vec())];
    prop_oneof![
        (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<usize>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<usize>().prop_map(Change::Remove),
        any::<usize>().prop_map(Change::Truncate),
        any::<(usize, usize)>().prop_map(|(a, b)| Change::Swap(a, b)),
        any::<(usize, usize)>().prop_map(|(a, b)| Change::Repeat(a, b)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let at = |at: usize| at % bytes.len().max(1);
    match *change {
        _ if bytes.is_empty() => {}
        Change::Replace(to, byte) => {
            let to = at(to);
            bytes[to] = byte;
        }
        Change::Insert(to, byte) => bytes.insert(at(to), byte),
        Change::Remove(from) => drop(bytes.remove(at(from))),
        Change::Truncate(to) => bytes.truncate(at(to)),
        Change::Swap(a, b) => {
            let (a, b) = (at(a), at(b));
            bytes.swap(a, b);
        }
        Change::Repeat(from, len) => {
            let from = at(from);
            let end = (from + len % 8).min(bytes.len());
            bytes.extend_from_within(from..end);
        }
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        let [one, other] = round_trip::<String>(text.clone());
        prop_assert!(one == text && other == text);
    }

    #[test]
    fn any_bytes_round_trip(bytes in vec(any::<u8>(), 0..2000)) {
        for kind in KINDS {
            for form in FORMS {
                let sealed = seal(&ring(), form, kind, &BotTokenBytes::from(bytes.clone())).unwrap();
                prop_assert!(*open::<BotTokenBytes>(&ring(), form, kind, &sealed).unwrap() == *bytes);
            }
        }
    }

    #[test]
    fn any_float_round_trips_as_json(float in any::<f64>()) {
        prop_assert_eq!(round_trip::<Json<f64>>(float), [float; 2]);
    }

    #[test]
    fn any_float_keeps_its_bits(float in any::<f64>(), short in any::<f32>()) {
        prop_assert_eq!(round_trip::<f64>(float).map(f64::to_bits), [float.to_bits(); 2]);
        prop_assert_eq!(round_trip::<f32>(short).map(f32::to_bits), [short.to_bits(); 2]);
    }

    #[test]
    fn any_address_round_trips(ip in any::<IpAddr>(), socket in any::<SocketAddr>()) {
        prop_assert_eq!(round_trip::<IpAddr>(ip), [ip; 2]);
        prop_assert_eq!(round_trip::<SocketAddr>(socket), [socket; 2]);
    }

    /// Tampered with in one to three places; where that gives back the original, it opens.
    #[test]
    fn what_was_changed_does_not_open(
        len in 0..200_usize,
        changes in vec(change(), 1..4),
        form in prop::sample::select(&FORMS[..]),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let text: String = BOT_TOKEN.chars().cycle().take(len).collect();
        let original = seal(&ring(), form, kind, &BotToken::from(text)).unwrap();
        let mut changed = original.clone();
        changes.iter().for_each(|change| apply(&mut changed, change));
        let Some(result) = try_open::<BotToken>(&ring(), form, kind, &changed) else { return Ok(()) };
        if changed == original {
            prop_assert!(result.is_ok());
            return Ok(());
        }
        let Err(error) = result else { return Err(TestCaseError::fail("opened")) };
        assert_no_secret(&error);
        let mut expected = refusals(form, &changed, &[7]);
        if expected.is_empty() {
            expected.push(encrypted_field::ErrorKind::Authentication);
        }
        prop_assert!(expected.contains(&error.kind()), "{} and not {:?}", error, expected);
    }

    /// Bytes that begin like ours and go on in any way.
    #[test]
    fn arbitrary_bytes_are_refused(
        head in prop::sample::select(HEADS),
        tail in prop_oneof![vec(any::<u8>(), 0..100), "[A-Za-z0-9_=:-]{0,100}".prop_map(String::into_bytes)],
    ) {
        let bytes = [head, &tail[..]].concat();
        let _ = format::inspect(&bytes);
        for form in FORMS {
            for kind in KINDS {
                if let Some(result) = try_open::<BotToken>(&ring(), form, kind, &bytes) {
                    let kinds = refusals(form, &bytes, &[7]);
                    let found = result.err().map(|error| error.kind());
                    prop_assert!(found.is_some());
                    prop_assert!(kinds.is_empty() || found.is_some_and(|kind| kinds.contains(&kind)));
                }
            }
        }
    }
}

/// A type takes only what it would write itself: two encodings of one value would be two spellings.
fn decodes_strictly<P: Plaintext>(bytes: &[u8]) -> bool {
    match P::decode(bytes.to_vec().into()) {
        Ok(value) => value.encode().is_ok_and(|encoded| *encoded == *bytes),
        Err(_) => true,
    }
}

/// Texts that are nearly a date or a number.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(any::<u8>(), 16),
        "[+-]?[0-9]{4,6}-[01][0-9]-[0-3][0-9]".prop_map(String::into_bytes),
        "[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{9}".prop_map(String::into_bytes),
        "[+-]?[0-9]{4,6}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{8,9}Z?"
            .prop_map(String::into_bytes),
        "-?[0-9]{1,30}(\\.[0-9]{0,30})?(E[+-]?[0-9]{1,20})?".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn every_type_decodes_strictly(bytes in nearly()) {
        prop_assert!(decodes_strictly::<String>(&bytes));
        prop_assert!(decodes_strictly::<bool>(&bytes));
        prop_assert!(decodes_strictly::<i8>(&bytes) && decodes_strictly::<u128>(&bytes));
        prop_assert!(decodes_strictly::<uuid::Uuid>(&bytes));
        prop_assert!(decodes_strictly::<chrono::NaiveDate>(&bytes) && decodes_strictly::<time::Date>(&bytes));
        prop_assert!(decodes_strictly::<chrono::NaiveTime>(&bytes) && decodes_strictly::<time::Time>(&bytes));
        prop_assert!(decodes_strictly::<chrono::NaiveDateTime>(&bytes));
        prop_assert!(decodes_strictly::<time::PrimitiveDateTime>(&bytes));
        prop_assert!(decodes_strictly::<chrono::DateTime<chrono::Utc>>(&bytes));
        prop_assert!(decodes_strictly::<time::OffsetDateTime>(&bytes));
        prop_assert!(decodes_strictly::<rust_decimal::Decimal>(&bytes));
        prop_assert!(decodes_strictly::<bigdecimal::BigDecimal>(&bytes));
        prop_assert!(decodes_strictly::<jiff::civil::Date>(&bytes) && decodes_strictly::<jiff::civil::Time>(&bytes));
        prop_assert!(decodes_strictly::<jiff::civil::DateTime>(&bytes));
        prop_assert!(decodes_strictly::<jiff::Timestamp>(&bytes));
        prop_assert!(decodes_strictly::<char>(&bytes) && decodes_strictly::<[u8; 16]>(&bytes));
        prop_assert!(decodes_strictly::<f32>(&bytes) && decodes_strictly::<f64>(&bytes));
        prop_assert!(decodes_strictly::<IpAddr>(&bytes) && decodes_strictly::<SocketAddr>(&bytes));
        prop_assert!(decodes_strictly::<Text<f64>>(&bytes) && decodes_strictly::<Text<IpAddr>>(&bytes));
    }

    /// The plain forms come from before the library, and from whoever can write to the database.
    #[test]
    fn no_plain_form_panics(bytes in nearly()) {
        let _ = (i8::from_legacy(&bytes), u128::from_legacy(&bytes), bool::from_legacy(&bytes));
        let _ = (uuid::Uuid::from_legacy(&bytes), rust_decimal::Decimal::from_legacy(&bytes));
        let _ = (bigdecimal::BigDecimal::from_legacy(&bytes), String::from_legacy(&bytes));
        let _ = (chrono::NaiveDate::from_legacy(&bytes), time::Date::from_legacy(&bytes));
        let _ = (chrono::NaiveTime::from_legacy(&bytes), time::Time::from_legacy(&bytes));
        let _ = chrono::DateTime::<chrono::Utc>::from_legacy(&bytes);
        let _ = (chrono::NaiveDateTime::from_legacy(&bytes), time::PrimitiveDateTime::from_legacy(&bytes));
        let _ = time::OffsetDateTime::from_legacy(&bytes);
        let _ = (jiff::civil::Date::from_legacy(&bytes), jiff::civil::Time::from_legacy(&bytes));
        let _ = (jiff::civil::DateTime::from_legacy(&bytes), jiff::Timestamp::from_legacy(&bytes));
        let _ = (f32::from_legacy(&bytes), char::from_legacy(&bytes), Text::<f64>::from_legacy(&bytes));
        let _ = (IpAddr::from_legacy(&bytes), SocketAddr::from_legacy(&bytes));
        let _ = Json::<serde_json::Value>::from_legacy(&bytes);
    }
}

/// The forms carry the same payload: without a key one is turned into the other.
#[test]
fn a_value_changes_its_form_without_a_key() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let ring = ring();
    let binary = seal(&ring, Form::Binary, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    let text = format!("ef1:7:{}", URL_SAFE_NO_PAD.encode(&binary[7..]));
    assert!(&*BotToken::from_stored_text_with(&ring, text).unwrap() == BOT_TOKEN);
}
