//! Dates and times that were text before: what the databases and the crates print, and what chrono
//! reads. `tests/tests/legacy_dates` asks the databases themselves.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use encrypted_field::Plaintext;
use jiff::Timestamp;
use jiff::civil;
use proptest::prelude::*;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

#[track_caller]
fn reads<P: Plaintext>(text: &str) -> P {
    P::from_legacy(text.as_bytes()).unwrap_or_else(|why| panic!("{text}: {why}"))
}

#[track_caller]
fn refuses<P: Plaintext>(text: &str, reason: &str) {
    match P::from_legacy(text.as_bytes()) {
        Ok(_) => panic!("{text} is read"),
        Err(why) => assert!(why.to_string().contains(reason), "{text}: {why}"),
    }
}

/// Refused by the types of all crates for one reason.
macro_rules! refused_by_all {
    ($text:expr, $reason:expr; $($type:ty),+) => {$(refuses::<$type>($text, $reason);)+};
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn time(hour: u32, minute: u32, second: u32, nanosecond: u32) -> NaiveTime {
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond).unwrap()
}

#[test]
fn dates() {
    for (text, expected) in [
        ("2024-02-29", date(2024, 2, 29)),
        (" 2024-02-29\n", date(2024, 2, 29)),
        ("2024-2-9", date(2024, 2, 9)),
        // chrono and SQLite before year 0; PostgreSQL has none.
        ("-0001-12-31", date(-1, 12, 31)),
        ("0000-02-29", date(0, 2, 29)),
        ("0001-02-29 BC", date(0, 2, 29)),
        ("0044-03-15 BC", date(-43, 3, 15)),
        ("4713-11-24 BC", date(-4712, 11, 24)),
        // PostgreSQL; chrono and time.
        ("10000-01-01", date(10000, 1, 1)),
        ("+10000-01-01", date(10000, 1, 1)),
        ("+262142-12-31", NaiveDate::MAX),
    ] {
        assert_eq!(reads::<NaiveDate>(text), expected, "{text}");
    }
    assert_eq!(reads::<time::Date>("0044-03-15 BC").year(), -43);
    assert_eq!(reads::<civil::Date>("0044-03-15 BC"), civil::date(-43, 3, 15));
    for text in [
        "",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-02",
        "2024-02-291",
        "2024/02/29",
        "2024-02-29 x",
        "0000-01-01 BC",
        "-0001-01-01 BC",
        "+0001-01-01 BC",
        "2024-02-29 BC BC",
        "2024-02-29 01:02:03",
        "20240229",
    ] {
        refused_by_all!(text, ""; NaiveDate, time::Date, civil::Date);
    }
    // A day first, or a year of two digits, is another day somewhere.
    for text in ["01-02-24", "1-2-3", "29-02-2024", "024-02-29", "-24-02-29"] {
        refused_by_all!(text, "year of four digits"; NaiveDate, time::Date, civil::Date);
    }
}

#[test]
fn times() {
    for (text, expected) in [
        ("01:02:03.45", time(1, 2, 3, 450_000_000)),
        ("1:02:03", time(1, 2, 3, 0)),
        ("1:2", time(1, 2, 0, 0)),
        ("23:59:59.999999999", time(23, 59, 59, 999_999_999)),
        ("00:00:00.1234567890", time(0, 0, 0, 123_456_789)),
        ("23:59:60.5", time(23, 59, 59, 1_500_000_000)),
    ] {
        assert_eq!(reads::<NaiveTime>(text), expected, "{text}");
    }
    assert_eq!(reads::<time::Time>("1:02:03.0"), time::Time::from_hms(1, 2, 3).unwrap());
    assert_eq!(reads::<civil::Time>("01:02:03"), civil::time(1, 2, 3, 0));
    for text in [
        "",
        "1",
        "01:02:",
        "01:02:03.",
        "01:60:00",
        "01:02:61",
        "+01:02:03",
        "010203",
        "01:02:03 PM",
        "01:02:03 BC",
        "1234:00:00",
    ] {
        refused_by_all!(text, "not a date or time"; NaiveTime, time::Time, civil::Time);
    }
}

