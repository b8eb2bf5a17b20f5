//! Every type reads only what it writes, and takes what was there before without a panic.

use encrypted_field::{Json, Plaintext, Text};

fn strict<P: Plaintext>(bytes: &[u8]) -> bool {
    let Ok(value) = P::decode(bytes.to_vec().into()) else { return false };
    assert!(
        *value.encode().expect("what was decoded can be encoded") == *bytes,
        "two encodings of one value"
    );
    true
}

/// What stood there before is written back with the next change of its row, and must then be read.
fn written_back<P: Plaintext>(bytes: &[u8]) -> bool {
    let Ok(value) = P::from_legacy(bytes) else { return false };
    // Some of it has no encoding, such as a u128 above i128::MAX.
    if let Ok(encoded) = value.encode() {
        again::<P>(&encoded);
    }
    true
}

fn again<P: Plaintext>(encoded: &[u8]) {
    let value = P::decode(encoded.to_vec().into()).expect("what was encoded can be decoded");
    assert!(
        *value.encode().expect("a second time, too") == *encoded,
        "another encoding the second time"
    );
}

macro_rules! each_type {
    ($check:ident($bytes:ident): $($plain:ty)+) => {{
        // All of them, whatever the first ones say.
        let found = [$($check::<$plain>($bytes)),+];
        found.contains(&true)
    }};
    ($check:ident($bytes:ident)) => {
        each_type!($check($bytes):
            String Box<str> char Vec<u8> [u8; 4] bool i8 i64 i128 u16 u128 f32 f64 uuid::Uuid
            std::net::IpAddr std::net::SocketAddr std::net::SocketAddrV6 Text<std::net::IpAddr>
            chrono::NaiveDate chrono::NaiveTime chrono::NaiveDateTime chrono::DateTime<chrono::Utc>
            jiff::civil::Date jiff::civil::Time jiff::civil::DateTime jiff::Timestamp
            time::Date time::Time time::PrimitiveDateTime time::OffsetDateTime
            rust_decimal::Decimal bigdecimal::BigDecimal
        )
    };
}

/// Whether it is the encoding of any type's value.
pub(crate) fn decode(bytes: &[u8]) -> bool {
    // JSON has no canonical form: what was read is written in one, and comes back as that.
    if let Ok(value) = Json::<serde_json::Value>::decode(bytes.to_vec().into()) {
        again::<Json<serde_json::Value>>(&value.encode().expect("what was decoded can be encoded"));
    }
    each_type!(strict(bytes))
}

/// Whether any type has it for a plain form.
pub(crate) fn legacy(bytes: &[u8]) -> bool {
    written_back::<Json<serde_json::Value>>(bytes);
    each_type!(written_back(bytes))
}
