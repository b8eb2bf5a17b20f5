//! Values that look almost right, one by one, each with its error: markers, versions, key ids, suites, base64.
//! `tampering` checks such things by the thousand against `reference`; these are written out, so that one
//! misreading of FORMAT.md does not hide in both.

use encrypted_field::{Encrypted, ErrorKind, KeyId, Keyring, Secret, format};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{BotToken, FORMS, Form, Kind, open, ring, seal};

fn refused_as(form: Form, stored: &[u8], kind: ErrorKind) {
    for place in [Kind::Column, Kind::Detached] {
        let error = refused(open::<BotToken>(&ring(), form, place, stored), kind);
        assert_eq!(error.column(), Some("slack_connections.bot_token"));
    }
    // What can be told without a key is told without a key.
    let known_later = matches!(
        kind,
        ErrorKind::UnknownKey
            | ErrorKind::Authentication
            | ErrorKind::BoundColumns
            | ErrorKind::InvalidPlaintext
    );
    let inspected = match form {
        Form::Text => format::inspect_text(str::from_utf8(stored).unwrap()),
        Form::Binary => format::inspect(stored),
    };
    assert_eq!(inspected.err().map(|e| e.kind()), (!known_later).then_some(kind));
}

fn text(stored: &str, kind: ErrorKind) {
    refused_as(Form::Text, stored.as_bytes(), kind);
}

fn binary(stored: &[u8], kind: ErrorKind) {
    refused_as(Form::Binary, stored, kind);
}

