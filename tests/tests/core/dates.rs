//! Dates and times of `chrono` and of `time`, each on its own.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use encrypted_field::{ErrorKind, Plaintext};
use tests::refused;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::fields::{FORMS, Kind, Typed, plaintext, read_as, ring, round_trip, seal};

#[track_caller]
fn encodes<P: Plaintext<Value = P> + PartialEq + Copy + std::fmt::Debug>(value: P, text: &str) {
    assert_eq!(round_trip::<P>(value), [value; 2], "{text}");
    assert_eq!(String::from_utf8(plaintext::<P>(value)).unwrap(), text);
}

#[track_caller]
fn unrepresentable<P: Plaintext<Value = P>>(value: P) {
    let field = Typed::<P>::new(value);
    for form in FORMS {
        refused(seal(&ring(), form, Kind::Column, &field), ErrorKind::Unrepresentable);
    }
}

fn chrono_date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn chrono_time(hour: u32, minute: u32, second: u32, nanosecond: u32) -> NaiveTime {
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanosecond).unwrap()
}

fn time_date(year: i32, month: u8, day: u8) -> time::Date {
    time::Date::from_calendar_date(year, month.try_into().unwrap(), day).unwrap()
}

fn time_time(hour: u8, minute: u8, second: u8, nanosecond: u32) -> time::Time {
    time::Time::from_hms_nano(hour, minute, second, nanosecond).unwrap()
}

#[test]
fn chrono_dates() {
    encodes(NaiveDate::MIN, "-262143-01-01");
    encodes(NaiveDate::MAX, "+262142-12-31");
    encodes(chrono_date(-1, 12, 31), "-000001-12-31");
    encodes(chrono_date(0, 2, 29), "0000-02-29");
    encodes(chrono_date(1, 1, 1), "0001-01-01");
    encodes(chrono_date(1970, 1, 1), "1970-01-01");
    encodes(chrono_date(2000, 2, 29), "2000-02-29");
    encodes(chrono_date(9999, 12, 31), "9999-12-31");
    encodes(chrono_date(10000, 1, 1), "+010000-01-01");
}

#[test]
fn chrono_times() {
    encodes(NaiveTime::MIN, "00:00:00.000000000");
    encodes(chrono_time(23, 59, 59, 999_999_999), "23:59:59.999999999");
    encodes(chrono_time(1, 2, 3, 4), "01:02:03.000000004");
    // A leap second is nanoseconds from 10^9 in chrono.
    encodes(chrono_time(23, 59, 59, 1_000_000_000), "23:59:60.000000000");
    encodes(chrono_time(23, 59, 59, 1_999_999_999), "23:59:60.999999999");
    encodes(chrono_time(5, 29, 59, 1_500_000_000), "05:29:60.500000000");
}

#[test]
fn chrono_date_times() {
    encodes(NaiveDateTime::MIN, "-262143-01-01T00:00:00.000000000");
    encodes(NaiveDateTime::MAX, "+262142-12-31T23:59:59.999999999");
    encodes(
        chrono_date(2016, 12, 31).and_time(chrono_time(23, 59, 59, 1_000_000_000)),
        "2016-12-31T23:59:60.000000000",
    );
    encodes(DateTime::<Utc>::MIN_UTC, "-262143-01-01T00:00:00.000000000Z");
    encodes(DateTime::<Utc>::MAX_UTC, "+262142-12-31T23:59:59.999999999Z");
    encodes(DateTime::<Utc>::UNIX_EPOCH, "1970-01-01T00:00:00.000000000Z");
    encodes(
        DateTime::<Utc>::UNIX_EPOCH - TimeDelta::nanoseconds(1),
        "1969-12-31T23:59:59.999999999Z",
    );
    encodes(DateTime::from_timestamp_nanos(1), "1970-01-01T00:00:00.000000001Z");
    encodes(
        DateTime::from_timestamp(i64::from(i32::MAX) + 1, 0).unwrap(),
        "2038-01-19T03:14:08.000000000Z",
    );
}

/// chrono can make a leap second within a minute, which no clock shows and the text form can't say.
#[test]
fn chrono_leap_seconds_in_the_wrong_place() {
    use chrono::Timelike as _;

    let odd = chrono_time(12, 30, 15, 0).with_nanosecond(1_500_000_000).unwrap();
    unrepresentable(odd);
    unrepresentable(chrono_date(2020, 1, 1).and_time(odd));
    unrepresentable(chrono_date(2020, 1, 1).and_time(odd).and_utc());
}

#[test]
fn time_dates() {
    encodes(time::Date::MIN, "-009999-01-01");
    encodes(time::Date::MAX, "9999-12-31");
    encodes(time_date(-1, 12, 31), "-000001-12-31");
    encodes(time_date(0, 2, 29), "0000-02-29");
    encodes(time_date(2000, 2, 29), "2000-02-29");
}

