//! Equality of fields is that of what they hold, and of nothing else.

use bigdecimal::BigDecimal;
use encrypted_field::{Encrypted, EncryptedField, Secret};
use rust_decimal::Decimal;
use tests::secrets::{BOT_TOKEN, SIGNING_SECRET};
use time::{OffsetDateTime, UtcOffset};

use crate::fields::{BotToken, BotTokenBytes, ring, rotated};

#[test]
fn equal_text_is_equal_wherever_it_came_from() {
    let new = BotToken::from(BOT_TOKEN);
    let stored = new.to_stored_text_with(&ring()).unwrap();
    let read = BotToken::from_stored_text_with(&rotated(), stored).unwrap();
    assert!(new == read && read == new.clone() && new == BotToken::from(BOT_TOKEN.to_owned()));
    assert!(read.key_id() != new.key_id());
}

#[test]
fn other_text_is_not() {
    let token = BotToken::from(BOT_TOKEN);
    for other in [SIGNING_SECRET, "", &BOT_TOKEN[1..], &BOT_TOKEN[..44], &BOT_TOKEN.to_uppercase()] {
        assert!(token != BotToken::from(other));
    }
    // One bit, anywhere.
    for at in 0..BOT_TOKEN.len() * 8 {
        let mut bytes = BOT_TOKEN.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(BotTokenBytes::from(BOT_TOKEN.as_bytes()) != BotTokenBytes::from(bytes));
    }
    // No normalisation of what only looks the same.
    assert!(BotToken::from("e\u{301}") != BotToken::from("\u{e9}"));
}

macro_rules! field {
    ($name:ident($plain:ty)) => {
        #[derive(Encrypted)]
        #[encrypted(context = "equality.field")]
        struct $name(Secret<$plain>);
    };
}

field!(Number(i64));
field!(Amount(Decimal));
field!(BigAmount(BigDecimal));
field!(Instant(OffsetDateTime));

/// `Eq` promises as much, also of a value that can't be written.
#[test]
fn every_value_equals_itself() {
    field!(Large(u128));
    let (large, other) = (Large::from(u128::MAX), Large::from(u128::MAX - 1));
    let same = &large;
    assert!(large == *same && large != other);
}

#[test]
fn equal_encodings_are_equal() {
    assert!(Number::from(-1) == Number::from(-1) && Number::from(1) != Number::from(-1));
    // The scale is part of a decimal, and of its encoding; the sign of a zero is not.
    assert!(Amount::from(Decimal::new(150, 2)) != Amount::from(Decimal::new(15, 1)));
    assert!(
        BigAmount::from(BigDecimal::new(150.into(), 2)) != BigAmount::from(BigDecimal::new(15.into(), 1))
    );
    let mut negative_zero = Decimal::ZERO;
    negative_zero.set_sign_negative(true);
    assert!(Amount::from(negative_zero) == Amount::from(Decimal::ZERO));
    // One instant, two clocks.
    let noon = OffsetDateTime::UNIX_EPOCH;
    assert!(Instant::from(noon) == Instant::from(noon.to_offset(UtcOffset::from_hms(2, 0, 0).unwrap())));
}