/// The payload of a good text value, after `ef1:7:`.
fn payload() -> String {
    let stored = seal(&ring(), Form::Text, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    String::from_utf8(stored).unwrap().split_off(6)
}

fn good_binary() -> Vec<u8> {
    seal(&ring(), Form::Binary, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap()
}

#[test]
fn what_is_not_ours() {
    let payload = payload();
    text("", ErrorKind::NotEncrypted);
    text(BOT_TOKEN, ErrorKind::NotEncrypted);
    for marker in
        [" ef1", "\u{feff}ef1", "EF1", "Ef1", "e f1", "ef", "ef-1", "ef+1", "ef1a", "ef１", "ef1;7", "\0ef1"]
    {
        text(&format!("{marker}:7:{payload}"), ErrorKind::NotEncrypted);
    }
    text("ef1", ErrorKind::NotEncrypted);
    binary(b"", ErrorKind::NotEncrypted);
    binary(b"\xEF", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66\x2F", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66\x3A", ErrorKind::NotEncrypted);
    binary(&[b"\0".as_slice(), &good_binary()].concat(), ErrorKind::NotEncrypted);
}

#[test]
fn other_versions() {
    let payload = payload();
    for version in ["0", "2", "9", "01", "001", "10", "11", "21", "18446744073709551617"] {
        text(&format!("ef{version}:7:{payload}"), ErrorKind::UnsupportedVersion);
        text(&format!("ef{version}:"), ErrorKind::UnsupportedVersion);
    }
    for version in (b'0'..=b'9').filter(|digit| *digit != b'1') {
        let mut stored = good_binary();
        stored[2] = version;
        binary(&stored, ErrorKind::UnsupportedVersion);
        binary(&stored[..3], ErrorKind::UnsupportedVersion);
    }
    // A pending value of another version is not ours to know.
    text("ef2:0:", ErrorKind::UnsupportedVersion);
}

#[test]
fn the_form_for_the_other_storage() {
    let [stored_text, stored_binary] =
        FORMS.map(|form| seal(&ring(), form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap());
    binary(&stored_text, ErrorKind::WrongStorage);
    binary(b"ef1:", ErrorKind::WrongStorage);
    binary(b"ef2:7:", ErrorKind::WrongStorage);
    binary(b"ef1:0:", ErrorKind::WrongStorage);
    // The marker of the binary form is no UTF-8, so that it never comes out of a text column.
    assert!(str::from_utf8(&stored_binary).is_err());
    assert!(str::from_utf8(&stored_binary[..3]).is_err());
}

#[test]
fn pending() {
    text("ef1:0:", ErrorKind::Pending);
    binary(b"\xEF\x66\x31\0\0\0\0", ErrorKind::Pending);
    // Only this very value.
    text(&format!("ef1:0:{}", payload()), ErrorKind::Malformed);
    for almost in ["ef1:00:", "ef1:0", "ef1:0: ", "ef1:0::", "ef1:0:\0", "ef1:+0:", "ef1:-0:"] {
        text(almost, ErrorKind::Malformed);
    }
    binary(b"\xEF\x66\x31\0\0\0\0\0", ErrorKind::Malformed);
    binary(b"\xEF\x66\x31\0\0\0", ErrorKind::Malformed);
    let mut id_zero = good_binary();
    id_zero[3..7].fill(0);
    binary(&id_zero, ErrorKind::Malformed);
}

#[test]
fn key_ids_have_one_spelling() {
    let payload = payload();
    for id in [
        "",
        "07",
        "007",
        "+7",
        "-7",
        " 7",
        "7 ",
        "7\n",
        "0x7",
        "7.0",
        "7e0",
        "٧",
        "７",
        "4294967296",
        "4294967303",
        "18446744073709551623",
        "00000000007",
        "99999999999999999999999999",
    ] {
        text(&format!("ef1:{id}:{payload}"), ErrorKind::Malformed);
    }
    text(&format!("ef1:7{payload}"), ErrorKind::Malformed);
    text("ef1:7", ErrorKind::Malformed);
    text("ef1:", ErrorKind::Malformed);
    text(&format!("ef1::{payload}"), ErrorKind::Malformed);
    text(&format!("ef1:4294967295:{payload}"), ErrorKind::UnknownKey);
    text(&format!("ef1:8:{payload}"), ErrorKind::UnknownKey);
}

#[test]
fn ids_of_every_length_round_trip() {
    for id in (0..10)
        .flat_map(|power| [10_u32.pow(power), 10_u32.pow(power).wrapping_mul(10) - 1])
        .chain([u32::MAX])
    {
        let ring = Keyring::builder().active(id, KEYS[0]).build().unwrap();
        for form in FORMS {
            let stored = seal(&ring, form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
            let token = open::<BotToken>(&ring, form, Kind::Column, &stored).unwrap();
            assert!(&*token == BOT_TOKEN);
            assert_eq!(token.key_id(), KeyId::new(id));
            let prefix = match form {
                Form::Text => format!("ef1:{id}:").into_bytes(),
                Form::Binary => [&b"\xEF\x661"[..], &id.to_be_bytes()].concat(),
            };
            assert!(stored.starts_with(&prefix));
        }
    }
}

#[test]
fn base64_has_one_spelling() {
    // 45 bytes of plaintext make 86 of payload: 115 characters, of which the last holds two bits too many.
    let payload = payload();
    assert_eq!(payload.len(), 115);
    let (head, last) = payload.split_at(114);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).unwrap();
    assert_eq!(value % 4, 0);
    for spare in 1..4 {
        let other = &alphabet[value + spare..=value + spare];
        text(&format!("ef1:7:{head}{other}"), ErrorKind::Malformed);
    }
    for suffix in ["=", "==", "===", "A===", " ", "\n", "\r\n", "\t", "\0", "AA", ":", ",", "ef1:7:"] {
        text(&format!("ef1:7:{payload}{suffix}"), ErrorKind::Malformed);
    }
    for inside in ["\n", " ", "=", "\r\n", "+", "/", ".", "~", "é"] {
        for at in [0, 1, 50, 114] {
            let (before, after) = payload.split_at(at);
            text(&format!("ef1:7:{before}{inside}{after}"), ErrorKind::Malformed);
        }
    }
    // The standard alphabet, in place of the characters that differ.
    let dashes = "A".repeat(40) + "-_" + &"A".repeat(20);
    for (from, to) in [("-", "+"), ("_", "/")] {
        text(&format!("ef1:7:{}", dashes.replace(from, to)), ErrorKind::Malformed);
    }
}

#[test]
fn a_payload_that_ends_early() {
    let payload = payload();
    text("ef1:7:", ErrorKind::Malformed);
    // 55 characters are the 41 bytes that every payload has.
    for len in 1..55 {
        text(&format!("ef1:7:{}", &payload[..len]), ErrorKind::Malformed);
    }
    let stored = good_binary();
    for len in 3..48 {
        binary(&stored[..len], ErrorKind::Malformed);
    }
    // From here on only the tag can tell.
    for len in 48..stored.len() {
        binary(&stored[..len], ErrorKind::Authentication);
    }
}

#[test]
fn every_suite() {
    let stored = good_binary();
    for suite in (0..=u8::MAX).filter(|suite| *suite != 1) {
        let kind = match suite {
            // Padded, which the associated data tells: no padding is looked for before the tag is right.
            0x11 => ErrorKind::Authentication,
            0x21 | 0x31 => ErrorKind::BoundColumns,
            _ => ErrorKind::UnsupportedSuite,
        };
        let mut relabelled = stored.clone();
        relabelled[7] = suite;
        binary(&relabelled, kind);
        if kind == ErrorKind::UnsupportedSuite {
            binary(&relabelled[..8], kind);
        }
    }
}

#[test]
fn inspection_tells_what_stands_outside() {
    for form in FORMS {
        let stored = seal(&ring(), form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
        let info = match form {
            Form::Text => format::inspect_text(str::from_utf8(&stored).unwrap()),
            Form::Binary => format::inspect(&stored),
        }
        .unwrap();
        assert_eq!((info.key_id.get(), info.suite, info.ciphertext_len), (7, 1, BOT_TOKEN.len()));
    }
}

/// An unknown context is the longest there is: beyond the room on the stack, and with every kind of character.
#[test]
fn long_and_unusual_contexts() {
    macro_rules! round_trips {
        ($($context:literal)+) => {$({
            #[derive(Encrypted)]
            #[encrypted(context = $context)]
            struct Field(Secret<String>);
            for form in FORMS {
                let stored = seal(&ring(), form, Kind::Column, &Field::from(BOT_TOKEN)).unwrap();
                assert!(&*open::<Field>(&ring(), form, Kind::Column, &stored).unwrap() == BOT_TOKEN);
                refused(open::<BotToken>(&ring(), form, Kind::Column, &stored), ErrorKind::Authentication);
            }
        })+};
    }
    round_trips!("t" "schlüssel.größe" "\"Quoted\".\"col\"" " a . b "
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789.a"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789.ab"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
}
