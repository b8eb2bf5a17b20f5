//! The form in the clear of every plaintext type, and types by name.

use std::borrow::Cow;
use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use encrypted_field::plaintext::{Encoded, PlaintextError, PlaintextType, Zeroizing};
use encrypted_field::{Json, Plaintext, Text};

/// The form in the clear is this text, and reads back; the type that is known by name agrees.
fn shows<P: Plaintext + Debug>(value: &P, plain: &str) {
    assert_eq!(value.to_legacy().unwrap().to_vec(), plain.as_bytes(), "{value:?}");
    assert!(P::from_legacy(plain.as_bytes()).unwrap().equals(value), "{value:?}");

    let named = PlaintextType::named(P::ENCODING.unwrap()).unwrap();
    let encoded = Zeroizing::new(value.encode().unwrap().to_vec());
    assert_eq!(named.from_plain(plain.as_bytes()).unwrap(), encoded, "{named:?}");
    let back = named.to_plain(encoded).unwrap();
    // Of another spelling at most.
    assert!(P::from_legacy(&back).unwrap().equals(value), "{named:?}");
}

#[test]
fn every_type_has_a_form_in_the_clear() {
    shows(&"größe".to_owned(), "größe");
    shows(&String::new(), "");
    shows(&Box::<str>::from("a"), "a");
    shows(&Cow::Borrowed("a"), "a");
    shows(&'ß', "ß");
    shows(&b"bytes".to_vec(), "bytes");
    shows(b"four", "four");
    shows(&-7_i8, "-7");
    shows(&u64::MAX, "18446744073709551615");
    shows(&i128::MIN, "-170141183460469231731687303715884105728");
    shows(&true, "true");
    shows(&1.5_f32, "1.5");
    shows(&-0.0_f64, "-0");
    shows(&f64::INFINITY, "inf");
    shows(&uuid::Uuid::from_u128(7), "00000000-0000-0000-0000-000000000007");
    shows(&IpAddr::from([127, 0, 0, 1]), "127.0.0.1");
    shows(&Ipv6Addr::LOCALHOST, "::1");
    shows(&SocketAddr::from(([127, 0, 0, 1], 80)), "127.0.0.1:80");
    shows(&Text(7_u8), "7");
    shows(&Json(vec![1, 2]), "[1,2]");
    shows(&rust_decimal::Decimal::new(150, 2), "1.50");
    shows(&bigdecimal::BigDecimal::new(150.into(), 2), "1.50");
    shows(&chrono::NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(), "2024-02-29");
    shows(&jiff::civil::time(1, 2, 3, 0), "01:02:03.000000000");
    shows(&jiff::civil::date(2024, 2, 29).at(1, 2, 3, 0), "2024-02-29T01:02:03.000000000");
    shows(&jiff::Timestamp::UNIX_EPOCH, "1970-01-01T00:00:00.000000000Z");
    shows(&time::OffsetDateTime::UNIX_EPOCH, "1970-01-01T00:00:00.000000000Z");
}

/// A text that reads back as another value would be a loss.
#[test]
fn what_would_not_read_back_is_refused() {
    let payload = f64::from_bits(f64::NAN.to_bits() | 7);
    assert!(payload.to_legacy().is_err(), "NaN has one text, and many bits");
    let labelled = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 0);
    assert!(labelled.to_legacy().is_err(), "the flow label is not in the text");
}

/// With an encoding that is read, with one that is not, and by hand.
#[derive(Clone, Debug)]
struct Own(i32);

impl Plaintext for Own {
    type Value = Self;
    type View = Self;
    fn from_value(value: Self) -> Self {
        value
    }
    fn into_value(self) -> Self {
        self
    }
    fn view(&self) -> &Self {
        self
    }
    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        self.0.encode()
    }
    fn decode(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        i32::decode(bytes).map(Self)
    }
}

#[test]
fn a_type_of_ones_own_says_what_it_lacks() {
    let error = Own(7).to_legacy().err().unwrap();
    assert!(error.to_string().contains("`Plaintext::to_legacy`"), "{error}");
    let own = PlaintextType::of::<Own>();
    assert_eq!(own.name(), "");
    assert!(own.from_plain(b"7").is_err());
    assert!(own.to_plain(Zeroizing::new(Own(7).encode().unwrap().to_vec())).is_err());
}

#[test]
fn types_by_name() {
    let names: Vec<_> = PlaintextType::all().map(|known| known.name()).collect();
    for name in names.iter().chain(&["json"]) {
        assert_eq!(PlaintextType::named(name).unwrap().name(), *name);
    }
    assert_eq!(names.len(), 15, "{names:?}");
    assert!(PlaintextType::named("varchar").is_none() && PlaintextType::named("").is_none());

    let json = PlaintextType::named("json").unwrap();
    let spelled = br#"{ "b": 1e2, "a": 340282366920938463463374607431768211455 }"#;
    assert_eq!(json.from_plain(spelled).unwrap().as_slice(), spelled, "kept byte for byte");
    assert!(json.from_plain(b"{").is_err());
    assert!(PlaintextType::named("integer").unwrap().from_plain(b"seven").is_err());
}
