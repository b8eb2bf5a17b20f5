//! `chrono`, `jiff` and `time` write the same bytes, so that a program may change from one to the
//! other.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};
use encrypted_field::{EncryptedFieldExt, ErrorKind, Plaintext};
use jiff::{Timestamp, civil};
use tests::refused;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::fields::{Typed, plaintext, read_as, ring};

/// One instant in both crates.
fn instants() -> impl Iterator<Item = (DateTime<Utc>, OffsetDateTime)> {
    // Around the extremes of `time`, of Unix time in 32 bits, of centuries and of leap days.
    let seconds = [
        -377_705_116_800_i64,
        -62_167_219_200,
        -62_135_596_801,
        -2_208_988_800,
        -1,
        0,
        951_782_399,
        951_782_400,
        1_709_164_800,
        2_147_483_647,
        2_147_483_648,
        4_107_542_400,
        253_402_300_799,
    ];
    seconds.into_iter().flat_map(|second| {
        [0, 1, 999_999_999].map(|nanosecond| {
            let chrono = DateTime::from_timestamp(second, nanosecond).unwrap();
            let time = OffsetDateTime::from_unix_timestamp(second).unwrap();
            (chrono, time.replace_nanosecond(nanosecond).unwrap())
        })
    })
}

/// Both write the same bytes, and each reads what the other wrote.
#[track_caller]
fn alike<A, B>(a: A, b: B)
where
    A: Plaintext<Value = A> + PartialEq + Clone + std::fmt::Debug,
    B: Plaintext<Value = B> + PartialEq + Clone + std::fmt::Debug,
{
    assert_eq!(plaintext::<A>(a.clone()), plaintext::<B>(b.clone()));
    let ring = ring();
    let stored = Typed::<A>::new(a.clone()).to_stored_text_with(&ring).unwrap();
    assert_eq!(Typed::<B>::from_stored_text_with(&ring, stored).unwrap().into_inner(), b);
    let stored = Typed::<B>::new(b).to_stored_with(&ring).unwrap();
    assert_eq!(Typed::<A>::from_stored_with(&ring, stored).unwrap().into_inner(), a);
}

#[test]
fn instants_dates_and_times() {
    for (chrono, time) in instants() {
        alike::<DateTime<Utc>, OffsetDateTime>(chrono, time);
        alike::<NaiveDateTime, PrimitiveDateTime>(
            chrono.naive_utc(),
            PrimitiveDateTime::new(time.date(), time.time()),
        );
        alike::<NaiveDate, time::Date>(chrono.date_naive(), time.date());
        alike::<NaiveTime, time::Time>(chrono.time(), time.time());
        let nanosecond = i32::try_from(chrono.nanosecond()).unwrap();
        // `jiff` has no instants of the first and the last day of its years.
        let jiff = Timestamp::new(chrono.timestamp(), nanosecond);
        let shown = match jiff {
            Ok(jiff) => {
                alike::<DateTime<Utc>, Timestamp>(chrono, jiff);
                jiff::tz::Offset::UTC.to_datetime(jiff)
            }
            Err(_) if chrono.year() == 9999 => civil::date(9999, 12, 31).at(23, 59, 59, nanosecond),
            Err(_) => civil::date(-9999, 1, 1).at(0, 0, 0, nanosecond),
        };
        alike::<NaiveDateTime, civil::DateTime>(chrono.naive_utc(), shown);
        alike::<NaiveDate, civil::Date>(chrono.date_naive(), shown.date());
        alike::<NaiveTime, civil::Time>(chrono.time(), shown.time());
    }
}

#[test]
fn every_day_of_a_cycle_of_the_calendar() {
    let mut chrono = NaiveDate::from_ymd_opt(1999, 12, 31).unwrap();
    let mut time = time::Date::from_calendar_date(1999, time::Month::December, 31).unwrap();
    // Days through the encodings alone: sealing each of 146,097 would only be slow.
    for _ in 0..146_097 {
        let encoded = chrono.encode().unwrap().to_vec();
        assert_eq!(encoded, *time.encode().unwrap());
        assert_eq!(NaiveDate::decode(encoded.clone().into()).unwrap(), chrono);
        assert_eq!(time::Date::decode(encoded.into()).unwrap(), time);
        assert_eq!((chrono.year(), chrono.ordinal()), (time.year(), u32::from(time.ordinal())));
        (chrono, time) = (chrono.succ_opt().unwrap(), time.next_day().unwrap());
    }
}

/// `time` and `jiff` have no leap seconds: an error, and not the second before or after.
#[test]
fn a_leap_second_is_refused_where_there_is_none() {
    let leap = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_000_000_000).unwrap();
    let day = NaiveDate::from_ymd_opt(2016, 12, 31).unwrap();
    refused(read_as::<time::Time>(&plaintext::<NaiveTime>(leap)), ErrorKind::InvalidPlaintext);
    refused(
        read_as::<PrimitiveDateTime>(&plaintext::<NaiveDateTime>(day.and_time(leap))),
        ErrorKind::InvalidPlaintext,
    );
    refused(
        read_as::<OffsetDateTime>(&plaintext::<DateTime<Utc>>(day.and_time(leap).and_utc())),
        ErrorKind::InvalidPlaintext,
    );
    refused(read_as::<civil::Time>(&plaintext::<NaiveTime>(leap)), ErrorKind::InvalidPlaintext);
    refused(
        read_as::<civil::DateTime>(&plaintext::<NaiveDateTime>(day.and_time(leap))),
        ErrorKind::InvalidPlaintext,
    );
    refused(
        read_as::<Timestamp>(&plaintext::<DateTime<Utc>>(day.and_time(leap).and_utc())),
        ErrorKind::InvalidPlaintext,
    );
    let second_59 = leap.with_nanosecond(0).unwrap();
    assert_eq!(
        read_as::<time::Time>(&plaintext::<NaiveTime>(second_59)).unwrap(),
        time::Time::from_hms(23, 59, 59).unwrap()
    );
}

/// Years that `time` and `jiff` lack are refused, and not clamped.
#[test]
fn years_beyond_9999() {
    for date in [NaiveDate::MIN, NaiveDate::MAX, NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap()] {
        refused(read_as::<time::Date>(&plaintext::<NaiveDate>(date)), ErrorKind::InvalidPlaintext);
        refused(read_as::<civil::Date>(&plaintext::<NaiveDate>(date)), ErrorKind::InvalidPlaintext);
        let midnight = date.and_time(NaiveTime::MIN);
        refused(
            read_as::<PrimitiveDateTime>(&plaintext::<NaiveDateTime>(midnight)),
            ErrorKind::InvalidPlaintext,
        );
        refused(
            read_as::<OffsetDateTime>(&plaintext::<DateTime<Utc>>(midnight.and_utc())),
            ErrorKind::InvalidPlaintext,
        );
    }
}
