//! Integers: 16 bytes each, whatever their width.

use encrypted_field::ErrorKind;
use tests::refused;
use tests::secrets::CANARY_INTEGER;

use crate::fields::{FORMS, Kind, Typed, plaintext, read_as, ring, round_trip, seal};

macro_rules! each_type {
    ($($int:ident)+) => {$(
        mod $int {
            use super::*;

            fn values() -> Vec<$int> {
                let mut values: Vec<$int> = vec![<$int>::MIN, <$int>::MIN + 1, 0, 1, 2, 127, <$int>::MAX / 2];
                values.extend((0..<$int>::BITS).filter_map(|bit| (1 as $int).checked_shl(bit)));
                values.extend($int::try_from(-1_i8));
                values.extend([<$int>::MAX - 1, <$int>::MAX]);
                values.retain(|value| i128::try_from(*value).is_ok());
                values
            }

            #[test]
            fn round_trips_with_16_bytes() {
                for value in values() {
                    assert_eq!(round_trip::<$int>(value), [value; 2]);
                    assert_eq!(plaintext::<$int>(value), i128::try_from(value).unwrap().to_be_bytes());
                }
            }

            #[test]
            fn refuses_what_is_out_of_its_range() {
                for outside in [
                    i128::try_from(<$int>::MAX).ok().and_then(|max| max.checked_add(1)),
                    i128::try_from(<$int>::MIN).ok().and_then(|min| min.checked_sub(1)),
                    $int::try_from(i128::MAX).is_err().then_some(i128::MAX),
                    $int::try_from(i128::MIN).is_err().then_some(i128::MIN),
                ].into_iter().flatten() {
                    let error = refused(read_as::<$int>(&outside.to_be_bytes()), ErrorKind::InvalidPlaintext);
                    assert!(error.to_string().contains(stringify!($int)), "{error}");
                }
            }

            #[test]
            fn refuses_another_length() {
                for len in [0, 1, 2, 4, 8, 15, 17, 32] {
                    refused(read_as::<$int>(&vec![0; len]), ErrorKind::InvalidPlaintext);
                }
                refused(read_as::<$int>(b"1"), ErrorKind::InvalidPlaintext);
            }
        }
    )+};
}

each_type!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

#[test]
fn a_u128_above_i128_max_is_refused() {
    let ring = ring();
    for value in [1 << 127, (1 << 127) + 1, u128::MAX] {
        for form in FORMS {
            let error = refused(
                seal(&ring, form, Kind::Column, &Typed::<u128>::new(value)),
                ErrorKind::Unrepresentable,
            );
            assert!(error.to_string().contains("i128::MAX"), "{error}");
            assert_eq!(error.column(), Some("records.value"));
        }
    }
    let largest = i128::MAX.unsigned_abs();
    assert_eq!(round_trip::<u128>(largest), [largest; 2]);
}

/// A column may change its width: what fits is read, and what does not is an error that tells
/// nothing.
#[test]
fn another_width_reads_what_fits() {
    let wide = plaintext::<i64>(CANARY_INTEGER);
    assert_eq!(read_as::<i128>(&wide).unwrap(), i128::from(CANARY_INTEGER));
    assert_eq!(read_as::<u64>(&wide).unwrap(), CANARY_INTEGER.unsigned_abs());
    refused(read_as::<i32>(&wide), ErrorKind::InvalidPlaintext);
    refused(read_as::<u64>(&plaintext::<i64>(-CANARY_INTEGER)), ErrorKind::InvalidPlaintext);
    assert_eq!(read_as::<i8>(&plaintext::<u64>(127)).unwrap(), 127);
}
