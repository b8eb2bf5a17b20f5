//! What an error says: the column, the key, what to do. `tests::refused` looks at every other error
//! of these tests; here are the words.

use encrypted_field::{
    EncryptedFieldExt, Error, ErrorFamily, ErrorKind, Key, Keyring, install, key::KeyState,
};
use tests::secrets::{BOT_TOKEN, KEYS};
use tests::{assert_no_secret, refused};

use crate::fields::{
    BotToken, FORMS, Form, Kind, SlackToken, Typed, open, read_as, ring, rotated, seal,
};

/// One error of each kind that needs no database and no environment, with words that must be in it.
fn errors() -> Vec<(Error, ErrorKind, &'static [&'static str])> {
    let (ring, token) = (ring(), BotToken::from(BOT_TOKEN));
    let stored = token.to_stored_text_with(&ring).unwrap();
    let read = |ring: &Keyring, text: &str| {
        BotToken::from_stored_text_with(ring, text.to_owned()).map(drop).unwrap_err()
    };
    let with_7 = |state| {
        Keyring::builder()
            .active(8, KEYS[1])
            .key(Key::new(7, KEYS[0]).state(state))
            .build()
            .unwrap()
    };
    let bound = {
        let mut stored = token.to_stored_with(&ring).unwrap();
        stored[7] = 0x21;
        BotToken::from_stored_with(&ring, stored).map(drop).unwrap_err()
    };
    let slack = Keyring::builder()
        .active(7, KEYS[0])
        .key(Key::new(3, KEYS[2]).scope("slack"))
        .build()
        .unwrap();
    let index = Keyring::builder()
        .key(Key::new(7, KEYS[0]).purpose(encrypted_field::key::Purpose::Index))
        .build()
        .unwrap();
    let double = BotToken::from(&*stored).to_stored_text_with(&ring).unwrap_err();
    let other_keys = Keyring::builder().active(7, KEYS[4]).build().unwrap();
    vec![
        (double, ErrorKind::DoubleEncryption, &["pass the plaintext"]),
        (
            seal(&ring, Form::Text, Kind::Column, &Typed::<u128>::new(u128::MAX)).unwrap_err(),
            ErrorKind::Unrepresentable,
            &["records.value", "i128::MAX"],
        ),
        (
            read(&ring, BOT_TOKEN),
            ErrorKind::NotEncrypted,
            &["legacy = plaintext", "the database's default", "the row is committed"],
        ),
        (read(&ring, &stored[..40]), ErrorKind::Malformed, &["key 7", "column wide enough"]),
        (
            read(&ring, "ef1:07:AQ"),
            ErrorKind::NotEncrypted,
            &["it begins like one; if it was one, it is damaged"],
        ),
        (
            read(&ring, &format!("'{stored}'")),
            ErrorKind::Malformed,
            &["quotation mark stands before"],
        ),
        (read(&ring, &stored.to_lowercase()), ErrorKind::Malformed, &["changed to lower case"]),
        (
            read(&ring, &stored.replacen(":7:A", ":7:_", 1)),
            ErrorKind::Malformed,
            &["key 7", "suite 0xfd, which no version has"],
        ),
        (
            BotToken::from_stored_with(&ring, stored.clone().into_bytes()).map(drop).unwrap_err(),
            ErrorKind::WrongStorage,
            &["text form in a binary column"],
        ),
        (read(&ring, "ef2:7:AQAA"), ErrorKind::UnsupportedVersion, &["version 2", "upgrade"]),
        (read(&ring, "ef1:7:AgAA"), ErrorKind::UnsupportedSuite, &["key 7", "0x02", "upgrade"]),
        (read(&ring, "ef1:0:"), ErrorKind::Pending, &["never written"]),
        (bound, ErrorKind::BoundColumns, &["key 7", "bound"]),
        (
            read(&other_keys, &stored),
            ErrorKind::Authentication,
            &["key 7", "another column", "another key"],
        ),
        (
            read_as::<bool>(b"no").unwrap_err(),
            ErrorKind::InvalidPlaintext,
            &["records.value", "key 7", "bool"],
        ),
        (
            SlackToken::from_stored_text_with(&slack, stored.clone()).map(drop).unwrap_err(),
            ErrorKind::ScopeMismatch,
            &["key 7", "scope"],
        ),
        (read(&index, &stored), ErrorKind::PurposeMismatch, &["key 7", "not for fields"]),
        (
            token.to_stored_text_with(&index).unwrap_err(),
            ErrorKind::NoActiveKey,
            &["add one", "default scope"],
        ),
        (
            read(&Keyring::builder().active(8, KEYS[1]).build().unwrap(), &stored),
            ErrorKind::UnknownKey,
            &["key 7", "add it as a retired key"],
        ),
        (
            read(&with_7(KeyState::Disabled), &stored),
            ErrorKind::KeyUnusable,
            &["key 7", "disabled"],
        ),
        (
            read(&with_7(KeyState::Destroyed), &stored),
            ErrorKind::KeyUnusable,
            &["key 7", "destroyed"],
        ),
    ]
}

