//! Parts that the public API can't reach: the associated data of bound columns, text that is not
//! UTF-8, the coding of the text form at every length.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::aad::{Aad, BoundColumn, BoundValue, ContextAad, Kind};
use super::recognise::is_ours;
use super::{
    Header, NONCE_LEN, PAYLOAD_HEAD, PAYLOAD_OVERHEAD, Suite, TAG_LEN, binary, padding, text,
};
use crate::error::{ErrorKind, Result};
use crate::key_id::KeyId;

fn header() -> Header {
    let nonce = std::array::from_fn::<u8, NONCE_LEN, _>(|at| u8::try_from(at * 11).unwrap());
    Header { key_id: KeyId::new(7).unwrap(), suite: Suite::XAES_256_GCM, nonce }
}

/// Forms with this header and tags of one byte, unencrypted.
fn text_form(plaintext: &[u8]) -> String {
    let Header { key_id, suite, nonce } = header();
    text::sealed(key_id, suite, plaintext, |body| fill(body, &nonce)).unwrap()
}

fn binary_form(plaintext: &[u8]) -> Vec<u8> {
    let Header { key_id, suite, nonce } = header();
    binary::sealed(key_id, suite, plaintext, |body| fill(body, &nonce)).unwrap()
}

// As sealing does, it can fail.
#[allow(clippy::unnecessary_wraps)]
fn fill(body: &mut [u8], nonce: &[u8]) -> Result<()> {
    let tag = body.len() - TAG_LEN;
    body[..NONCE_LEN].copy_from_slice(nonce);
    body[tag..].fill(0xA5);
    Ok(())
}

fn suite(byte: u8) -> Suite {
    Suite::from_byte(byte).unwrap()
}

/// FORMAT.md section 6, without the room on the stack.
fn plain_aad(suite: u8, id: u32, kind: u8, context: &str, bound: &[u8]) -> Vec<u8> {
    let length = u32::try_from(context.len()).unwrap().to_be_bytes();
    [
        b"encrypted-field/v1\0",
        &[suite][..],
        &id.to_be_bytes(),
        &[kind],
        &length,
        context.as_bytes(),
        bound,
    ]
    .concat()
}

#[test]
fn associated_data_at_every_length() {
    let id = KeyId::new(7).unwrap();
    for len in 0..400 {
        let context = "x".repeat(len);
        let aad = Aad::new(suite(0x01), id, Kind::Column, &ContextAad::new(&context), &[]);
        assert_eq!(aad.as_bytes(), plain_aad(1, 7, 1, &context, b""));
        // With a column more, of which the beginning or the end is in the room on the stack.
        let bound = [BoundColumn { name: "n", value: BoundValue::Text("value") }];
        let aad = Aad::new(suite(0x21), id, Kind::Detached, &ContextAad::new(&context), &bound);
        assert_eq!(
            aad.as_bytes(),
            plain_aad(0x21, 7, 2, &context, b"\0\0\0\x01n\x02\0\0\0\x05value")
        );
    }
}

/// Without the flag, bound columns are not in it. The flag itself is, so nothing can be taken away
/// unseen.
#[test]
fn bound_columns_are_in_it_with_the_flag_only() {
    let bound = [BoundColumn { name: "n", value: BoundValue::Null }];
    let aad = |suite_byte| {
        Aad::new(
            suite(suite_byte),
            KeyId::new(7).unwrap(),
            Kind::Column,
            &ContextAad::new("c"),
            &bound,
        )
    };
    assert_eq!(aad(0x01).as_bytes(), plain_aad(0x01, 7, 1, "c", b""));
    assert_eq!(aad(0x31).as_bytes(), plain_aad(0x31, 7, 1, "c", b"\0\0\0\x01n\0\0\0\0\0"));
}

