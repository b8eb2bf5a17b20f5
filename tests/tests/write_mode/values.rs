//! What is stored, and by which calls.

use chrono::NaiveDate;
use encrypted_field::{
    Encrypted, EncryptedFieldExt as _, Keyring, Secret, ToStoredValue as _, legacy,
};
use serde::Serialize as _;
use tests::secrets::{BOT_TOKEN, KEYS, plaintext};

use crate::{pending, ring};

#[derive(Encrypted)]
#[encrypted(context = "paths.text", legacy = plaintext, serialize = "sealed")]
struct InText(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "paths.binary", legacy = plaintext, storage = "binary")]
struct InBinary(Secret<Vec<u8>>);

#[derive(Encrypted)]
#[encrypted(context = "paths.other", legacy = plaintext)]
struct Other(Secret<String>);

fn is_sealed(stored: &[u8]) -> bool {
    stored.starts_with(b"ef1:1:") || stored.starts_with(b"\xEFf1")
}

/// Everything that makes a value for the column, and nothing else.
#[test]
fn all_ways_of_writing() {
    let (held, ring) = (ring().hold(), ring());
    let (text, binary) = (InText::from(BOT_TOKEN), InBinary::from(BOT_TOKEN.as_bytes()));
    let of_text = |text: &InText| {
        [
            text.to_stored().unwrap(),
            text.to_stored_with(&ring).unwrap(),
            text.to_stored_text().unwrap().into_bytes(),
            text.to_stored_text_with(&ring).unwrap().into_bytes(),
            text.to_stored_value().unwrap().as_bytes().to_vec(),
            text.to_stored_value_with(&ring).unwrap().as_bytes().to_vec(),
            Some(text.clone()).to_stored_value().unwrap().unwrap().as_bytes().to_vec(),
        ]
    };
    let of_binary = |binary: &InBinary| {
        [
            binary.to_stored().unwrap(),
            binary.to_stored_text().unwrap().into_bytes(),
            binary.to_stored_value().unwrap().as_bytes().to_vec(),
        ]
    };
    let all = || of_text(&text).into_iter().chain(of_binary(&binary)).collect::<Vec<_>>();
    assert!(all().iter().all(|stored| is_sealed(stored)));

    legacy::write_plaintext::<InText>().unwrap();
    legacy::write_plaintext::<InBinary>().unwrap();
    assert!(legacy::writes_plaintext::<InText>() && !legacy::writes_plaintext::<Other>());
    assert!(all().iter().all(|stored| stored == BOT_TOKEN.as_bytes()));
    assert!(text.to_stored_value().unwrap().as_text() == Some(BOT_TOKEN));
    assert!(is_sealed(&Other::from(BOT_TOKEN).to_stored().unwrap()), "another column");
    // Detached values and serde.
    assert!(is_sealed(&text.seal().unwrap()) && is_sealed(text.seal_text().unwrap().as_bytes()));
    let json = text.serialize(serde_json::value::Serializer).unwrap();
    assert!(json.as_str().unwrap().starts_with("ef1:1:"));
    // It needs no key that seals.
    drop(held);
    let _pending = pending().hold();
    assert!(text.to_stored_text().unwrap() == BOT_TOKEN);

    legacy::write_sealed::<InText>();
    legacy::write_sealed::<InBinary>();
    assert!(!legacy::writes_plaintext::<InText>());
    let _ring = crate::ring().hold();
    assert!(all().iter().all(|stored| is_sealed(stored)));
}

#[derive(Encrypted)]
#[encrypted(context = "forms.number", legacy = plaintext)]
struct Number(Secret<i64>);

#[derive(Encrypted)]
#[encrypted(context = "forms.day", legacy = plaintext)]
struct Day(Secret<NaiveDate>);

/// As an old instance has it, and read back.
#[test]
fn other_types_have_their_form_in_the_clear() {
    let _ring = ring().hold();
    legacy::write_plaintext::<Number>().unwrap();
    legacy::write_plaintext::<Day>().unwrap();
    let number = Number::from(tests::secrets::CANARY_INTEGER);
    let stored = number.to_stored_text().unwrap();
    assert!(stored == tests::secrets::CANARY_INTEGER.to_string());
    let read = Number::from_stored_text(stored).unwrap();
    assert!(read.is_legacy() && read == number);

    let day = Day::from(NaiveDate::from_ymd_opt(2024, 2, 29).unwrap());
    let stored = day.to_stored_text().unwrap();
    assert_eq!(stored, "2024-02-29");
    assert!(Day::from_stored_text(stored).unwrap() == day);
}

#[derive(Encrypted)]
#[encrypted(context = "staleness.token", legacy = plaintext)]
struct Token(Secret<String>);

/// Writing back would move nothing to an active key.
#[test]
fn nothing_is_stale_meanwhile() {
    let old = {
        let _ring = ring().hold();
        Token::from(plaintext("old")).to_stored_text().unwrap()
    };
    let rotated = Keyring::builder().retired(1, KEYS[0]).active(2, KEYS[1]).build().unwrap();
    let _ring = rotated.hold();
    let old = Token::from_stored_text(old).unwrap();
    let plain = Token::from_stored_text(plaintext("in the clear")).unwrap();
    assert!(old.is_stale() && plain.is_stale());
    legacy::write_plaintext::<Token>().unwrap();
    assert!(!old.is_stale() && !plain.is_stale());
    legacy::write_sealed::<Token>();
    assert!(old.is_stale() && plain.is_stale());
}
