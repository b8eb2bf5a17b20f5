//! Every type of value, with its extremes, through real columns.

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use diesel::prelude::*;
use encrypted_field::ErrorKind;
use rust_decimal::Decimal;
use tests::secrets;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};
use uuid::Uuid;

use super::run;
use crate::errors::{says, write_refused};
use crate::schema::{documents, moments, numbers};
use crate::values::{Document, Latitude, Moments, Numbers, Person};

/// `$extreme` is the name of a constant of all integers.
macro_rules! numbers {
    ($id:literal, $extreme:ident, $u128:expr, $bool:literal, $decimal:expr, $big_decimal:literal) => {
        Numbers {
            id: $id,
            value_i8: i8::$extreme.into(),
            value_i16: i16::$extreme.into(),
            value_i32: i32::$extreme.into(),
            value_i64: i64::$extreme.into(),
            value_i128: i128::$extreme.into(),
            value_u8: u8::$extreme.into(),
            value_u16: u16::$extreme.into(),
            value_u32: u32::$extreme.into(),
            value_u64: u64::$extreme.into(),
            value_u128: ($u128).into(),
            value_isize: isize::$extreme.into(),
            value_usize: usize::$extreme.into(),
            value_bool: $bool.into(),
            value_decimal: ($decimal).into(),
            value_big_decimal: $big_decimal.parse::<BigDecimal>().expect("a decimal").into(),
        }
    };
}

fn zeroes(id: i32) -> Numbers {
    Numbers {
        id,
        value_i8: 0.into(),
        value_i16: 0.into(),
        value_i32: 0.into(),
        value_i64: 0.into(),
        value_i128: 0.into(),
        value_u8: 0.into(),
        value_u16: 0.into(),
        value_u32: 0.into(),
        value_u64: 0.into(),
        value_u128: 0.into(),
        value_isize: 0.into(),
        value_usize: 0.into(),
        value_bool: false.into(),
        value_decimal: Decimal::ZERO.into(),
        value_big_decimal: BigDecimal::from(0).into(),
    }
}

#[test]
fn numbers_at_their_extremes() {
    run(|db| {
        let rows = [
            numbers!(1, MIN, u128::MIN, false, Decimal::MIN, "-1e-1000"),
            // The largest that has an encoding.
            numbers!(
                2,
                MAX,
                i128::MAX.unsigned_abs(),
                true,
                Decimal::MAX,
                "98765432109876543210.000"
            ),
            zeroes(3),
            Numbers { value_i64: secrets::CANARY_INTEGER.into(), ..zeroes(4) },
        ];
        diesel::insert_into(numbers::table).values(&rows).execute(db).expect("insert");
        let read = numbers::table.order(numbers::id).select(Numbers::as_select()).load(db);
        assert_eq!(read.as_deref(), Ok(&rows[..]));

        // As the application sees them, and not only by their encodings.
        let read = read.expect("read before");
        assert_eq!((*read[0].value_i128, *read[1].value_i128), (i128::MIN, i128::MAX));
        assert_eq!((*read[1].value_u64, *read[1].value_usize), (u64::MAX, usize::MAX));
        assert_eq!((*read[2].value_i64, *read[2].value_bool), (0, false));
        assert!(*read[1].value_bool);
        assert_eq!(read[1].value_big_decimal.to_string(), "98765432109876543210.000");
        assert_eq!(*read[3].value_i64, secrets::CANARY_INTEGER);

        // 0 and false are as long as any other number or bool.
        let raw: Vec<(String, String)> = numbers::table
            .select((numbers::value_i64, numbers::value_bool))
            .load(db)
            .expect("raw columns");
        assert!(
            raw.iter()
                .all(|(number, bool)| number.starts_with("ef1:1:") && bool.starts_with("ef1:1:"))
        );
        assert!(
            raw.iter().all(|row| (row.0.len(), row.1.len()) == (raw[0].0.len(), raw[0].1.len()))
        );
    });
}

#[test]
fn a_number_without_an_encoding() {
    run(|db| {
        let row = Numbers { value_u128: u128::MAX.into(), ..zeroes(1) };
        let refused = write_refused(diesel::insert_into(numbers::table).values(&row).execute(db));
        assert_eq!(refused, says(ErrorKind::Unrepresentable, "numbers.value_u128", None));
        assert_eq!(numbers::table.count().get_result(db), Ok(0_i64));
    });
}

fn moments(id: i32, chrono: NaiveDateTime, utc: DateTime<Utc>, time: PrimitiveDateTime) -> Moments {
    Moments {
        id,
        chrono_instant: utc.into(),
        chrono_date_time: chrono.into(),
        chrono_date: chrono.date().into(),
        chrono_time: chrono.time().into(),
        time_instant: time.assume_utc().into(),
        time_date_time: time.into(),
        time_date: time.date().into(),
        time_time: time.time().into(),
    }
}

