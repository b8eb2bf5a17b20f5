//! Values that the library did not write: read only where the field says so, never after a failed open, and not
//! once the door is closed. Each test has a context of its own, since the switch is the process's.

use encrypted_field::{Encrypted, EncryptedField, ErrorKind, Plaintext, Secret, legacy};
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
        for text in [BOT_TOKEN, "", " ", UNUSUAL_TEXT, "ef", "ef1", "EF1:7:", "ef:1:"] {
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

/// What carries our marker, in any version and either form, is never handed to a legacy reader.
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
        (&"ef2:anything".into(), ErrorKind::UnsupportedVersion),
        (&"ef01:7:".into(), ErrorKind::UnsupportedVersion),
        (&"ef1:0:".into(), ErrorKind::Pending),
    ] {
        refused(Plain::from_stored_text_with(&ring, text.clone()), kind);
    }
    refused(Plain::from_stored_with(&ring, stored.into_bytes()), ErrorKind::WrongStorage);
    for bytes in [&b"\xEF\x66\x31"[..], b"\xEF\x66\x31sec"] {
        refused(Plain::from_stored_with(&ring, bytes.to_vec()), ErrorKind::Malformed);
    }
    refused(Plain::from_stored_with(&ring, b"\xEF\x66\x32".to_vec()), ErrorKind::UnsupportedVersion);
}

#[test]
fn detached_values_have_no_legacy_reader() {
    let ring = ring();
    for form in FORMS {
        refused(open::<Plain>(&ring, form, Kind::Detached, BOT_TOKEN.as_bytes()), ErrorKind::NotEncrypted);
    }
}

#[test]
fn a_reader_of_ones_own() {
    let ring = ring();
    let old: String = "old:".chars().chain(BOT_TOKEN.chars().rev()).collect();
    let read = Old::from_stored_text_with(&ring, old).unwrap();
    assert!(&*read == BOT_TOKEN && read.is_legacy());
    // Its error may quote the value, so it goes no further.
    let error = refused(Old::from_stored_text_with(&ring, BOT_TOKEN.to_owned()), ErrorKind::LegacyRefused);
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
        refused(open::<BotToken>(&ring(), form, Kind::Column, BOT_TOKEN.as_bytes()), ErrorKind::NotEncrypted);
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

#[test]
fn plain_forms_of_dates() {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let time = NaiveTime::from_hms_micro_opt(1, 2, 3, 450_000).unwrap();
    assert_eq!(reads::<NaiveDate>("2024-02-29"), Some(date));
    assert_eq!(reads::<NaiveTime>("01:02:03.45"), Some(time));
    assert_eq!(reads::<NaiveTime>("01:02:03."), None);
    assert_eq!(reads::<NaiveTime>("01:02:03.1234567890"), None);
    let midnight = NaiveDateTime::new(date, NaiveTime::MIN);
    assert_eq!(reads::<NaiveDateTime>("2024-02-29 00:00:00"), Some(midnight));
    for text in [
        "2024-02-29 01:02:03.45+00",
        "2024-02-29T01:02:03.45Z",
        "2024-02-29 03:02:03.45+02:00",
        "2024-02-28 23:32:03.45-0130",
    ] {
        assert_eq!(reads::<DateTime<Utc>>(text), Some(date.and_time(time).and_utc()), "{text}");
        let other = reads::<time::OffsetDateTime>(text).unwrap();
        assert_eq!(other.unix_timestamp(), date.and_time(time).and_utc().timestamp());
    }
    for text in
        ["2024-02-29 01:02:03", "2024-02-29 01:02:03+24", "2024-02-29 01:02:03+1", "2024-02-30 01:02:03Z"]
    {
        assert_eq!(reads::<DateTime<Utc>>(text), None, "{text}");
        assert_eq!(reads::<time::OffsetDateTime>(text), None, "{text}");
    }
}