/// No two different declarations give the same bytes, wherever one part could be taken for the
/// next.
#[test]
fn associated_data_is_unambiguous() {
    let values = [
        BoundValue::Null,
        BoundValue::Text(""),
        BoundValue::Bytes(b""),
        BoundValue::Text("\0"),
        BoundValue::Bytes(b"\0"),
        BoundValue::Bool(false),
        BoundValue::Bool(true),
        BoundValue::Bytes(b"\x01"),
        BoundValue::Integer(0),
        BoundValue::Integer(1),
        BoundValue::Uuid([0; 16]),
        BoundValue::Bytes(&[0; 16]),
        BoundValue::Text("\0\0\0\x01b\0\0\0\0\0"),
    ];
    let mut seen = HashSet::new();
    let mut add = |context: &str, bound: &[BoundColumn<'_>]| {
        let aad = Aad::new(
            suite(0x21),
            KeyId::new(7).unwrap(),
            Kind::Column,
            &ContextAad::new(context),
            bound,
        );
        assert!(seen.insert(aad.as_bytes().to_vec()), "{context:?} {bound:?}");
    };
    for context in ["", "a", "ab", "a\0\0\0\x01b\0\0\0\0\0", "\0\0\0\x01a"] {
        add(context, &[]);
        for name in ["a", "b", "ab", "a\0"] {
            for value in values {
                add(context, &[BoundColumn { name, value }]);
                for other in values {
                    add(
                        context,
                        &[BoundColumn { name, value }, BoundColumn { name: "z", value: other }],
                    );
                }
            }
        }
    }
    assert!(seen.len() > 3000);
}

#[test]
fn bound_columns_are_sorted_by_their_bytes() {
    let column = |name| BoundColumn { name, value: BoundValue::Integer(-1) };
    let aad = |names: &[&'static str]| {
        let bound: Vec<_> = names.iter().map(|name| column(name)).collect();
        Aad::new(suite(0x21), KeyId::new(7).unwrap(), Kind::Column, &ContextAad::new("c"), &bound)
            .as_bytes()
            .to_vec()
    };
    // A beginning first. Upper case first. By UTF-8: UTF-16 has U+10000 before U+FFFF.
    let sorted = ["B", "a", "ab", "b", "é", "\u{ffff}", "\u{10000}"];
    let reversed: Vec<_> = sorted.iter().rev().copied().collect();
    assert_eq!(aad(&sorted), aad(&reversed));
    let name =
        |at: &str| aad(&reversed).windows(at.len()).position(|w| w == at.as_bytes()).unwrap();
    assert!(name("\u{ffff}") < name("\u{10000}"));
}

/// In one buffer with its own input; against another engine.
#[test]
fn the_text_form_at_every_length() {
    for len in 0..1000 {
        let plaintext: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let Header { suite, nonce, .. } = header();
        let (stored, binary_form) = (text_form(&plaintext), binary_form(&plaintext));
        assert_eq!(binary_form.len(), binary::stored_len(len));
        let parts =
            [b"\xEFf1\0\0\0\x07", &[suite.byte()][..], &nonce, &plaintext, &[0xA5; TAG_LEN]];
        assert_eq!(binary_form, parts.concat());
        assert_eq!(stored, format!("ef1:7:{}", URL_SAFE_NO_PAD.encode(&binary_form[7..])));

        let mut buffer = stored.into_bytes();
        assert_eq!(text::parse(&mut buffer).unwrap(), header());
        assert_eq!(buffer, binary_form[binary::HEAD..]);
        assert_eq!(binary::parse(&binary_form).unwrap(), header());
    }
}

/// A text column should not give such bytes. If it does, they are refused like any others.
#[test]
fn text_that_is_not_utf_8() {
    let stored = text_form(b"some plaintext, longer than a block").into_bytes();
    for at in 0..stored.len() {
        for byte in [0x80, 0xC3, 0xFF] {
            let mut changed = stored.clone();
            changed[at] = byte;
            // Within marker and key id it makes it another value.
            let expected = if at < 6 { ErrorKind::NotEncrypted } else { ErrorKind::Malformed };
            let error = text::parse(&mut changed).unwrap_err();
            assert_eq!(error.kind(), expected, "byte {at}");
            assert_eq!(is_ours(&changed), expected == ErrorKind::Malformed, "byte {at}");
        }
    }
}

#[test]
fn no_length_of_either_form_is_a_panic() {
    let (binary_form, text_form) = (binary_form(b""), text_form(b"").into_bytes());
    assert_eq!(binary_form.len(), 7 + PAYLOAD_OVERHEAD);
    for len in 0..binary_form.len() {
        assert!(binary::parse(&binary_form[..len]).is_err());
    }
    for len in 0..text_form.len() {
        assert!(text::parse(&mut text_form[..len].to_vec()).is_err());
    }
    assert_eq!(PAYLOAD_HEAD, 25);
}

