//! Strings, bytes, bools and UUIDs: the same value comes back, and only values of the type do.

use encrypted_field::ErrorKind;
use tests::refused;
use tests::secrets::{BOT_TOKEN, CANARY, UNUSUAL_TEXT};
use uuid::Uuid;

use crate::fields::{
    BotToken, BotTokenBytes, FORMS, KINDS, open, plaintext, read_as, ring, round_trip, seal,
};

#[test]
fn strings() {
    let long = "ß鍵🔑".repeat(1000);
    for text in [
        "",
        "\0",
        " ",
        "\n",
        "0",
        "false",
        "NULL",
        "null",
        "''",
        "\\",
        "%",
        "\u{feff}",
        "\u{7f}",
        "\u{80}",
        "\u{fffd}",
        "\u{10ffff}",
        "e\u{301}",
        "\u{e9}",
        "\r\n",
        "\u{202e}",
        "👩‍👩‍👧‍👦",
        UNUSUAL_TEXT,
        BOT_TOKEN,
        &long,
        "[encrypted]",
    ] {
        for read in round_trip::<String>(text.to_owned()) {
            assert!(read == text, "{:?}", text.chars().next());
        }
        assert!(plaintext::<String>(text.to_owned()) == text.as_bytes());
    }
}

#[test]
fn bytes() {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    for bytes in [&b""[..], b"\0", b"\0\0\0", b"\xFF", b"\x80", b"\x80\0\0", b"\xEF\x66", &all] {
        for read in round_trip::<Vec<u8>>(bytes.to_vec()) {
            assert_eq!(read, bytes);
        }
        assert_eq!(plaintext::<Vec<u8>>(bytes.to_vec()), bytes);
    }
}

/// A column of bytes that a field takes for text.
#[test]
fn a_plaintext_that_is_not_utf_8_is_an_error() {
    let ring = ring();
    let truncated_emoji = &"🔑".as_bytes()[..3];
    for not_utf8 in [
        &b"\xFF"[..],
        b"\x80",
        b"\xC0\x80",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"\xEF\x66",
        truncated_emoji,
    ] {
        let bytes = [CANARY.as_bytes(), not_utf8].concat();
        for form in FORMS {
            for kind in KINDS {
                let sealed = seal(&ring, form, kind, &BotTokenBytes::from(bytes.clone())).unwrap();
                let error =
                    refused(open::<BotToken>(&ring, form, kind, &sealed), ErrorKind::InvalidPlaintext);
                assert_eq!(error.column(), Some("slack_connections.bot_token"));
                assert_eq!(error.key_id().map(encrypted_field::KeyId::get), Some(7));
                assert!(error.to_string().contains("UTF-8"), "{error}");
            }
        }
    }
}

#[test]
fn bools() {
    for (value, encoding) in [(false, 0), (true, 1)] {
        assert_eq!(round_trip::<bool>(value), [value; 2]);
        assert_eq!(plaintext::<bool>(value), [encoding]);
    }
    for wrong in [&b""[..], b"\x02", b"\xFF", b"\0\0", b"\x01\0", b"true", b"0", &[0; 16]] {
        refused(read_as::<bool>(wrong), ErrorKind::InvalidPlaintext);
    }
}

#[test]
fn uuids() {
    let some = Uuid::from_u128(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210);
    for value in [Uuid::nil(), Uuid::max(), some, Uuid::new_v4()] {
        assert_eq!(round_trip::<Uuid>(value), [value; 2]);
        assert_eq!(plaintext::<Uuid>(value), value.as_bytes());
    }
    let text = some.to_string();
    for wrong in [&b""[..], &[0; 15], &[0; 17], text.as_bytes()] {
        refused(read_as::<Uuid>(wrong), ErrorKind::InvalidPlaintext);
    }
}

/// A UUID and an integer have the same length: nothing tells them apart but the field's type.
#[test]
fn types_are_the_fields_business() {
    assert_eq!(read_as::<i128>(&plaintext::<Uuid>(Uuid::from_u128(7))).unwrap(), 7);
    assert_eq!(read_as::<String>(&plaintext::<bool>(true)).unwrap(), "\u{1}");
}
