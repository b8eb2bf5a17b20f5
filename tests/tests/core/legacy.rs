//! Values that the library did not write: read only where the field says so, never after a failed
//! open, and not once the door is closed. Each test has a context of its own, since the switch is
//! the process's.

use encrypted_field::plaintext::PlaintextError;
use encrypted_field::{Encrypted, EncryptedFieldExt, ErrorKind, Plaintext, Secret, legacy};
use rust_decimal::Decimal;
use tests::refused;
use tests::secrets::{BOT_TOKEN, UNUSUAL_TEXT};
use uuid::Uuid;

use crate::fields::{BotToken, FORMS, Form, Kind, open, ring, seal};

#[derive(Encrypted)]
#[encrypted(context = "legacy.plain", legacy = plaintext)]
struct Plain(Secret<String>);

/// `old:` and the secret backwards.
fn read_old(stored: &[u8]) -> Result<String, String> {
    let text = str::from_utf8(stored).map_err(|_| format!("refused {stored:?}"))?;
    let old = text.strip_prefix("old:").ok_or_else(|| format!("refused {text}"))?;
    Ok(old.chars().rev().collect())
}

#[derive(Encrypted)]
#[encrypted(context = "legacy.old", legacy = read_old)]
struct Old(Secret<String>);

#[test]
fn plaintext_is_read_and_counts_as_stale() {
    let ring = ring();
    for form in FORMS {
        for text in [BOT_TOKEN, "", " ", UNUSUAL_TEXT, "ef", "ef1", "EF1:7:", "ef:1:"]
            .into_iter()
            .chain(PLAINTEXTS_LIKE_OURS)
        {
            let read = open::<Plain>(&ring, form, Kind::Column, text.as_bytes()).unwrap();
            assert!(&*read == text && read.is_legacy() && read.is_stale_with(&ring));
            assert_eq!(read.key_id(), None);
            let clone = read.clone();
            assert!(clone.is_legacy());
            // Written, it is a value like any other.
            let written = seal(&ring, form, Kind::Column, &read).unwrap();
            let read = open::<Plain>(&ring, form, Kind::Column, &written).unwrap();
            assert!(&*read == text && !read.is_legacy() && !read.is_stale_with(&ring));
        }
    }
}

/// What begins like a stored value, and can't be one of any version.
const PLAINTEXTS_LIKE_OURS: [&str; 12] = [
    "ef1: not ours",
    "ef12:foo",
    "ef2:foo",
    "ef0:7:AQ",
    "ef01:7:AQ",
    "ef1:07:AQ",
    "ef1::AQ",
    "ef1:0:AQ",
    "ef1:12:34:56::1",
    "ef1:7: and so on, for longer than the beginning of any stored value is",
    "ef1:4294967296:AQ",
    "see ef1:7:AXy2CQ3sefRyqXE6Np6kd8S7pMmDivQBydPljd71rWQ7u9th7UdijVbmVR2aXQw",
];

/// Random bytes begin like a stored value once in 1.7 million; of these, one in 213 is refused.
#[test]
fn bytes_that_begin_like_ours_are_read() {
    #[derive(Encrypted)]
    #[encrypted(context = "legacy.bytes", legacy = plaintext, storage = "binary")]
    struct Bytes(Secret<Vec<u8>>);

    let ring = ring();
    let read = |bytes: &[u8]| Bytes::from_stored_with(&ring, bytes.to_vec());
    let mut counts = [0, 0];
    for version in b'0'..=b'9' {
        for suite in 0..=u8::MAX {
            let bytes = [&[0xEF, 0x66, version, 9, 8, 7, 6, suite][..], &[0xA7; 40]].concat();
            let is_ours = version == b'1' && matches!(suite & 0x0F, 1..=3) && suite < 0x40;
            match read(&bytes) {
                Ok(field) => assert!(*field == *bytes && field.is_legacy() && !is_ours),
                Err(error) => assert!(is_ours, "{error}"),
            }
            counts[usize::from(is_ours)] += 1;
        }
    }
    assert_eq!(counts, [2548, 12]);
    // Key id 0, and not the pending value.
    assert!(read(b"\xEF\x66\x31\0\0\0\0\x01").is_ok());
}