#[test]
fn padding_is_removed_or_refused() {
    for (message, expected) in [
        (&b"\x80"[..], Some(0)),
        (b"\x80\0\0\0", Some(0)),
        (b"a\x80", Some(1)),
        (b"a\x80\0\0", Some(1)),
        (b"\x80\x80", Some(1)),
        (b"\0\x80\0", Some(1)),
        (b"\x80\0\x80\0\0", Some(2)),
        (b"", None),
        (b"\0", None),
        (b"\0\0\0\0", None),
        (b"a", None),
        (b"\x80a", None),
        (b"a\x80\x01", None),
        (b"a\x81\0", None),
        (b"a\x40\0", None),
    ] {
        assert_eq!(padding::unpadded_len(message).ok(), expected, "{message:x?}");
    }
}

/// One part of the rule of FORMAT.md section 3.4: a value that is cut off is ours as soon as the
/// marker is there, so that no legacy reader gets it.
#[test]
fn what_was_cut_off_is_ours() {
    let long = text_form(&[7; 300]).into_bytes();
    for len in 0..long.len() {
        assert_eq!(is_ours(&long[..len]), len >= 4, "{len} characters");
    }
    let long = binary_form(&[7; 300]);
    for len in 0..long.len() {
        assert_eq!(is_ours(&long[..len]), len >= 3, "{len} bytes");
    }
    for pending in [&b"ef1:0:"[..], b"\xEFf1\0\0\0\0"] {
        for len in 0..=pending.len() {
            let expected = len >= if pending[0] == b'e' { 4 } else { 3 };
            assert_eq!(is_ours(&pending[..len]), expected, "{len} bytes");
        }
    }
}

/// A legacy reader is asked for values that parsing calls `NotEncrypted` and for no others,
/// whatever the storage. And a value that parses is ours.
#[test]
fn what_is_ours_and_what_parsing_says_agree() {
    let mut values: Vec<Vec<u8>> = Vec::new();
    let (text_form, binary_form) = (text_form(b"a token").into_bytes(), binary_form(b"a token"));
    for whole in [&text_form[..], &binary_form, b"ef1:0:", b"\xEFf1\0\0\0\0", b"ef1:4294967295:AQ"]
    {
        for len in 0..=whole.len() {
            values.push(whole[..len].to_vec());
            for byte in 0..=u8::MAX {
                values.push([&whole[..len], &[byte], &whole[len..]].concat());
                let mut changed = whole.to_vec();
                if let Some(at) = changed.get_mut(len) {
                    *at = byte;
                    values.push(changed);
                }
            }
        }
    }
    let [mut ours, mut foreign] = [0, 0];
    for value in values {
        for parsed in [text::parse(&mut value.clone()), binary::parse(&value)] {
            let kind = parsed.as_ref().err().map(crate::error::Error::kind);
            assert_eq!(
                is_ours(&value),
                kind != Some(ErrorKind::NotEncrypted),
                "{value:x?} {kind:?}"
            );
            *(if is_ours(&value) { &mut ours } else { &mut foreign }) += 1;
            // A refused value is left as it was, for a legacy reader.
            let mut left = value.clone();
            if kind == Some(ErrorKind::NotEncrypted) && text::parse(&mut left).is_err() {
                assert_eq!(left, value);
            }
        }
    }
    assert!(ours > 50_000 && foreign > 10_000, "{ours} {foreign}");
}

/// The odds that FORMAT.md section 3.4 gives for random bytes: 12 of 256 suites after 24 bits of
/// marker, and later versions by 48 bits.
#[test]
fn random_bytes_that_begin_like_a_value() {
    let head = |version: u8, suite: u8| {
        [&[0xEF, b'f', version, 1, 2, 3, 4, suite][..], &[0x5A; 60]].concat()
    };
    let suites: Vec<u8> = (0..=u8::MAX).filter(|suite| is_ours(&head(b'1', *suite))).collect();
    assert_eq!(suites, [1, 2, 3, 0x11, 0x12, 0x13, 0x21, 0x22, 0x23, 0x31, 0x32, 0x33]);
    for version in (0..=u8::MAX).filter(|version| *version != b'1') {
        assert!((0..=u8::MAX).all(|suite| !is_ours(&head(version, suite))), "version {version}");
    }
}
