//! What the databases themselves print where a column of dates or times becomes text is read by
//! `legacy = plaintext` as what it was, over the whole range of each database, or refused with the
//! reason. Nothing comes back as another moment.

mod mariadb;
mod postgres;
mod sqlite;

use std::fmt::Debug;
use std::ops::Range;

use chrono::{DateTime, Utc};
use encrypted_field::Plaintext;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use time::OffsetDateTime;

/// Seconds since 1970: of 24 November of the year 4714 BC, where PostgreSQL and SQLite begin, and
/// of the beginning of years.
const JULIAN_DAY_0: i64 = -210_866_803_200;
const YEAR_1: i64 = -62_135_596_800;
const YEAR_10000: i64 = 253_402_300_800;
const YEAR_294277: i64 = 9_224_318_016_000;

/// Seconds and microseconds since 1970: what is special within the range, and chosen at random.
fn moments(range: Range<i64>, random: usize) -> Vec<(i64, u32)> {
    let special = [
        JULIAN_DAY_0,
        YEAR_1,
        YEAR_1 - 366 * 86_400,
        // Local mean times, daylight saving, the end of 32 bits, leap days.
        -2_208_988_800,
        -1,
        0,
        951_782_400,
        1_711_846_800,
        2_147_483_648,
        YEAR_10000,
        YEAR_294277,
        range.start,
        range.end,
    ];
    let special = special.into_iter().flat_map(|second| [second - 1, second, second + 1]);
    let lately = -3_000_000_000..3_000_000_000_i64;
    let random = vec(prop_oneof![range.clone(), lately], random);
    let random = random.new_tree(&mut TestRunner::default()).unwrap().current();
    let micros = vec(
        prop_oneof![Just(0), Just(999_999), Just(450_000), 0..1_000_000_u32],
        special.clone().count() + random.len(),
    );
    let micros = micros.new_tree(&mut TestRunner::default()).unwrap().current();
    special.chain(random).zip(micros).filter(|(second, _)| range.contains(second)).collect()
}

/// `None` where the type can't hold the moment.
fn utc((second, micros): (i64, u32)) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(second, micros * 1000)
}

/// The text is read as this value; as nothing where the type has none.
#[track_caller]
fn reads<P: Plaintext + PartialEq + Debug>(text: &str, expected: Option<P>) {
    match (P::from_legacy(text.as_bytes()), expected) {
        (Ok(read), Some(expected)) => assert_eq!(read, expected, "{text}"),
        (Err(why), None) => assert!(why.to_string().contains("out of the range"), "{text}: {why}"),
        (read, expected) => panic!("{text}: {read:?}, and not {expected:?}"),
    }
}

#[track_caller]
fn refuses<P: Plaintext>(text: &str, reason: &str) {
    let why = P::from_legacy(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} is read"));
    assert!(why.to_string().contains(reason), "{text}: {why}");
}

/// The text of an instant, in each crate.
#[track_caller]
fn reads_instant(text: &str, moment: (i64, u32)) {
    reads::<DateTime<Utc>>(text, utc(moment));
    let nanos = time::Duration::microseconds(moment.1.into());
    reads(text, OffsetDateTime::from_unix_timestamp(moment.0).ok().map(|utc| utc + nanos));
    // `jiff` has no instants of the first and the last day of its years.
    if let Some(nanos) =
        i32::try_from(moment.1 * 1000).ok().and_then(|n| Timestamp::new(moment.0, n).ok())
    {
        reads(text, Some(nanos));
    } else {
        assert!(Timestamp::from_legacy(text.as_bytes()).is_err(), "{text}");
    }
}

/// The text of the date and time that a clock in UTC shows, in each crate.
#[track_caller]
fn reads_naive(text: &str, moment: (i64, u32)) {
    reads(text, utc(moment).map(|utc| utc.naive_utc()));
    let nanos = time::Duration::microseconds(moment.1.into());
    let other = OffsetDateTime::from_unix_timestamp(moment.0).ok().map(|utc| utc + nanos);
    reads(text, other.map(|utc| time::PrimitiveDateTime::new(utc.date(), utc.time())));
    reads(text, utc(moment).and_then(|utc| jiff_date_time(utc.naive_utc())));
}

/// The text of its date.
#[track_caller]
fn reads_date(text: &str, moment: (i64, u32)) {
    reads(text, utc(moment).map(|utc| utc.date_naive()));
    reads(text, OffsetDateTime::from_unix_timestamp(moment.0).ok().map(OffsetDateTime::date));
    reads(
        text,
        utc(moment)
            .and_then(|utc| jiff_date_time(utc.naive_utc()))
            .map(jiff::civil::DateTime::date),
    );
}

/// The text of its time of day.
#[track_caller]
fn reads_time(text: &str, (second, micros): (i64, u32)) {
    let of_day = u32::try_from(second.rem_euclid(86_400)).unwrap();
    reads(text, chrono::NaiveTime::from_num_seconds_from_midnight_opt(of_day, micros * 1000));
    let midnight = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(of_day.into());
    reads(text, Some((midnight + time::Duration::microseconds(micros.into())).time()));
    let span = jiff::SignedDuration::new(of_day.into(), i32::try_from(micros * 1000).unwrap());
    reads(text, Some(jiff::civil::Time::midnight().wrapping_add(span)));
}

fn jiff_date_time(shown: chrono::NaiveDateTime) -> Option<jiff::civil::DateTime> {
    use chrono::{Datelike as _, Timelike as _};

    let small = |part: u32| i8::try_from(part).unwrap();
    jiff::civil::DateTime::new(
        shown.year().try_into().ok()?,
        small(shown.month()),
        small(shown.day()),
        small(shown.hour()),
        small(shown.minute()),
        small(shown.second()),
        shown.nanosecond().try_into().unwrap(),
    )
    .ok()
}