/// What is ours, in any version and either form, whole or damaged, is never handed to a legacy
/// reader.
#[test]
fn what_is_ours_never_reaches_the_reader() {
    let ring = ring();
    let stored = Plain::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let mut forged = stored.clone();
    forged.replace_range(20..21, if &stored[20..21] == "A" { "B" } else { "A" });
    let other = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let detached = Plain::from(BOT_TOKEN).seal_text_with(&ring).unwrap();
    for (text, kind) in [
        (&forged, ErrorKind::Authentication),
        (&other, ErrorKind::Authentication),
        (&detached, ErrorKind::Authentication),
        (&format!("{stored}="), ErrorKind::Malformed),
        (&stored.replacen(":7:", ":9:", 1), ErrorKind::UnknownKey),
        (&"ef1:".into(), ErrorKind::Malformed),
        (&"ef1:7".into(), ErrorKind::Malformed),
        (&"ef2:7:AQ".into(), ErrorKind::UnsupportedVersion),
        (&stored.replacen("ef1:", "ef2:", 1), ErrorKind::UnsupportedVersion),
        (&stored.replacen(":7:A", ":7:_", 1), ErrorKind::Malformed),
        (&stored.replacen(":7:A", ":7:I", 1), ErrorKind::BoundColumns),
        (&"ef1:7:AgAA".into(), ErrorKind::UnsupportedSuite),
        (&"ef1:0:".into(), ErrorKind::Pending),
        (&"ef1:0:    ".into(), ErrorKind::Malformed),
    ] {
        refused(Plain::from_stored_text_with(&ring, text.clone()), kind);
    }
    refused(Plain::from_stored_with(&ring, stored.into_bytes()), ErrorKind::WrongStorage);
    for bytes in [&b"\xEF\x66\x31"[..], b"\xEF\x66\x31sec"] {
        refused(Plain::from_stored_with(&ring, bytes.to_vec()), ErrorKind::Malformed);
    }
    refused(
        Plain::from_stored_with(&ring, b"\xEF\x66\x32\xEF\x66\x32".to_vec()),
        ErrorKind::UnsupportedVersion,
    );
}

/// However a value was damaged on its way, an open door does not make a plaintext of it. The error
/// says what happened to it.
#[test]
fn damaged_values_never_reach_the_reader() {
    let ring = ring();
    let stored = Plain::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    for (damaged, word) in [
        (format!("\"{stored}\""), "a quotation mark stands before the marker"),
        (format!("'{stored}'"), "a quotation mark stands before the marker"),
        (format!(" {stored}"), "a space stands before the marker"),
        (format!("   {stored}"), "3 spaces stand before the marker"),
        (format!("\n{stored}"), "a line break stands before the marker"),
        (format!("\t{stored}"), "white space stands before the marker"),
        (format!("\u{feff}{stored}"), "a byte order mark stands before the marker"),
        (format!("\u{feff}\"{stored}\""), "4 bytes stand before the marker"),
        (stored.replacen("ef1:", "EF1:", 1), "its marker is in capitals"),
        (stored.to_uppercase(), "its marker is in capitals"),
        (stored.to_lowercase(), "was changed to lower case"),
        (format!("{stored} "), "a space stands after it: `CHAR(n)` pads"),
        (format!("{stored:300}"), "spaces stand after it: `CHAR(n)` pads"),
        (format!("{stored}\n"), "a line break stands after it"),
        (format!("{stored}\r\n"), "a line break stands after it"),
        (format!("{stored}\t"), "white space stands after it"),
        (format!("{stored}\0\0"), "2 zero bytes stand after it"),
        (format!("{stored}\""), "a quotation mark or the like stands after it"),
        (format!("{stored}=="), "`=` stands after it"),
        (format!("{stored}, and more"), "stands after 115 characters of its payload"),
        (format!("{}\n{}", &stored[..64], &stored[64..]), "a line break stands after 58 char"),
        (format!("{}+{}", &stored[..64], &stored[65..]), "the other alphabet of base64"),
        (format!("{:30}", "ef1:0:"), "the pending value; 24 spaces stand after it"),
    ] {
        let error = refused(Plain::from_stored_text_with(&ring, damaged), ErrorKind::Malformed);
        assert!(error.to_string().contains(word), "no {word:?} in {error}");
    }
    // Cut off anywhere.
    for len in 4..stored.len() {
        assert!(Plain::from_stored_text_with(&ring, stored[..len].to_owned()).is_err(), "{len}");
    }
    let stored = Plain::from(BOT_TOKEN).to_stored_with(&ring).unwrap();
    for len in 3..stored.len() {
        assert!(Plain::from_stored_with(&ring, stored[..len].to_vec()).is_err(), "{len}");
    }
    let padded = [b"\xEF\x66\x31".as_slice(), &[0; 61]].concat();
    let error = refused(Plain::from_stored_with(&ring, padded), ErrorKind::Malformed);
    assert!(error.to_string().contains("57 zero bytes stand after it"), "{error}");
}