#[test]
fn what_a_type_cannot_hold_has_its_reason() {
    for text in ["infinity", "-infinity", " infinity "] {
        refused_by_all!(text, "`infinity` of PostgreSQL"; NaiveDate, NaiveDateTime, DateTime<Utc>, time::Date,
            PrimitiveDateTime, OffsetDateTime, civil::Date, civil::DateTime, Timestamp);
    }
    refused_by_all!("0000-00-00", "month or day 00"; NaiveDate, time::Date, civil::Date);
    refused_by_all!("2024-02-00 00:00:00", "month or day 00"; NaiveDateTime, PrimitiveDateTime, civil::DateTime);
    refused_by_all!("24:00:00", "the end of a day"; NaiveTime, time::Time, civil::Time);
    refused_by_all!("2024-02-29 24:00:00.000", "the end of a day"; NaiveDateTime, PrimitiveDateTime, civil::DateTime);
    for text in ["24:00:01", "-00:00:01", "838:59:59.000000", "-838:59:59"] {
        refused_by_all!(text, "a duration"; NaiveTime, time::Time, civil::Time);
    }
    refused_by_all!("01:02:03.0123456789", "more than nine digits"; NaiveTime, time::Time, civil::Time);
    for text in ["01:02:03+02", "01:02:03-05:30", "01:02:03Z"] {
        refused_by_all!(text, "would lose"; NaiveTime, time::Time, civil::Time);
    }
    refused_by_all!("2024-02-29 01:02:03+00", "would lose"; NaiveDateTime, PrimitiveDateTime, civil::DateTime);
    refused_by_all!("2024-02-29 01:02:03", "without an offset"; DateTime<Utc>, OffsetDateTime, Timestamp);
    refused_by_all!("5874897-12-31", "out of the range"; NaiveDate, time::Date, civil::Date);
    refused_by_all!("10000-01-01 00:00:00", "out of the range"; PrimitiveDateTime, civil::DateTime);
    refused_by_all!("9999-12-31 23:59:59-00:01", "out of the range"; OffsetDateTime, Timestamp);
    refused_by_all!("23:59:60", "a leap second"; time::Time, civil::Time);
    refused_by_all!("2017-01-01 05:29:60+05:30", "a leap second"; OffsetDateTime, Timestamp);
}

#[test]
fn instants() {
    let expected = date(2024, 2, 29).and_time(time(1, 2, 3, 450_000_000)).and_utc();
    for text in [
        "2024-02-29 01:02:03.45+00",
        "2024-02-29T01:02:03.45Z",
        "2024-02-29t01:02:03.45z",
        "2024-02-29 01:02:03.450 UTC",
        "2024-02-29 03:02:03.45+02:00",
        "2024-02-29 3:02:03.45 +02:00:00",
        "2024-02-28 23:32:03.45-0130",
        "2024-02-28 23:32:03.45 \u{2212}01:30",
        "2024-02-28 17:09:05.45-07:52:58",
    ] {
        assert_eq!(reads::<DateTime<Utc>>(text), expected, "{text}");
        let (seconds, nanos) = (expected.timestamp(), 450_000_000);
        let other = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        assert_eq!(
            reads::<OffsetDateTime>(text),
            other + time::Duration::nanoseconds(nanos),
            "{text}"
        );
        let other = Timestamp::new(seconds, 450_000_000).unwrap();
        assert_eq!(reads::<Timestamp>(text), other, "{text}");
    }
    for text in [
        "2024-02-29 01:02:03+24:60",
        "2024-02-29 01:02:03+1",
        "2024-02-29 01:02:03+01:",
        "2024-02-30 01:02:03Z",
        "2024-02-29 01:02:03 CET",
        "2024-02-29 01:02:03+01:00:00:00",
        "2024-02-29+01",
        "2024-02-29 01:02:03Z[UTC]",
    ] {
        refused_by_all!(text, ""; DateTime<Utc>, OffsetDateTime, Timestamp);
    }
}