#[test]
fn moments_at_their_extremes() {
    run(|db| {
        let leap_second = NaiveDate::from_ymd_opt(2016, 12, 31)
            .and_then(|date| date.and_hms_nano_opt(23, 59, 59, 1_999_999_999))
            .expect("a leap second");
        let last = Date::MAX.with_time(Time::MAX);
        let first = Date::MIN.with_time(Time::MIDNIGHT);
        let epoch = OffsetDateTime::UNIX_EPOCH;
        let rows = [
            moments(1, NaiveDateTime::MIN, DateTime::<Utc>::MIN_UTC, first),
            moments(2, NaiveDateTime::MAX, DateTime::<Utc>::MAX_UTC, last),
            moments(3, leap_second, leap_second.and_utc(), last),
            moments(4, NaiveDate::default().and_time(NaiveTime::MIN), DateTime::UNIX_EPOCH, first),
            Moments {
                time_instant: epoch.into(),
                ..moments(
                    5,
                    leap_second,
                    DateTime::UNIX_EPOCH,
                    PrimitiveDateTime::new(epoch.date(), epoch.time()),
                )
            },
        ];
        diesel::insert_into(moments::table).values(&rows).execute(db).expect("insert");
        let read = moments::table.order(moments::id).select(Moments::as_select()).load(db);
        assert_eq!(read.as_deref(), Ok(&rows[..]));
        let read = read.expect("read before");
        assert_eq!(*read[2].chrono_date_time, leap_second);
        assert_eq!(
            (*read[0].chrono_instant, *read[1].time_date),
            (DateTime::<Utc>::MIN_UTC, Date::MAX)
        );
    });
}

fn document(id: i32) -> Document {
    Document {
        id,
        words: secrets::UNUSUAL_TEXT.into(),
        content: (0..=u8::MAX).collect::<Vec<u8>>().into(),
        content_as_text: secrets::UNUSUAL_TEXT.as_bytes().into(),
        number: i64::MIN.into(),
        reference: Uuid::from_u128(u128::MAX).into(),
        profile: Some(
            Person {
                name: secrets::UNUSUAL_TEXT.to_owned(),
                nicknames: vec![String::new(), secrets::plaintext("nick")],
                age: Some(u8::MAX),
            }
            .into(),
        ),
        place: Some(Latitude { microdegrees: -90_000_000 }.into()),
    }
}

/// NUL, which PostgreSQL takes in no text, and what is not UTF-8: the database sees neither.
#[test]
fn documents_of_any_bytes() {
    run(|db| {
        let mut rows = vec![
            document(1),
            Document {
                words: "".into(),
                content: Vec::new().into(),
                content_as_text: vec![0xFF; 5].into(),
                number: 0.into(),
                reference: Uuid::nil().into(),
                profile: Some(Person::default().into()),
                place: Some(Latitude { microdegrees: 0 }.into()),
                ..document(2)
            },
            Document {
                words: "\0".into(),
                content: vec![0].into(),
                profile: None,
                place: None,
                ..document(3)
            },
        ];
        // What SQL, LIKE, JSON and C would each stumble over.
        for (id, text) in (4..).zip([
            "🦀".repeat(3),
            "'; --".into(),
            "%_\\".into(),
            "\u{FEFF}".into(),
            " \r\n\t ".into(),
            "\u{10FFFF}".into(),
        ]) {
            rows.push(Document { words: text.into(), ..document(id) });
        }
        diesel::insert_into(documents::table).values(&rows).execute(db).expect("insert");
        let read = documents::table.order(documents::id).select(Document::as_select()).load(db);
        assert_eq!(read, Ok(rows));
    });
}

#[test]
fn values_as_the_application_sees_them() {
    run(|db| {
        diesel::insert_into(documents::table).values(&document(1)).execute(db).expect("insert");
        let row = documents::table.select(Document::as_select()).first(db).expect("read");
        let expected = document(1);
        // Not assert_eq, which would print what differs.
        assert!(&*row.words == secrets::UNUSUAL_TEXT);
        assert!(*row.content == *expected.content && row.content.len() == 256);
        assert_eq!(*row.number, i64::MIN);
        assert_eq!(*row.reference, Uuid::from_u128(u128::MAX));
        let person = row.profile.expect("not NULL");
        assert!(person.name == secrets::UNUSUAL_TEXT && person.nicknames.len() == 2);
        assert_eq!(row.place.map(|place| place.microdegrees), Some(-90_000_000));
        let name: String = person.into_inner().name;
        assert!(name == secrets::UNUSUAL_TEXT);
    });
}
