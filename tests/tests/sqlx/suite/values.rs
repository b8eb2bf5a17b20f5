//! Each type of value, at its extremes, through a text and a binary column.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Deref;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use encrypted_field::{EncryptedField, Storage};
use rust_decimal::Decimal;
use tests::secrets::{BOT_TOKEN, CANARY, CANARY_INTEGER, UNUSUAL_TEXT, plaintext};
use uuid::Uuid;

use super::database::{BYTES, Db, TEXT, open, sql};
use super::{Connection, execute};
use crate::errors::foreign;
use crate::keys;
use crate::values::{Profile, Scope, binary, text};

/// Writes all values in order and reads them back, each plain value exactly as it was. (Fields
/// compare by their encodings, and so would not see an encoding that loses something.)
async fn round_trip<T, V>(db: &mut Connection, values: &[V])
where
    T: EncryptedField + From<V> + Deref<Target: PartialEq> + Send + Unpin + sqlx::Type<Db>,
    T: for<'q> sqlx::Encode<'q, Db> + for<'r> sqlx::Decode<'r, Db>,
    V: Clone,
{
    let (table, column) = match T::STORAGE {
        Storage::Text => ("texts", TEXT),
        Storage::Binary => ("bytes", BYTES),
    };
    execute(db, &format!("CREATE TABLE IF NOT EXISTS {table} (id BIGINT, value {column})")).await;
    execute(db, &format!("DELETE FROM {table}")).await;
    let insert = format!("INSERT INTO {table} VALUES ($1, $2)");
    let written: Vec<T> = values.iter().cloned().map(T::from).collect();
    for (id, value) in (0_i64..).zip(&written) {
        sqlx::query(sql(&insert)).bind(id).bind(value).execute(&mut *db).await.unwrap();
    }
    let select = format!("SELECT value FROM {table} ORDER BY id");
    let read: Vec<T> = sqlx::query_scalar(sql(&select)).fetch_all(&mut *db).await.unwrap();
    assert_eq!(read.len(), written.len());
    for (number, (read, written)) in read.iter().zip(&written).enumerate() {
        assert!(**read == **written, "value {number} of {}", T::CONTEXT);
    }
}

/// In both storages.
macro_rules! round_trip {
    ($($name:ident: $values:expr;)*) => {{
        let Some(database) = open() else { return };
        let _ring = keys::first().hold();
        let mut db = database.connect().await;
        $(
            round_trip::<text::$name, _>(&mut db, &$values).await;
            round_trip::<binary::$name, _>(&mut db, &$values).await;
        )*
    }};
}

#[tokio::test]
async fn strings_and_bytes() {
    let all_bytes: Vec<u8> = CANARY.bytes().chain(0..=255).collect();
    let strings =
        ["", "\0", " ", "NULL", "\u{FEFF}\u{10FFFF}", "'\"\\%_;--", BOT_TOKEN, UNUSUAL_TEXT];
    round_trip! {
        Str: strings.map(str::to_owned);
        Bytes: [vec![], vec![0], vec![0xFF], all_bytes.clone(), UNUSUAL_TEXT.into()];
    }
}

#[tokio::test]
async fn integers_and_bool() {
    round_trip! {
        I8: [i8::MIN, -1, 0, 1, i8::MAX];
        I16: [i16::MIN, -1, 0, 1, i16::MAX];
        I32: [i32::MIN, -1, 0, 1, i32::MAX];
        I64: [i64::MIN, -1, 0, 1, i64::MAX, CANARY_INTEGER, -CANARY_INTEGER];
        I128: [i128::MIN, -1, 0, 1, i128::MAX];
        Isize: [isize::MIN, 0, isize::MAX];
        U8: [0, 1, u8::MAX];
        U16: [0, 1, u16::MAX];
        U32: [0, 1, u32::MAX];
        U64: [0, 1, u64::MAX];
        // No further: the encoding is an i128.
        U128: [0, 1, i128::MAX.unsigned_abs()];
        Usize: [0, usize::MAX];
        Bool: [false, true];
    }
}

#[tokio::test]
async fn uuids() {
    let canary = Uuid::from_u128(u128::from(CANARY_INTEGER.unsigned_abs()) << 72 | 0x4077);
    round_trip! { Id: [Uuid::nil(), Uuid::max(), canary, Uuid::new_v4()]; }
}

#[tokio::test]
async fn dates_and_times_of_chrono() {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
    let leap_second = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_999_999_999).unwrap();
    let before_christ = NaiveDate::from_ymd_opt(-44, 3, 15).unwrap();
    let nanosecond = NaiveTime::from_hms_nano_opt(0, 0, 0, 1).unwrap();
    let now = DateTime::<Utc>::from(std::time::SystemTime::now());
    round_trip! {
        ChronoInstant: [DateTime::<Utc>::MIN_UTC, DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC, now];
        ChronoDateTime: [NaiveDateTime::MIN, before_christ.and_time(leap_second), NaiveDateTime::MAX];
        ChronoDate: [NaiveDate::MIN, before_christ, NaiveDate::MAX];
        ChronoTime: [NaiveTime::MIN, nanosecond, leap_second];
    }
}