/// What becomes of a value whose last part is far behind its first: the text form is read in
/// pieces.
#[test]
fn damage_far_from_the_beginning() {
    let ring = ring();
    let stored = Plain::from(BOT_TOKEN.repeat(20)).to_stored_text_with(&ring).unwrap();
    for at in [255, 261, 262, 263, 518, 700] {
        let damaged = format!("{}\n{}", &stored[..at], &stored[at..]);
        let error = refused(Plain::from_stored_text_with(&ring, damaged), ErrorKind::Malformed);
        let expected = format!("a line break stands after {} characters of its payload", at - 6);
        assert!(error.to_string().contains(&expected), "no {expected:?} in {error}");
        assert_eq!(error.key_id().map(encrypted_field::KeyId::get), Some(7));
    }
}

#[test]
fn detached_values_have_no_legacy_reader() {
    let ring = ring();
    for form in FORMS {
        let error = refused(
            open::<Plain>(&ring, form, Kind::Detached, BOT_TOKEN.as_bytes()),
            ErrorKind::NotEncrypted,
        );
        let message = format!("{error} {error:?}");
        assert!(message.contains("what `seal` and `seal_text` made"), "{message}");
        assert!(!message.contains("legacy =") && !message.contains("INSERT"), "{message}");
    }
}

#[test]
fn a_reader_of_ones_own() {
    let ring = ring();
    let old: String = "old:".chars().chain(BOT_TOKEN.chars().rev()).collect();
    let read = Old::from_stored_text_with(&ring, old).unwrap();
    assert!(&*read == BOT_TOKEN && read.is_legacy());
    // Its error may quote the value, so it goes no further.
    let error =
        refused(Old::from_stored_text_with(&ring, BOT_TOKEN.to_owned()), ErrorKind::LegacyRefused);
    assert!(std::error::Error::source(&error).is_none());
    let not_utf8 = [BOT_TOKEN.as_bytes(), b"\xFF"].concat();
    refused(Old::from_stored_with(&ring, not_utf8.clone()), ErrorKind::LegacyRefused);
    refused(Plain::from_stored_with(&ring, not_utf8), ErrorKind::LegacyRefused);
}

#[test]
fn the_door_closes_and_opens_for_one_column() {
    #[derive(Encrypted)]
    #[encrypted(context = "legacy.closing", legacy = plaintext)]
    struct Closing(Secret<String>);

    let ring = ring();
    let read = || Closing::from_stored_text_with(&ring, BOT_TOKEN.to_owned());
    let stored = Closing::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    assert!(!legacy::is_closed::<Closing>() && read().is_ok());
    for _ in 0..2 {
        legacy::close::<Closing>();
        assert!(legacy::is_closed::<Closing>() && !legacy::is_closed::<Plain>());
        let error = refused(read(), ErrorKind::LegacyClosed);
        assert_eq!(error.column(), Some("legacy.closing"));
        assert!(Closing::from_stored_text_with(&ring, stored.clone()).is_ok());
    }
    assert!(Plain::from_stored_text_with(&ring, BOT_TOKEN.to_owned()).is_ok());
    legacy::reopen::<Closing>();
    assert!(!legacy::is_closed::<Closing>() && read().is_ok());
}

#[test]
fn a_field_without_a_reader_is_closed_for_good() {
    assert!(legacy::is_closed::<BotToken>());
    legacy::reopen::<BotToken>();
    assert!(legacy::is_closed::<BotToken>());
    for form in [Form::Text, Form::Binary] {
        refused(
            open::<BotToken>(&ring(), form, Kind::Column, BOT_TOKEN.as_bytes()),
            ErrorKind::NotEncrypted,
        );
    }
}

#[track_caller]
fn reads<P: Plaintext>(stored: &str) -> Option<P::Value> {
    P::from_legacy(stored.as_bytes()).ok().map(P::into_value)
}

