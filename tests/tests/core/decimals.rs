//! Decimals keep their scale: `1.50` stays `1.50`.

use std::time::{Duration, Instant};

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use encrypted_field::ErrorKind;
use rust_decimal::Decimal;
use tests::refused;

use crate::fields::{plaintext, read_as, round_trip};

/// What both types hold, with digits and scale.
const BOTH: &[(&str, i64, u32)] = &[
    ("0", 0, 0),
    ("0.0", 0, 1),
    ("0.00", 0, 2),
    ("1", 1, 0),
    ("1.5", 15, 1),
    ("1.50", 150, 2),
    ("-1.50", -150, 2),
    ("100", 100, 0),
    ("-0.0000000000000000000000000001", -1, 28),
    ("9223372036.854775807", i64::MAX, 9),
    ("-9.223372036854775808", i64::MIN, 18),
    ("0.0000000000000000000000000000", 0, 28),
];

fn big(digits: impl Into<BigInt>, scale: i64) -> BigDecimal {
    BigDecimal::new(digits.into(), scale)
}

fn parts(value: &BigDecimal) -> (BigInt, i64) {
    value.as_bigint_and_exponent()
}

#[test]
fn both_types_write_the_same_text() {
    for (text, digits, scale) in BOTH {
        let decimal = Decimal::try_from_i128_with_scale(i128::from(*digits), *scale).unwrap();
        assert_eq!(plaintext::<Decimal>(decimal), text.as_bytes());
        for read in round_trip::<Decimal>(decimal) {
            assert_eq!((read.mantissa(), read.scale()), (i128::from(*digits), *scale), "{text}");
        }
        let big = big(*digits, i64::from(*scale));
        assert_eq!(plaintext::<BigDecimal>(big.clone()), text.as_bytes());
        for read in round_trip::<BigDecimal>(big.clone()) {
            assert_eq!(parts(&read), parts(&big), "{text}");
        }
        assert_eq!(parts(&read_as::<BigDecimal>(text.as_bytes()).unwrap()), parts(&big));
        assert_eq!(read_as::<Decimal>(text.as_bytes()).unwrap().scale(), *scale);
    }
}

#[test]
fn the_extremes_of_rust_decimal() {
    let smallest = Decimal::from_parts(1, 0, 0, true, 28);
    for value in [
        Decimal::MAX,
        Decimal::MIN,
        Decimal::from_parts(u32::MAX, u32::MAX, u32::MAX, true, 28),
        smallest,
    ] {
        for read in round_trip::<Decimal>(value) {
            assert_eq!((read.mantissa(), read.scale()), (value.mantissa(), value.scale()));
        }
    }
    assert_eq!(plaintext::<Decimal>(Decimal::MAX), b"79228162514264337593543950335");
}

/// Equal values have equal encodings, so a zero has no sign.
#[test]
fn negative_zero_is_zero() {
    for scale in [0, 2, 28] {
        let mut negative = Decimal::new(0, scale);
        negative.set_sign_negative(true);
        assert!(negative.is_sign_negative());
        assert_eq!(plaintext::<Decimal>(negative), plaintext::<Decimal>(Decimal::new(0, scale)));
        for read in round_trip::<Decimal>(negative) {
            assert!(read.is_zero() && read.is_sign_positive() && read.scale() == scale);
        }
    }
    for text in ["-0", "-0.0", "-0.00", "-0E+3"] {
        refused(read_as::<Decimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<BigDecimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn scales_beyond_28_have_an_exponent() {
    for (value, text) in [
        (big(1, 29), "1E-29"),
        (big(-5, 40), "-5E-40"),
        (big(1, -1), "1E+1"),
        (big(100, -3), "100E+3"),
        (big(0, -3), "0E+3"),
        (big(0, 29), "0E-29"),
        (big(7, i64::MAX), "7E-9223372036854775807"),
        (big(7, -i64::MAX), "7E+9223372036854775807"),
        (big(-7, i64::MIN), "-7E+9223372036854775808"),
    ] {
        assert_eq!(String::from_utf8(plaintext::<BigDecimal>(value.clone())).unwrap(), text);
        for read in round_trip::<BigDecimal>(value.clone()) {
            assert_eq!(parts(&read), parts(&value), "{text}");
        }
    }
}

/// A scale of 2^63 is a few bytes of text, and must not become 2^63 digits anywhere.
#[test]
fn a_huge_scale_is_no_work() {
    let start = Instant::now();
    for text in
        ["1E-9223372036854775807", "1E+9223372036854775808", "9E+999999999999", "1E-2147483649"]
    {
        let read = read_as::<BigDecimal>(text.as_bytes()).unwrap();
        assert_eq!(plaintext::<BigDecimal>(read), text.as_bytes());
        refused(read_as::<Decimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    for text in [
        "1E+9223372036854775809",
        "1E-9223372036854775808",
        "1E+99999999999999999999999999999999999999999",
    ] {
        refused(read_as::<BigDecimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn many_digits() {
    let digits = "1234567890".repeat(100);
    for text in [digits.clone(), format!("-{digits}"), format!("{digits}.{}", &digits[..28])] {
        let value: BigDecimal = text.parse().unwrap();
        assert!(plaintext::<BigDecimal>(value.clone()) == text.as_bytes());
        for read in round_trip::<BigDecimal>(value.clone()) {
            assert_eq!(parts(&read), parts(&value));
        }
        refused(read_as::<Decimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    // One more than 96 bits.
    refused(read_as::<Decimal>(b"79228162514264337593543950336"), ErrorKind::InvalidPlaintext);
    refused(read_as::<Decimal>(b"0.00000000000000000000000000001"), ErrorKind::InvalidPlaintext);
}

#[test]
fn a_number_has_one_spelling() {
    for text in [
        "", " ", "+1", " 1", "1 ", "1\n", "01", "00", "00.5", ".5", "5.", "-", "-.5", "1_000",
        "1,5", "1e5", "1E5", "1E+0", "1E-1", "1E-28", "1E+05", "1E", "1E+", "1.5E+3", "0x10",
        "NaN", "inf", "Infinity", "١", "--1", "1.2.3", "1E--29", "1\0", "0.1E-40",
    ] {
        refused(read_as::<Decimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
        refused(read_as::<BigDecimal>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    refused(read_as::<Decimal>(b"\xFF"), ErrorKind::InvalidPlaintext);
    refused(read_as::<BigDecimal>(b"1\xFF"), ErrorKind::InvalidPlaintext);
}
