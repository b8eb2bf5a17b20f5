//! What a value is bound to: its column, its key's id, its kind, the scope and the purpose of its
//! key. Moved anywhere else, it does not open.

use encrypted_field::{Encrypted, ErrorKind, Key, KeyId, Keyring, Secret, key::Purpose};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::fields::{
    BotToken, FORMS, Form, KINDS, Kind, SigningSecret, SlackToken, open, ring, seal,
};

#[test]
fn another_columns_value() {
    let ring = ring();
    for form in FORMS {
        for kind in KINDS {
            let token = seal(&ring, form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            let error = refused(
                open::<SigningSecret>(&ring, form, kind, &token),
                ErrorKind::Authentication,
            );
            assert_eq!(error.column(), Some("slack_connections.signing_secret"));
            let secret = seal(&ring, form, kind, &SigningSecret::from(BOT_TOKEN)).unwrap();
            refused(open::<BotToken>(&ring, form, kind, &secret), ErrorKind::Authentication);
        }
    }
}

/// A context is not the beginning of another's, nor the same in other letters.
#[test]
fn contexts_that_resemble_each_other() {
    macro_rules! refuses {
        ($($context:literal)+) => {$({
            #[derive(Encrypted)]
            #[encrypted(context = $context)]
            struct Other(Secret<String>);
            for form in FORMS {
                let token = seal(&ring(), form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
                refused(open::<Other>(&ring(), form, Kind::Column, &token), ErrorKind::Authentication);
            }
        })+};
    }
    refuses!("slack_connections.bot_toke" "slack_connections.bot_tokens" "slack_connections.bot_token "
        "SLACK_CONNECTIONS.BOT_TOKEN" "slack_connections" "bot_token" "slack_connections_bot.token"
        "\"slack_connections\".\"bot_token\"" "public.slack_connections.bot_token" "slack_connections.bot_tokеn");
}

#[test]
fn a_detached_value_is_no_column_and_a_column_is_not_detached() {
    let ring = ring();
    for form in FORMS {
        let stored = seal(&ring, form, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
        refused(open::<BotToken>(&ring, form, Kind::Detached, &stored), ErrorKind::Authentication);
        let detached = seal(&ring, form, Kind::Detached, &BotToken::from(BOT_TOKEN)).unwrap();
        refused(open::<BotToken>(&ring, form, Kind::Column, &detached), ErrorKind::Authentication);
        assert!(open::<BotToken>(&ring, form, Kind::Column, &stored).is_ok());
        assert!(open::<BotToken>(&ring, form, Kind::Detached, &detached).is_ok());
    }
}

/// Even where both ids have the same bytes, which a ring would have to be given by mistake.
#[test]
fn relabelled_with_another_keys_id() {
    let one = ring();
    let other = Keyring::builder().active(9, KEYS[0]).build().unwrap();
    let both = Keyring::builder().active(9, KEYS[1]).retired(7, KEYS[0]).build().unwrap();
    let binary = seal(&one, Form::Binary, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    let text = seal(&one, Form::Text, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();

    let mut binary_of_9 = binary.clone();
    binary_of_9[6] = 9;
    let mut text_of_9 = text.clone();
    text_of_9[4] = b'9';
    for (form, relabelled) in [(Form::Binary, &binary_of_9), (Form::Text, &text_of_9)] {
        for ring in [&other, &both] {
            let error = refused(
                open::<BotToken>(ring, form, Kind::Column, relabelled),
                ErrorKind::Authentication,
            );
            assert_eq!(error.key_id(), KeyId::new(9));
        }
        let error =
            refused(open::<BotToken>(&one, form, Kind::Column, relabelled), ErrorKind::UnknownKey);
        assert_eq!(error.key_id(), KeyId::new(9));
    }
    for (form, stored) in [(Form::Binary, &binary), (Form::Text, &text)] {
        assert!(open::<BotToken>(&both, form, Kind::Column, stored).is_ok());
        refused(open::<BotToken>(&other, form, Kind::Column, stored), ErrorKind::UnknownKey);
    }
}

fn scoped() -> Keyring {
    Keyring::builder()
        .active(7, KEYS[0])
        .key(Key::new(3, KEYS[2]).scope("slack"))
        .key(Key::new(4, KEYS[3]).scope("Slack"))
        .key(Key::new(5, KEYS[4]).purpose(Purpose::Index))
        .key(Key::new(6, KEYS[5]).purpose(Purpose::File))
        .build()
        .unwrap()
}

/// Refused before any cryptography: a value that is not authentic gets the same answer as one that
/// is.
#[test]
fn a_key_of_another_scope() {
    let ring = scoped();
    for form in FORMS {
        for kind in KINDS {
            let default = seal(&ring, form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            let slack = seal(&ring, form, kind, &SlackToken::from(BOT_TOKEN)).unwrap();
            assert!(open::<BotToken>(&ring, form, kind, &default).is_ok());
            assert!(open::<SlackToken>(&ring, form, kind, &slack).is_ok());

            for tail in [None, Some(b'A')] {
                let damaged = |sealed: &[u8]| {
                    let mut sealed = sealed.to_vec();
                    // A character that leaves the text canonical.
                    if let Some(byte) = tail {
                        let at = sealed.len() - 4;
                        sealed[at] = if sealed[at] == byte { b'B' } else { byte };
                    }
                    sealed
                };
                let error = refused(
                    open::<SlackToken>(&ring, form, kind, &damaged(&default)),
                    ErrorKind::ScopeMismatch,
                );
                assert_eq!(error.key_id(), KeyId::new(7));
                let error = refused(
                    open::<BotToken>(&ring, form, kind, &damaged(&slack)),
                    ErrorKind::ScopeMismatch,
                );
                assert_eq!(error.key_id(), KeyId::new(3));
            }
        }
    }
}

/// Scopes are compared byte by byte: `Slack` is another one.
#[test]
fn scopes_that_resemble_each_other() {
    let ring = scoped();
    let slack = seal(&ring, Form::Binary, Kind::Column, &SlackToken::from(BOT_TOKEN)).unwrap();
    for id in [4, 7] {
        let mut relabelled = slack.clone();
        relabelled[6] = id;
        refused(
            open::<SlackToken>(&ring, Form::Binary, Kind::Column, &relabelled),
            ErrorKind::ScopeMismatch,
        );
    }
}

#[test]
fn a_key_of_another_purpose() {
    let ring = scoped();
    let good = seal(&ring, Form::Binary, Kind::Column, &BotToken::from(BOT_TOKEN)).unwrap();
    for id in [5, 6] {
        let mut relabelled = good.clone();
        relabelled[6] = id;
        let error = refused(
            open::<BotToken>(&ring, Form::Binary, Kind::Column, &relabelled),
            ErrorKind::PurposeMismatch,
        );
        assert_eq!(error.key_id(), KeyId::new(id.into()));
    }
}

#[test]
fn without_a_key_of_the_scope_nothing_is_sealed() {
    let only_default = ring();
    let error = refused(
        seal(&only_default, Form::Text, Kind::Column, &SlackToken::from(BOT_TOKEN)),
        ErrorKind::NoActiveKey,
    );
    assert!(error.to_string().contains("\"slack\""), "{error}");
    // Index and file keys seal no fields.
    let other_purposes =
        Keyring::builder().key(Key::new(5, KEYS[4]).purpose(Purpose::Index)).build().unwrap();
    let error = refused(
        seal(&other_purposes, Form::Text, Kind::Column, &BotToken::from(BOT_TOKEN)),
        ErrorKind::NoActiveKey,
    );
    assert!(error.to_string().contains("default scope"), "{error}");
}