/// `legacy = plaintext` takes what databases print of each type.
#[test]
fn plain_forms_of_the_types() {
    assert_eq!(reads::<i64>("-42"), Some(-42));
    assert_eq!(reads::<i64>(" 42 "), Some(42));
    assert_eq!((reads::<i64>("4 2"), reads::<i64>(""), reads::<i64>("4.0")), (None, None, None));
    assert_eq!((reads::<u8>("256"), reads::<u8>("-1")), (None, None));
    assert_eq!(reads::<u128>(&u128::MAX.to_string()), Some(u128::MAX));
    assert_eq!(
        (reads::<bool>("t"), reads::<bool>("0"), reads::<bool>("yes")),
        (Some(true), Some(false), None)
    );
    let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
    assert_eq!(reads::<Uuid>(&uuid.to_string()), Some(uuid));
    assert_eq!(Uuid::from_legacy(uuid.as_bytes()), Ok(uuid));
    assert_eq!(reads::<Decimal>("1.50").map(|d| d.scale()), Some(2));
    assert_eq!(reads::<Vec<u8>>("\0"), Some(vec![0]));
    assert_eq!(reads::<String>(" kept "), Some(" kept ".into()));
    assert_eq!(reads::<encrypted_field::Json<Vec<u8>>>("[1, 2]"), Some(vec![1, 2]));
}

/// What PostgreSQL's `inet` prints is a host where the network has its full length.
#[test]
fn plain_forms_of_floats_addresses_and_characters() {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

    assert_eq!((reads::<f64>("1.5e+300"), reads::<f64>(" -0 ")), (Some(1.5e300), Some(-0.0)));
    assert_eq!(reads::<f64>("-Infinity"), Some(f64::NEG_INFINITY));
    assert!(reads::<f64>("NaN").is_some_and(f64::is_nan));
    assert_eq!(
        (reads::<f64>("1e309"), reads::<f32>("1e39"), reads::<f64>("1,5")),
        (None, None, None)
    );
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::LOCALHOST);
    for text in ["192.0.2.1", " 192.0.2.1/32"] {
        assert_eq!((reads::<IpAddr>(text), reads::<Ipv4Addr>(text)), (Some(v4.into()), Some(v4)));
    }
    for text in ["::1", "::1/128 "] {
        assert_eq!((reads::<IpAddr>(text), reads::<Ipv6Addr>(text)), (Some(v6.into()), Some(v6)));
    }
    for text in ["192.0.2.0/24", "192.0.2.1/128", "::1/32", "::1/64", "192.0.2.1:80", ""] {
        assert_eq!(reads::<IpAddr>(text), None, "{text}");
    }
    assert_eq!(reads::<SocketAddr>("[::1]:443"), Some((v6, 443).into()));
    assert_eq!(
        (reads::<char>("é"), reads::<char>(" "), reads::<char>("ab")),
        (Some('é'), Some(' '), None)
    );
    assert_eq!(<[u8; 2]>::from_legacy(b"\0 "), Ok([0, b' ']));
    assert!(reads::<Box<str>>(" kept ").is_some_and(|text| &*text == " kept "));
}

/// The reason stands in the error. Of an application's own reader it does if it is a fixed text.
#[test]
fn a_refusal_says_why() {
    #[derive(Encrypted)]
    #[encrypted(context = "legacy.day", legacy = plaintext)]
    struct Day(Secret<chrono::NaiveDate>);

    let ring = ring();
    let read = |text: &str| Day::from_stored_text_with(&ring, text.into());
    let error = refused(read("infinity"), ErrorKind::LegacyRefused);
    assert!(error.to_string().contains("`infinity` of PostgreSQL"), "{error}");
    let error = refused(read("0000-00-00"), ErrorKind::LegacyRefused);
    assert!(error.to_string().contains("month or day 00"), "{error}");
    let error = Old::from_stored_text_with(&ring, BOT_TOKEN.to_owned());
    let error = refused(error, ErrorKind::LegacyRefused);
    assert!(error.to_string().contains("its own error is not shown"), "{error}");

    fn never(_: &[u8]) -> Result<String, PlaintextError> {
        Err(PlaintextError::new("a fixed text"))
    }
    #[derive(Encrypted)]
    #[encrypted(context = "legacy.never", legacy = never)]
    struct Never(Secret<String>);
    let error = Never::from_stored_text_with(&ring, BOT_TOKEN.to_owned());
    let error = refused(error, ErrorKind::LegacyRefused);
    assert!(error.to_string().contains("a fixed text"), "{error}");
}
