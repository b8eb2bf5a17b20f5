//! Equality of fields is that of what they hold, and of nothing else.

use bigdecimal::BigDecimal;
use std::borrow::Cow;

use encrypted_field::{Encrypted, EncryptedFieldExt, Secret, Text};
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
    for other in [SIGNING_SECRET, "", &BOT_TOKEN[1..], &BOT_TOKEN[..44], &BOT_TOKEN.to_uppercase()]
    {
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

/// Floats by their bits: so each equals itself, and zeros are told apart.
#[test]
fn floats_are_equal_by_their_bits() {
    field!(Ratio(f64));
    let nan = f64::from_bits(0x7FF8_0000_0000_0001);
    assert!(Ratio::from(nan) == Ratio::from(nan) && Ratio::from(nan) != Ratio::from(-nan));
    assert!(Ratio::from(nan) != Ratio::from(f64::from_bits(0x7FF8_0000_0000_0002)));
    assert!(Ratio::from(0.0) != Ratio::from(-0.0) && Ratio::from(1.5) == Ratio::from(1.5));
}

#[test]
fn other_strings() {
    field!(Boxed(Box<str>));
    field!(Borrowed(Cow<'static, str>));
    field!(Level(Text<u8>));
    field!(Exposed(secrecy::SecretString));
    let boxed = Boxed::from(Box::<str>::from(BOT_TOKEN));
    assert!(boxed == boxed.clone() && &**boxed == BOT_TOKEN);
    let owned = || Borrowed::from(Cow::Owned(BOT_TOKEN.to_owned()));
    assert!(
        owned() == owned() && *owned() == BOT_TOKEN && owned() != Borrowed::from(Cow::Borrowed(""))
    );
    let level = Level::from(7);
    assert!(level == Level::from(7) && level != Level::from(8) && *level == 7);
    let exposed = Exposed::from(secrecy::SecretString::from(BOT_TOKEN));
    assert!(
        exposed == exposed.clone() && secrecy::ExposeSecret::expose_secret(&*exposed) == BOT_TOKEN
    );
}

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
        BigAmount::from(BigDecimal::new(150.into(), 2))
            != BigAmount::from(BigDecimal::new(15.into(), 1))
    );
    let mut negative_zero = Decimal::ZERO;
    negative_zero.set_sign_negative(true);
    assert!(Amount::from(negative_zero) == Amount::from(Decimal::ZERO));
    // One instant, two clocks.
    let noon = OffsetDateTime::UNIX_EPOCH;
    assert!(
        Instant::from(noon) == Instant::from(noon.to_offset(UtcOffset::from_hms(2, 0, 0).unwrap()))
    );
}