#[test]
fn time_times() {
    encodes(time::Time::MIDNIGHT, "00:00:00.000000000");
    encodes(time::Time::MAX, "23:59:59.999999999");
    encodes(time_time(1, 2, 3, 4), "01:02:03.000000004");
}

#[test]
fn time_date_times() {
    encodes(PrimitiveDateTime::MIN, "-009999-01-01T00:00:00.000000000");
    encodes(PrimitiveDateTime::MAX, "9999-12-31T23:59:59.999999999");
    encodes(PrimitiveDateTime::MIN.assume_utc(), "-009999-01-01T00:00:00.000000000Z");
    encodes(PrimitiveDateTime::MAX.assume_utc(), "9999-12-31T23:59:59.999999999Z");
    encodes(OffsetDateTime::UNIX_EPOCH, "1970-01-01T00:00:00.000000000Z");
    encodes(
        OffsetDateTime::UNIX_EPOCH - time::Duration::nanoseconds(1),
        "1969-12-31T23:59:59.999999999Z",
    );
}

/// Another offset is the same instant: that is kept, and the offset is not.
#[test]
fn time_offsets() {
    let local = PrimitiveDateTime::new(time_date(2024, 3, 1), time_time(1, 30, 0, 0))
        .assume_offset(UtcOffset::from_hms(5, 45, 0).unwrap());
    encodes(local, "2024-02-29T19:45:00.000000000Z");
    for read in round_trip::<OffsetDateTime>(local) {
        assert_eq!(read.offset(), UtcOffset::UTC);
    }
    // The offset moves these out of the years that `time` has.
    let hour = UtcOffset::from_hms(1, 0, 0).unwrap();
    unrepresentable(PrimitiveDateTime::MIN.assume_offset(hour));
    unrepresentable(PrimitiveDateTime::MAX.assume_offset(-hour));
}

const NOT_DATES: &[&str] = &[
    "",
    "2024-02-30",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-00-01",
    "2024-01-00",
    "2024-01-32",
    "2024-1-01",
    "2024-01-1",
    "24-01-01",
    "02024-01-01",
    "+2024-01-01",
    "+002024-01-01",
    "-0001-01-01",
    "-000000-01-01",
    "+009999-01-01",
    "10000-01-01",
    "+0010000-01-01",
    "2024/01/01",
    "20240101",
    "2024-01-01 ",
    " 2024-01-01",
    "2024-01-01\0",
    "2024-01-01T00:00:00.000000000",
    "２０２４-01-01",
    "2024-01-0é",
    "--01-01",
    "2024-01-01Z",
];
const NOT_TIMES: &[&str] = &[
    "",
    "24:00:00.000000000",
    "23:60:00.000000000",
    "23:59:61.000000000",
    "23:59:58",
    "23:59:58.",
    "23:59:58.0",
    "23:59:58.00000000",
    "23:59:58.0000000000",
    "23:59:58,000000000",
    "3:59:58.000000000",
    "23:59:58.000000000Z",
    "23:59:58.000000000+00:00",
    "-1:59:58.000000000",
    "+3:59:58.000000000",
    "23:59:58.00000000a",
    "T23:59:58.000000000",
    "23-59-58.000000000",
];
const NOT_DATE_TIMES: &[&str] = &[
    "",
    "2024-01-01",
    "2024-01-01T",
    "2024-01-01 00:00:00.000000000",
    "2024-01-01t00:00:00.000000000",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.0",
    "2024-02-30T00:00:00.000000000",
    "2024-01-01T24:00:00.000000000",
];

#[test]
fn what_is_not_a_date_is_refused() {
    for text in NOT_DATES {
        refused(read_as::<NaiveDate>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<time::Date>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn what_is_not_a_time_is_refused() {
    for text in NOT_TIMES {
        refused(read_as::<NaiveTime>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<time::Time>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn what_is_not_a_date_time_is_refused() {
    for text in NOT_DATE_TIMES {
        refused(read_as::<NaiveDateTime>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<PrimitiveDateTime>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        let instant = format!("{text}Z");
        refused(read_as::<DateTime<Utc>>(instant.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<OffsetDateTime>(instant.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    // A naive one has no `Z`, an instant has nothing else.
    let naive = "2024-01-01T00:00:00.000000000";
    refused(read_as::<NaiveDateTime>(format!("{naive}Z").as_bytes()), ErrorKind::InvalidPlaintext);
    refused(
        read_as::<PrimitiveDateTime>(format!("{naive}Z").as_bytes()),
        ErrorKind::InvalidPlaintext,
    );
    for offset in ["", "z", "+00:00", "-00:00", "+01:00", " Z", "ZZ", "Z "] {
        let instant = format!("{naive}{offset}");
        refused(read_as::<DateTime<Utc>>(instant.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<OffsetDateTime>(instant.as_bytes()), ErrorKind::InvalidPlaintext);
    }
}
