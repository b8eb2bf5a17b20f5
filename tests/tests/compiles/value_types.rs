//! Every type of value, required and optional.

#![deny(warnings)]

use encrypted_field::{Encrypted, EncryptedModel, Plaintext, Text, plaintext::{Encoded, PlaintextError}};
use std::collections::HashMap;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Address {
    pub city: String,
}

/// An own encoding.
#[derive(Clone)]
pub struct Latitude(i32);

impl Plaintext for Latitude {
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
        Ok(Encoded::inline(&self.0.to_be_bytes()))
    }

    fn decode(bytes: zeroize::Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        let bytes = bytes.as_slice().try_into().map_err(|_| PlaintextError::new("not four bytes"))?;
        Ok(Self(i32::from_be_bytes(bytes)))
    }
}

#[derive(Encrypted)]
#[encrypted(table = "all")]
pub struct All {
    #[encrypted(String)]
    pub a: A,
    #[encrypted(std::string::String)]
    pub b: std::option::Option<B>,
    #[encrypted(Vec<u8>)]
    pub c: core::option::Option<C>,
    #[encrypted(i8)]
    pub d: D,
    #[encrypted(i64)]
    pub e: Option<E>,
    #[encrypted(i128)]
    pub f: F,
    #[encrypted(u128)]
    pub g: G,
    #[encrypted(usize)]
    pub h: H,
    #[encrypted(bool)]
    pub i: I,
    #[encrypted(uuid::Uuid)]
    pub j: J,
    #[encrypted(chrono::DateTime<chrono::Utc>)]
    pub k: K,
    #[encrypted(chrono::NaiveDate)]
    pub l: L,
    #[encrypted(time::OffsetDateTime)]
    pub m: M,
    #[encrypted(time::Time)]
    pub n: N,
    #[encrypted(rust_decimal::Decimal)]
    pub o: O,
    #[encrypted(bigdecimal::BigDecimal)]
    pub p: P,
    #[encrypted(json = Address)]
    pub q: Q,
    #[encrypted(json = HashMap<String, f64>)]
    pub r: R,
    #[encrypted(json = serde_json::Value)]
    pub s: Option<S>,
    #[encrypted(Latitude)]
    pub t: T,
    #[encrypted(json = f64)]
    pub u: U,
    #[encrypted(f64)]
    pub v: V,
    #[encrypted(f32)]
    pub w: Option<W>,
    #[encrypted([u8; 32])]
    pub x: X,
    #[encrypted(Box<str>)]
    pub y: Y,
    #[encrypted(std::borrow::Cow<'static, str>)]
    pub z: Z,
    #[encrypted(char)]
    pub aa: Aa,
    #[encrypted(std::net::IpAddr)]
    pub ab: Ab,
    #[encrypted(std::net::SocketAddr)]
    pub ac: Ac,
    #[encrypted(Text<std::net::IpAddr>)]
    pub ad: Ad,
    #[encrypted(encrypted_field::Text<u8>)]
    pub ae: Option<Ae>,
    #[encrypted(json = Option<u8>)]
    pub af: Af,
}

#[test]
fn runs() {
    assert_eq!(All::FIELDS.len(), 32);
    assert_eq!(A::from("a"), A::from(String::from("a")));
    assert_eq!(*D::from(-1), -1);
    assert_eq!(Q::from(Address { city: "c".into() }).city, "c");
    let latitude: &Latitude = &T::from(Latitude(7));
    assert_eq!(latitude.0, 7);
    assert_eq!((*V::from(1.5), *Aa::from('x'), *Ae::from(7)), (1.5, 'x', 7));
    assert_eq!(*X::from([7; 32]), [7; 32]);
    assert_eq!(&**Y::from(Box::from("y")), "y");
}
