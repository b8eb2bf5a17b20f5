//! Values that look almost right, one by one, each with its error: markers, versions, key ids,
//! suites, base64. `tampering` checks such things by the thousand against `reference`; these are
//! written out, so that one misreading of FORMAT.md does not hide in both.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    for marker in ["e f1", "ef", "ef-1", "ef+1", "ef1a", "ef１", "ef1;7", "xef1", "(ef1", "ef:1"] {
        text(&format!("{marker}:7:{payload}"), ErrorKind::NotEncrypted);
    }
    text("ef1", ErrorKind::NotEncrypted);
    binary(b"", ErrorKind::NotEncrypted);
    binary(b"\xEF", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66\x2F", ErrorKind::NotEncrypted);
    binary(b"\xEF\x66\x3A", ErrorKind::NotEncrypted);
    binary(&[b"\0".as_slice(), &good_binary()].concat(), ErrorKind::NotEncrypted);
    // Not yet a value, and not the beginning of one.
    for plain in ["ef1: not ours", "ef12:foo", "ef1:12:34:56::1", "ef1:7: and more", "ef2:7:foo"] {
        text(plain, ErrorKind::NotEncrypted);
    }
}

/// Something put characters before it, or changed its case: damage, and never a plaintext.
#[test]
fn what_does_not_begin_as_it_was_written() {
    let payload = payload();
    let whole = format!("ef1:7:{payload}");
    for before in
        [" ", "\u{feff}", "\0", "\n", "\r\n", "\t", "\"", "'", "`", "\\\"", "«", " \u{a0}"]
    {
        text(&format!("{before}{whole}"), ErrorKind::Malformed);
        text(&format!("{before}{whole}{before}"), ErrorKind::Malformed);
        text(&format!("{before}ef1:0:"), ErrorKind::Malformed);
        text(&format!("{before}{}", &whole[..40]), ErrorKind::Malformed);
        text(&format!("{before}{}", &whole[..39]), ErrorKind::NotEncrypted);
    }
    for marker in ["EF1", "Ef1", "eF1"] {
        text(&format!("{marker}:7:{payload}"), ErrorKind::Malformed);
    }
    for other_case in
        [whole.to_uppercase(), whole.to_lowercase(), format!("'{}'", whole.to_uppercase())]
    {
        text(&other_case, ErrorKind::Malformed);
        binary(
            other_case.to_lowercase().as_bytes(),
            if other_case.starts_with('\'') {
                ErrorKind::Malformed
            } else {
                ErrorKind::WrongStorage
            },
        );
    }
    text(&format!("{}{whole}", " ".repeat(64)), ErrorKind::Malformed);
    text(&format!("{}{whole}", " ".repeat(65)), ErrorKind::NotEncrypted);
}

#[test]
fn other_versions() {
    let payload = payload();
    for version in '2'..='9' {
        text(&format!("ef{version}:7:{payload}"), ErrorKind::UnsupportedVersion);
        text(&format!("ef{version}:"), ErrorKind::UnsupportedVersion);
        // The marker stands twice in the binary form of later versions.
        let marker = [0xEF, 0x66, u8::try_from(version).unwrap()];
        binary(&marker.repeat(2), ErrorKind::UnsupportedVersion);
        binary(&[&marker.repeat(2), &good_binary()[3..]].concat(), ErrorKind::UnsupportedVersion);
        binary(&[&marker, &good_binary()[3..]].concat(), ErrorKind::NotEncrypted);
        binary(&marker, ErrorKind::NotEncrypted);
    }
    // A version is one digit from 1 to 9.
    for version in ["0", "01", "001", "10", "11", "21", "18446744073709551617"] {
        text(&format!("ef{version}:7:{payload}"), ErrorKind::NotEncrypted);
        text(&format!("ef{version}:"), ErrorKind::NotEncrypted);
    }
    binary(&[b"\xEF\x660", &good_binary()[3..]].concat(), ErrorKind::NotEncrypted);
    // There is one pending value.
    text("ef2:0:", ErrorKind::NotEncrypted);
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
    // Only this very value. What pads it is damage, anything else no value.
    for almost in ["ef1:0", "ef1:0: ", "ef1:0:\0", "ef1:0:\n", "ef1:0:\""] {
        text(almost, ErrorKind::Malformed);
    }
    text(&format!("ef1:0:{}", payload()), ErrorKind::NotEncrypted);
    for almost in ["ef1:00:", "ef1:0::", "ef1:+0:", "ef1:-0:"] {
        text(almost, ErrorKind::NotEncrypted);
    }
    binary(b"\xEF\x66\x31\0\0\0\0\0", ErrorKind::Malformed);
    binary(b"\xEF\x66\x31\0\0\0", ErrorKind::Malformed);
    let mut id_zero = good_binary();
    id_zero[3..7].fill(0);
    binary(&id_zero, ErrorKind::NotEncrypted);
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
        text(&format!("ef1:{id}:{payload}"), ErrorKind::NotEncrypted);
    }
    text(&format!("ef1:7{payload}"), ErrorKind::NotEncrypted);
    // Cut off.
    for cut in ["ef1:7", "ef1:", "ef1:7:", "ef1:4294967295", "ef1:7:A"] {
        text(cut, ErrorKind::Malformed);
    }
    text("ef1:4294967296", ErrorKind::NotEncrypted);
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
    // 45 bytes of plaintext make 86 of payload: 115 characters, of which the last holds two bits
    // too many.
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
    for suffix in
        ["=", "==", "===", "A===", " ", "\n", "\r\n", "\t", "\0", "AA", ":", ",", "ef1:7:"]
    {
        text(&format!("ef1:7:{payload}{suffix}"), ErrorKind::Malformed);
    }
    for inside in ["\n", " ", "=", "\r\n", "+", "/", ".", "~", "é"] {
        for at in [0, 2, 50, 114] {
            let (before, after) = payload.split_at(at);
            text(&format!("ef1:7:{before}{inside}{after}"), ErrorKind::Malformed);
        }
        // In place of a suite, and no whole nonce after it.
        for at in [0, 1] {
            let (before, after) = payload.split_at(at);
            text(&format!("ef1:7:{before}{inside}{}", &after[..30]), ErrorKind::NotEncrypted);
        }
    }
    // The standard alphabet, in place of the characters that differ.
    let dashes = "AQ".repeat(20) + "-_" + &"A".repeat(20);
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
            // Padded, which the associated data tells: no padding is looked for before the tag is
            // right.
            0x11 => ErrorKind::Authentication,
            0x21 | 0x31 => ErrorKind::BoundColumns,
            // What a later release may write.
            0x02 | 0x03 | 0x12 | 0x13 | 0x22 | 0x23 | 0x32 | 0x33 => ErrorKind::UnsupportedSuite,
            _ => ErrorKind::NotEncrypted,
        };
        let mut relabelled = stored.clone();
        relabelled[7] = suite;
        binary(&relabelled, kind);
        if matches!(kind, ErrorKind::UnsupportedSuite | ErrorKind::NotEncrypted) {
            binary(&relabelled[..8], kind);
        }
        // In text so much more says that it is ours that it is damage.
        let in_text = if kind == ErrorKind::NotEncrypted { ErrorKind::Malformed } else { kind };
        text(&format!("ef1:7:{}", URL_SAFE_NO_PAD.encode(&relabelled[7..])), in_text);
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

/// An unknown context is the longest there is: beyond the room on the stack, and with every kind of
/// character.
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
