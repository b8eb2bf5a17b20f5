//! The types of the vectors and the values that they open to.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use encrypted_field::{ErrorKind, Json, Plaintext, Text};
use jiff::{Timestamp, civil};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::Value;
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use crate::{Tally, Vector, fields};

/// What `time`, `jiff`, `rust_decimal` and `chrono` can't hold, in the words of the vectors'
/// `needs`.
const TIME_LACKS: &[&str] = &["leap-second", "years-beyond-9999", "years-beyond-262142"];
const JIFF_LACKS: &[&str] =
    &["leap-second", "last-day-of-9999", "years-beyond-9999", "years-beyond-262142"];
const CHRONO_LACKS: &[&str] = &["years-beyond-262142"];
const RUST_DECIMAL_LACKS: &[&str] = &["wide-decimals"];

/// Runs the vector in every Rust type that its type stands for.
pub fn check(vector: &Vector, tally: &mut Tally) {
    macro_rules! integers {
        ($($name:literal $int:ty),+) => {
            match vector.str("type") {
                $($name => return run::<$int>(vector, tally, &[], |v| v.as_str().unwrap().parse().unwrap()),)+
                _ => {}
            }
        };
    }
    integers!("i8" i8, "i16" i16, "i32" i32, "i64" i64, "i128" i128, "u8" u8, "u16" u16, "u32" u32, "u64" u64,
        "u128" u128);
    match vector.str("type") {
        "string" => {
            run::<String>(vector, tally, &[], |v| v.as_str().unwrap().to_owned());
            run::<Box<str>>(vector, tally, &[], |v| v.as_str().unwrap().into());
            run::<Cow<'static, str>>(vector, tally, &[], |v| v.as_str().unwrap().to_owned().into());
            run::<SecretString>(vector, tally, &[], |v| v.as_str().unwrap().into());
            run::<Text<String>>(vector, tally, &[], |v| v.as_str().unwrap().into());
        }
        "char" => run::<char>(vector, tally, &[], |v| v.as_str().unwrap().parse().unwrap()),
        "f32" => run::<f32>(vector, tally, &[], |v| f32::from_be_bytes(bits(v))),
        "f64" => run::<f64>(vector, tally, &[], |v| f64::from_be_bytes(bits(v))),
        "ipv4" => {
            let ip = |v: &Value| v.as_str().unwrap().parse::<Ipv4Addr>().unwrap();
            run::<Ipv4Addr>(vector, tally, &[], ip);
            either::<IpAddr>(vector, tally, |v| v.as_str().unwrap().parse().unwrap());
        }
        "ipv6" => {
            let ip = |v: &Value| v.as_str().unwrap().parse::<Ipv6Addr>().unwrap();
            run::<Ipv6Addr>(vector, tally, &[], ip);
            either::<IpAddr>(vector, tally, |v| v.as_str().unwrap().parse().unwrap());
        }
        "ipv4-socket" => {
            run::<SocketAddrV4>(vector, tally, &[], socket_v4);
            either::<SocketAddr>(vector, tally, |v| socket_v4(v).into());
        }
        "ipv6-socket" => {
            run::<SocketAddrV6>(vector, tally, &[], socket_v6);
            either::<SocketAddr>(vector, tally, |v| socket_v6(v).into());
        }
        "bytes" => {
            run::<Vec<u8>>(vector, tally, &[], |v| hex::decode(v.as_str().unwrap()).unwrap());
        }
        "bool" => run::<bool>(vector, tally, &[], |v| v.as_bool().unwrap()),
        "uuid" => run::<Uuid>(vector, tally, &[], |v| v.as_str().unwrap().parse().unwrap()),
        "json" => run::<Json<Value>>(vector, tally, &[], Value::clone),
        "date" => {
            run::<NaiveDate>(vector, tally, CHRONO_LACKS, chrono_date);
            run::<time::Date>(vector, tally, TIME_LACKS, time_date);
            run::<civil::Date>(vector, tally, JIFF_LACKS, jiff_date);
        }
        "time" => {
            run::<NaiveTime>(vector, tally, CHRONO_LACKS, chrono_time);
            run::<time::Time>(vector, tally, TIME_LACKS, time_time);
            run::<civil::Time>(vector, tally, JIFF_LACKS, jiff_time);
        }
        "naive-datetime" => {
            let chrono = |v: &Value| chrono_date(v).and_time(chrono_time(v));
            run::<NaiveDateTime>(vector, tally, CHRONO_LACKS, chrono);
            let time = |v: &Value| PrimitiveDateTime::new(time_date(v), time_time(v));
            run::<PrimitiveDateTime>(vector, tally, TIME_LACKS, time);
            let jiff = |v: &Value| jiff_date(v).to_datetime(jiff_time(v));
            run::<civil::DateTime>(vector, tally, JIFF_LACKS, jiff);
        }
        "datetime-utc" => {
            let chrono = |v: &Value| chrono_date(v).and_time(chrono_time(v)).and_utc();
            run::<DateTime<Utc>>(vector, tally, CHRONO_LACKS, chrono);
            let time = |v: &Value| PrimitiveDateTime::new(time_date(v), time_time(v)).assume_utc();
            run::<OffsetDateTime>(vector, tally, TIME_LACKS, time);
            run::<Timestamp>(vector, tally, JIFF_LACKS, jiff_instant);
        }
        "decimal" => {
            run::<BigDecimal>(vector, tally, &[], |v| {
                let (unscaled, scale) = decimal(v);
                BigDecimal::new(unscaled, scale)
            });
            run::<Decimal>(vector, tally, RUST_DECIMAL_LACKS, |v| {
                let (unscaled, scale) = decimal(v);
                Decimal::from_i128_with_scale(
                    unscaled.try_into().unwrap(),
                    scale.try_into().unwrap(),
                )
            });
        }
        other => panic!("{}: type {other}", vector.name),
    }
}

