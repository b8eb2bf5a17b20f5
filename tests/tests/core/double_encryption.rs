//! A plaintext that is a stored value of this very field is refused; one that only looks like it is
//! sealed.

use encrypted_field::{EncryptedFieldExt, ErrorFamily, ErrorKind, Keyring};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{
    BotToken, BotTokenBytes, FORMS, Form, KINDS, SigningSecret, open, ring, rotated, seal,
};

#[test]
fn a_stored_value_of_this_field_is_refused() {
    let ring = ring();
    for inner_kind in KINDS {
        let text = seal(&ring, Form::Text, inner_kind, &BotToken::from(BOT_TOKEN)).unwrap();
        let binary = seal(&ring, Form::Binary, inner_kind, &BotToken::from(BOT_TOKEN)).unwrap();
        let as_text = BotToken::from(String::from_utf8(text.clone()).unwrap());
        for form in FORMS {
            for kind in KINDS {
                let error = refused(seal(&ring, form, kind, &as_text), ErrorKind::DoubleEncryption);
                assert_eq!(error.kind().family(), ErrorFamily::Misuse);
                assert_eq!(error.column(), Some("slack_connections.bot_token"));
                for bytes in [&text, &binary] {
                    let field = BotTokenBytes::from(bytes.clone());
                    refused(seal(&ring, form, kind, &field), ErrorKind::DoubleEncryption);
                }
            }
        }
        let _held = crate::fields::ring().hold();
        refused(as_text.to_stored_value(), ErrorKind::DoubleEncryption);
    }
}

#[test]
fn also_under_a_retired_key() {
    let old = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    refused(BotToken::from(old).to_stored_text_with(&rotated()), ErrorKind::DoubleEncryption);
}

#[test]
fn also_under_a_previous_context() {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(
        context = "slack_connections.token",
        previous_context = "slack_connections.bot_token"
    )]
    struct Renamed(encrypted_field::Secret<String>);

    let old = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring()).unwrap();
    refused(Renamed::from(old).to_stored_text_with(&ring()), ErrorKind::DoubleEncryption);
}

#[track_caller]
fn round_trips(ring: &Keyring, plaintext: &str) {
    for form in FORMS {
        for kind in KINDS {
            let sealed = seal(ring, form, kind, &BotToken::from(plaintext)).unwrap();
            assert!(&*open::<BotToken>(ring, form, kind, &sealed).unwrap() == plaintext);
        }
    }
}

/// A user may type anything, and gets it back.
#[test]
fn text_that_looks_like_a_stored_value_round_trips() {
    let ring = ring();
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let mut changed = stored.clone();
    changed.replace_range(20..21, if &stored[20..21] == "A" { "B" } else { "A" });
    let other_field = SigningSecret::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let other_key = Keyring::builder().active(9, KEYS[4]).build().unwrap();
    let unknown_key = BotToken::from(BOT_TOKEN).to_stored_text_with(&other_key).unwrap();
    let mut texts = vec![
        changed,
        other_field,
        unknown_key,
        format!(" {stored}"),
        format!("{stored}\n"),
        format!("{stored}{stored}"),
        stored[..stored.len() - 1].to_owned(),
        "ef1:1:".to_owned() + &"A".repeat(82),
        "ef1:7:".to_owned() + &"A".repeat(55),
    ];
    texts.extend(
        ["ef1:", "ef1:0:", "ef1:7:", "ef2:7:AAAA", "ef99:", "ef1:7:AQ", "ef1:00:", "ef1"]
            .map(str::to_owned),
    );
    for text in &texts {
        round_trips(&ring, text);
    }
}

#[test]
fn bytes_that_look_like_a_stored_value_round_trip() {
    let ring = ring();
    let mut stored = BotToken::from(BOT_TOKEN).to_stored_with(&ring).unwrap();
    stored[40] ^= 1;
    for bytes in [&stored[..], &stored[..3], &stored[..7], b"\xEF\x66\x32", b"\xEF\x66\x31\0\0\0\0"]
    {
        let sealed = BotTokenBytes::from(bytes).to_stored_with(&ring).unwrap();
        assert!(*BotTokenBytes::from_stored_with(&ring, sealed).unwrap() == *bytes);
    }
}

/// What was read once can be stored as text in a field of its own: only this very field refuses it.
#[test]
fn another_field_may_hold_it() {
    let ring = ring();
    let stored = BotToken::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let nested = SigningSecret::from(stored.clone()).to_stored_text_with(&ring).unwrap();
    let read = SigningSecret::from_stored_text_with(&ring, nested).unwrap();
    assert!(*read == *stored);
}