#[test]
fn every_error_names_its_place_and_the_fix() {
    for (error, kind, words) in errors() {
        assert_eq!(error.kind(), kind, "{error}");
        let column = error.column().expect("the column is known");
        let message = error.to_string();
        assert!(message.starts_with(&format!("{column}: ")), "{message}");
        assert!(["slack_connections.bot_token", "records.value"].contains(&column));
        for word in words {
            assert!(message.contains(word), "no {word:?} in {message}");
        }
        assert!(format!("{error:?}").contains(&format!("kind: {kind:?}")), "{error:?}");
        // What a panic and `main` print ends with the same words.
        let place = error.key_id().map_or(String::new(), |id| format!("key {id}: "));
        let what = message.strip_prefix(&format!("{column}: {place}")).expect("the place first");
        assert!(format!("{error:?}").ends_with(&format!("message: {what} }}")), "{error:?}");
        assert_no_secret(&error);
        assert!(!message.contains("ef1:7:") && !message.contains(&BOT_TOKEN[..4]), "{message}");
        // One line, for logs.
        assert!(!message.contains('\n') && message.len() < 400, "{message}");
    }
}

#[test]
fn families_tell_who_has_to_act() {
    for (error, kind, _) in errors() {
        let expected = match kind {
            ErrorKind::DoubleEncryption | ErrorKind::Unrepresentable => ErrorFamily::Misuse,
            ErrorKind::NoActiveKey | ErrorKind::UnknownKey | ErrorKind::KeyUnusable => {
                ErrorFamily::Keys
            }
            _ => ErrorFamily::Data,
        };
        assert_eq!(error.kind().family(), expected);
    }
}

/// Offered values that open and hold no value of the type look like those that don't open: with a
/// value made to open under many keys, the difference would tell which of them is here.
#[test]
fn a_detached_value_does_not_tell_that_it_opened() {
    let ring = ring();
    for form in FORMS {
        let not_a_bool = Typed::<String>::new(BOT_TOKEN.into());
        let opens = seal(&ring, form, Kind::Detached, &not_a_bool).unwrap();
        let of_a_column = seal(&ring, form, Kind::Column, &not_a_bool).unwrap();
        let texts = [&opens, &of_a_column].map(|value| {
            let error = refused(
                open::<Typed<bool>>(&ring, form, Kind::Detached, value),
                ErrorKind::Authentication,
            );
            format!("{error} {error:?}")
        });
        assert_eq!(texts[0], texts[1]);
        // Whoever reads a column is told, since it is not he who wrote it.
        refused(
            open::<Typed<bool>>(&ring, form, Kind::Column, &of_a_column),
            ErrorKind::InvalidPlaintext,
        );
    }
}

/// All reasons look the same, or they would tell a forger how far he got.
#[test]
fn authentication_failures_cannot_be_told_apart() {
    let ring = ring();
    let stored = BotToken::from(BOT_TOKEN).to_stored_with(&ring).unwrap();
    let detached = BotToken::from(BOT_TOKEN).seal_with(&ring).unwrap();
    let elsewhere = Typed::<String>::new(BOT_TOKEN.into()).to_stored_with(&ring).unwrap();
    let flipped = |at: usize| {
        let mut stored = stored.clone();
        stored[at] ^= 1;
        stored
    };
    let last = stored.len() - 1;
    let values = [
        flipped(8),
        flipped(20),
        flipped(31),
        flipped(32),
        flipped(last - 16),
        flipped(last),
        detached,
        elsewhere,
    ];
    let texts: Vec<_> = values
        .iter()
        .map(|value| {
            let error = refused(
                open::<BotToken>(&ring, Form::Binary, Kind::Column, value),
                ErrorKind::Authentication,
            );
            format!("{error} {error:?}")
        })
        .collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
}

#[test]
fn an_error_is_found_in_what_wraps_it() {
    #[derive(Debug)]
    struct Outer(Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    let error = || BotToken::from_stored_text_with(&ring(), String::new()).map(drop).unwrap_err();
    let wrapped = std::io::Error::other(Outer(error()));
    assert_eq!(Error::find(&wrapped).map(Error::kind), Some(ErrorKind::NotEncrypted));
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error());
    assert_eq!(Error::find(&*boxed).and_then(Error::column), Some("slack_connections.bot_token"));
    assert!(Error::find(&std::io::Error::other("something else")).is_none());
}

/// It is small enough to be returned, and crosses threads.
#[test]
fn an_error_is_one_pointer() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    // The ring of a process is not needed for any of these; nothing here installs one.
    let _ = (install as fn(Keyring) -> encrypted_field::Result<()>, rotated());
}