#[tokio::test]
async fn dates_and_times_of_time() {
    use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};
    let leap_day = Date::from_calendar_date(2000, Month::February, 29).unwrap();
    let nanosecond = Time::from_hms_nano(0, 0, 0, 1).unwrap();
    let east = UtcOffset::from_hms(14, 0, 0).unwrap();
    let earliest = PrimitiveDateTime::MIN.assume_utc();
    let latest = PrimitiveDateTime::MAX.assume_utc();
    round_trip! {
        TimeInstant: [earliest, OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH.to_offset(east), latest];
        TimeDateTime: [PrimitiveDateTime::MIN, leap_day.with_time(nanosecond), PrimitiveDateTime::MAX];
        TimeDate: [Date::MIN, leap_day, Date::MAX];
        TimeTime: [Time::MIDNIGHT, nanosecond, Time::MAX];
    }
}

/// What one crate wrote, the other reads.
#[tokio::test]
async fn chrono_and_time_share_a_column() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE one (value {TEXT})")).await;
    let nanoseconds = 1_234_567_890_123_456_789_i64;
    let written = chrono::DateTime::from_timestamp_nanos(nanoseconds);
    let insert = sqlx::query(sql("INSERT INTO one VALUES ($1)"));
    insert.bind(text::ChronoInstant::from(written)).execute(&mut db).await.unwrap();
    let read: text::TimeInstant =
        sqlx::query_scalar("SELECT value FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(read.unix_timestamp_nanos(), nanoseconds.into());
}

fn decimals<D: FromStr<Err: Debug>>(texts: &[&str]) -> Vec<D> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn decimals_keep_their_scale() {
    let texts = [
        "0",
        "0.00",
        "-1.50",
        "1.5",
        "0.0000000000000000000000000001",
        "79228162514264337593543950335",
    ];
    let big = [
        "0",
        "0.00",
        "-1.50",
        "1E+400",
        "1E-400",
        "123456789012345678901234567890.123456789012345678901",
    ];
    round_trip! {
        Amount: [decimals(&texts), vec![Decimal::MIN, Decimal::MAX]].concat();
        BigAmount: decimals::<BigDecimal>(&big);
    }
    // `==` of decimals takes 1.5 for 1.50.
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE one (value {TEXT})")).await;
    let insert = sqlx::query(sql("INSERT INTO one VALUES ($1)"));
    let amount: Decimal = "-1.50".parse().unwrap();
    insert.bind(text::Amount::from(amount)).execute(&mut db).await.unwrap();
    let read: text::Amount =
        sqlx::query_scalar("SELECT value FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!((read.to_string().as_str(), read.scale()), ("-1.50", 2));
    let read: text::BigAmount =
        sqlx::query_scalar("SELECT value FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(read.to_string(), "-1.50");
}

#[tokio::test]
async fn json() {
    let inner =
        Profile { name: plaintext("team"), scopes: vec![], team: None, limits: BTreeMap::new() };
    let outer = Profile {
        name: UNUSUAL_TEXT.to_owned(),
        scopes: vec![Scope::Everything, Scope::Channel { id: u64::MAX }],
        team: Some(Box::new(inner.clone())),
        limits: [(plaintext("limit"), i64::MIN)].into(),
    };
    round_trip! { Document: [inner.clone(), outer.clone()]; }
}

#[tokio::test]
async fn a_value_without_an_encoding_is_not_written() {
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE one (value {TEXT})")).await;
    let insert = sqlx::query(sql("INSERT INTO one VALUES ($1)"));
    let error = insert.bind(text::U128::from(u128::MAX)).execute(&mut db).await.unwrap_err();
    assert!(
        foreign(&error).contains("values.u128: the value has no encoding: a u128 above i128::MAX")
    );
    let rows: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM one").fetch_one(&mut db).await.unwrap();
    assert_eq!(rows, 0);
}

/// A column may change its width, and what does not fit is refused.
#[tokio::test]
async fn an_integer_is_read_in_another_width() {
    // Contexts differ here, so the values go through one type and another of the same context.
    mod wide {
        #[derive(encrypted_field::Encrypted)]
        #[encrypted(context = "values.i8")]
        pub(super) struct Wide(encrypted_field::Secret<i64>);
    }
    let Some(database) = open() else { return };
    let _ring = keys::first().hold();
    let mut db = database.connect().await;
    execute(&mut db, &format!("CREATE TABLE one (value {TEXT})")).await;
    let mut narrow = async |value: i64| {
        execute(&mut db, "DELETE FROM one").await;
        let insert = sqlx::query(sql("INSERT INTO one VALUES ($1)"));
        insert.bind(wide::Wide::from(value)).execute(&mut db).await.unwrap();
        sqlx::query_scalar::<_, text::I8>("SELECT value FROM one").fetch_one(&mut db).await
    };
    assert_eq!(*narrow(-128).await.unwrap(), -128);
    let error = narrow(CANARY_INTEGER).await.unwrap_err();
    assert_eq!(
        crate::errors::found(&error),
        (encrypted_field::ErrorKind::InvalidPlaintext, "values.i8")
    );
}