/// It is the last second of its minute wherever offsets are whole minutes. It never becomes
/// another.
#[test]
fn a_leap_second_with_an_offset_is_kept_or_refused() {
    let leap = date(2016, 12, 31).and_time(time(23, 59, 59, 1_500_000_000)).and_utc();
    for text in
        ["2016-12-31T23:59:60.5Z", "2017-01-01 05:29:60.5+05:30", "2016-12-31 15:59:60.5-08"]
    {
        assert_eq!(reads::<DateTime<Utc>>(text), leap, "{text}");
    }
    refuses::<DateTime<Utc>>("2017-01-01 00:17:60+00:17:30", "leap second");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What chrono prints, over its whole range.
    #[test]
    fn what_chrono_prints(
        seconds in DateTime::<Utc>::MIN_UTC.timestamp()..=DateTime::<Utc>::MAX_UTC.timestamp(),
        nanos in prop_oneof![Just(0), 0..1_000_000_000_u32],
        leap in any::<bool>(),
        offset in -86_399..86_400_i32,
    ) {
        let leap = if leap && seconds.rem_euclid(60) == 59 { 1_000_000_000 } else { 0 };
        let utc = DateTime::from_timestamp(seconds, nanos + leap).unwrap();
        let naive = utc.naive_utc();
        let local = utc.with_timezone(&FixedOffset::east_opt(offset).unwrap());
        prop_assert_eq!(reads::<NaiveDate>(&naive.date().to_string()), naive.date());
        prop_assert_eq!(reads::<NaiveTime>(&naive.time().to_string()), naive.time());
        prop_assert_eq!(reads::<NaiveDateTime>(&naive.to_string()), naive);
        prop_assert_eq!(reads::<NaiveDateTime>(&format!("{naive:?}")), naive);
        prop_assert_eq!(reads::<DateTime<Utc>>(&utc.to_string()), utc);
        prop_assert_eq!(reads::<DateTime<Utc>>(&format!("{utc:?}")), utc);
        // Its `Debug` and `Display` of a local time may leave its range, where chrono panics.
        if utc - TimeDelta::days(2) > DateTime::<Utc>::MIN_UTC && utc + TimeDelta::days(2) < DateTime::<Utc>::MAX_UTC
            && (leap == 0 || offset % 60 == 0)
        {
            prop_assert_eq!(reads::<DateTime<Utc>>(&local.to_string()), utc);
            // RFC 3339 has no seconds of an offset, and chrono rounds them.
            if offset % 60 == 0 {
                prop_assert_eq!(reads::<DateTime<Utc>>(&local.to_rfc3339()), utc);
            }
        }
    }

    /// What time and jiff print, over their whole ranges.
    #[test]
    fn what_time_and_jiff_print(
        seconds in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        nanos in prop_oneof![Just(0), 0..1_000_000_000_i32],
        offset in -86_399..86_400_i32,
    ) {
        let utc = OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::nanoseconds(nanos.into());
        let naive = PrimitiveDateTime::new(utc.date(), utc.time());
        prop_assert_eq!(reads::<time::Date>(&naive.date().to_string()), naive.date());
        prop_assert_eq!(reads::<time::Time>(&naive.time().to_string()), naive.time());
        prop_assert_eq!(reads::<PrimitiveDateTime>(&naive.to_string()), naive);
        prop_assert_eq!(reads::<OffsetDateTime>(&utc.to_string()), utc);
        if let Some(local) = utc.checked_to_offset(UtcOffset::from_whole_seconds(offset).unwrap()) {
            prop_assert_eq!(reads::<OffsetDateTime>(&local.to_string()), utc);
        }
        let Ok(utc) = Timestamp::new(seconds, nanos) else { return Ok(()) };
        let naive = jiff::tz::Offset::UTC.to_datetime(utc);
        prop_assert_eq!(reads::<civil::Date>(&naive.date().to_string()), naive.date());
        prop_assert_eq!(reads::<civil::Time>(&naive.time().to_string()), naive.time());
        prop_assert_eq!(reads::<civil::DateTime>(&naive.to_string()), naive);
        prop_assert_eq!(reads::<Timestamp>(&utc.to_string()), utc);
    }

    /// What chrono's `FromStr` takes is read as it reads it, or refused: a year that could be a
    /// day, digits that it drops.
    #[test]
    fn what_chrono_reads_is_not_read_as_another_value(
        text in "[+-]?[0-9]{2,6} ?- ?[0-9]{1,2} ?- ?[0-9]{1,2}",
        clock in "[0-2]?[0-9] ?: ?[0-9]{1,2}( ?: ?[0-6]?[0-9](\\.[0-9]{1,11})?)?",
        offset in "( ?[+-][0-9]{2}:?[0-9]{2}| ?Z| ?UTC|)",
        between in "[Tt ]",
    ) {
        same::<NaiveDate>(&text)?;
        same::<NaiveTime>(&clock)?;
        same::<NaiveDateTime>(&format!("{text}T{clock}"))?;
        same::<DateTime<Utc>>(&format!("{text}{between}{clock}{offset}"))?;
    }
}

fn same<P>(text: &str) -> Result<(), TestCaseError>
where
    P: Plaintext + std::str::FromStr + PartialEq + std::fmt::Debug,
{
    match (P::from_legacy(text.as_bytes()), text.parse::<P>()) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs, "{}", text),
        (Err(why), Ok(_)) => {
            let why = why.to_string();
            let known = ["year of four digits", "more than nine digits", "leap second"]
                .iter()
                .any(|k| why.contains(k));
            prop_assert!(known, "{}: {}", text, why);
        }
        (_, Err(_)) => {}
    }
    Ok(())
}