fn run<P: Plaintext>(
    vector: &Vector,
    tally: &mut Tally,
    lacks: &[&str],
    value: fn(&Value) -> P::Value,
) {
    if !vector.opens() {
        return refused::<P>(vector, tally);
    }
    let needs = vector["needs"].as_array().unwrap();
    let holds = needs.iter().all(|need| !lacks.contains(&need.as_str().unwrap()));
    let plaintext = vector.bytes("plaintext");
    let opened = fields::open::<P>(vector).expect("what opens can be passed on");
    let read = if vector.is_bound() {
        let kind = opened.err().map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::BoundColumns), "{}", vector.name);
        P::decode(plaintext.clone().into())
            .map(P::into_value)
            .map_err(|_| ErrorKind::InvalidPlaintext)
    } else {
        opened.map_err(|error| error.kind())
    };
    if !holds {
        assert_eq!(read.err(), Some(ErrorKind::InvalidPlaintext), "{}", vector.name);
        tally.beyond_the_type += 1;
        return;
    }
    // Equal encodings are equal values, and tell `1.5` from `1.50`.
    let encoded = |value: P::Value| P::from_value(value).encode().unwrap().to_vec();
    let expected = encoded(value(&vector["value"]));
    assert!(expected == plaintext || vector["read_only"] == true, "{}: encoding", vector.name);
    let read = read.unwrap_or_else(|kind| panic!("{}: {kind:?}", vector.name));
    assert!(encoded(read) == expected, "{}: another value", vector.name);
    if vector.is_bound() { tally.bound += 1 } else { tally.opened += 1 }
}

/// A type that also holds values of the other family: what one refuses, for the wrong length, may
/// be one of those.
fn either<P: Plaintext>(vector: &Vector, tally: &mut Tally, value: fn(&Value) -> P::Value) {
    if vector.opens() {
        run::<P>(vector, tally, &[], value);
    }
}

fn refused<P: Plaintext>(vector: &Vector, tally: &mut Tally) {
    if vector.is_bound() {
        tally.for_bound_fields += 1;
        return;
    }
    match fields::open::<P>(vector) {
        Some(Ok(_)) => panic!("{}: opened, and not {}", vector.name, vector["error"]),
        Some(Err(error)) => {
            assert_eq!(
                format!("{:?}", error.kind()),
                vector.str("error"),
                "{}: {error}",
                vector.name
            );
            tally.refused += 1;
        }
        None => tally.not_utf_8 += 1,
    }
}

fn number<T: TryFrom<i64>>(value: &Value, member: &str) -> T {
    let number = value[member].as_i64().unwrap_or_else(|| panic!("no number {member}"));
    T::try_from(number).unwrap_or_else(|_| panic!("{member} is out of range"))
}

fn chrono_date(value: &Value) -> NaiveDate {
    NaiveDate::from_ymd_opt(number(value, "year"), number(value, "month"), number(value, "day"))
        .unwrap()
}

fn chrono_time(value: &Value) -> NaiveTime {
    let (second, nanosecond): (u32, u32) = (number(value, "second"), number(value, "nanosecond"));
    let leap = second == 60;
    NaiveTime::from_hms_nano_opt(
        number(value, "hour"),
        number(value, "minute"),
        if leap { 59 } else { second },
        nanosecond + if leap { 1_000_000_000 } else { 0 },
    )
    .unwrap()
}

fn time_date(value: &Value) -> time::Date {
    let month: u8 = number(value, "month");
    time::Date::from_calendar_date(
        number(value, "year"),
        month.try_into().unwrap(),
        number(value, "day"),
    )
    .unwrap()
}

fn time_time(value: &Value) -> time::Time {
    time::Time::from_hms_nano(
        number(value, "hour"),
        number(value, "minute"),
        number(value, "second"),
        number(value, "nanosecond"),
    )
    .unwrap()
}

fn jiff_date(value: &Value) -> civil::Date {
    civil::Date::new(number(value, "year"), number(value, "month"), number(value, "day")).unwrap()
}

fn jiff_instant(value: &Value) -> Timestamp {
    let shown = jiff_date(value).to_datetime(jiff_time(value));
    jiff::tz::Offset::UTC.to_timestamp(shown).unwrap()
}

fn jiff_time(value: &Value) -> civil::Time {
    let (minute, second) = (number(value, "minute"), number(value, "second"));
    civil::Time::new(number(value, "hour"), minute, second, number(value, "nanosecond")).unwrap()
}

fn bits<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

fn socket_v4(value: &Value) -> SocketAddrV4 {
    SocketAddrV4::new(value["ip"].as_str().unwrap().parse().unwrap(), number(value, "port"))
}

fn socket_v6(value: &Value) -> SocketAddrV6 {
    let ip = value["ip"].as_str().unwrap().parse().unwrap();
    SocketAddrV6::new(ip, number(value, "port"), number(value, "flow"), number(value, "scope"))
}

fn decimal(value: &Value) -> (BigInt, i64) {
    let text = |member: &str| value[member].as_str().unwrap();
    (text("unscaled").parse().unwrap(), text("scale").parse().unwrap())
}
