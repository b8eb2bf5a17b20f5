//! No public type prints a secret, however it is asked to.

use std::fmt::Debug;

use encrypted_field::{
    Encrypted, EncryptedField, EncryptedModel, FieldInfo, Key, Keyring, Plaintext, Secret,
    key::{EnvKeys, KeyFile},
    plaintext::{Encoded, PlaintextError},
};
use tests::assert_redacted;
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER, KEYS};

use crate::fields::{BotToken, BotTokenBytes, FORMS, Typed, ring};

/// The texts, after each was searched for secrets.
#[track_caller]
fn printed(value: &dyn Debug) -> String {
    let texts = [
        format!("{value:?}"),
        format!("{value:#?}"),
        format!("{value:x?}"),
        format!("{value:#X?}"),
    ];
    texts.iter().for_each(|text| assert_redacted(text));
    texts[0].clone()
}

#[test]
fn fields() {
    assert_eq!(printed(&BotToken::from(BOT_TOKEN)), "BotToken([encrypted])");
    assert_eq!(
        printed(&Some(BotTokenBytes::from(BOT_TOKEN.as_bytes()))),
        "Some(BotTokenBytes([encrypted]))"
    );
    assert_eq!(printed(&Secret::<String>::new(BOT_TOKEN.into())), "Secret([encrypted])");
    assert_eq!(printed(&Secret::<i64>::new(CANARY_INTEGER)), "Secret([encrypted])");

    let _ring = ring().hold();
    let token = BotToken::from(BOT_TOKEN);
    let read = BotToken::from_stored_text(token.to_stored_text().unwrap()).unwrap();
    assert_eq!(printed(&read), "BotToken([encrypted])");
    assert_eq!(printed(&token.to_stored_value().unwrap()), "StoredValue(..)");
    assert_eq!(printed(&EncryptedField::secret(&token)), "Secret([encrypted])");
    assert_eq!(printed(&BotToken::open_text("nothing").unwrap_err().kind()), "NotEncrypted");
}

#[test]
fn models() {
    #[derive(Debug, Encrypted)]
    #[encrypted(table = "models")]
    struct Model {
        id: i64,
        #[encrypted(String)]
        token: ModelToken,
        #[encrypted(i64)]
        pin: Option<ModelPin>,
    }

    let model = Model { id: 1, token: BOT_TOKEN.into(), pin: Some(CANARY_INTEGER.into()) };
    let text = printed(&model);
    assert!(
        text.contains("token: ModelToken([encrypted])")
            && text.contains("Some(ModelPin([encrypted]))")
    );
    assert!(text.contains(&format!("id: {}", model.id)));
    assert_redacted(&format!("{:?}", Model::FIELDS));
    assert_eq!(FieldInfo::of::<ModelToken>("models", "token"), Model::FIELDS[0]);
    assert!(!model.is_any_stale() && model.pin.is_some());
    drop(model.token);
}

#[test]
fn keys_and_rings() {
    let key = Key::new(7, KEYS[0]).scope("slack").check([9; 32]);
    let text = printed(&key);
    assert!(text.contains("id: 7") && text.contains("slack"), "{text}");
    printed(&Keyring::builder().active(7, KEYS[0]).retired(6, KEYS[1]).key(key));
    let ring = Keyring::builder().active(7, KEYS[0]).retired(6, KEYS[1]).build().unwrap();
    let text = printed(&ring);
    assert!(text.contains("active") && text.contains("retired"), "{text}");
    printed(&ring.get(7));
    printed(&ring.keys().collect::<Vec<_>>());
    printed(&ring.hold());
    printed(&EnvKeys::new());
    printed(&KeyFile::new("/nowhere"));
}

/// A check value may be seen; it is not the key, nor any part of it.
#[test]
fn check_values_show_nothing_of_the_key() {
    for key in KEYS {
        let check = Key::new(1, key).check_value().unwrap();
        assert_redacted(&format!("{check:?} {}", hex::encode(check)));
        assert!(check.windows(4).all(|window| !key.windows(4).any(|part| part == window)));
    }
}

#[test]
fn encoded_plaintexts() {
    let (text, bytes, number) =
        (BOT_TOKEN.to_owned(), BOT_TOKEN.as_bytes().to_vec(), CANARY_INTEGER);
    for encoded in [text.encode(), bytes.encode(), number.encode()] {
        assert_eq!(printed(&encoded.unwrap()), "Encoded(..)");
    }
    for encoded in [
        Encoded::borrowed(BOT_TOKEN.as_bytes()),
        Encoded::inline(BOT_TOKEN.as_bytes()),
        Encoded::owned(BOT_TOKEN.into()),
    ] {
        assert_eq!(printed(&encoded), "Encoded(..)");
    }
    assert!(String::from_utf8_lossy(&Encoded::inline(&[b'x'; 100])) == "x".repeat(100));
    printed(&PlaintextError::new("not UTF-8"));
    let not_utf8 = [BOT_TOKEN.as_bytes(), b"\xFF"].concat();
    printed(&String::decode(not_utf8.clone().into()).unwrap_err());
    printed(&String::from_legacy(&not_utf8).unwrap_err());
}

/// What is stored shows nothing of what it holds.
#[test]
fn stored_values() {
    let ring = ring();
    for form in FORMS {
        for kind in crate::fields::KINDS {
            let sealed =
                crate::fields::seal(&ring, form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            assert_redacted(&String::from_utf8_lossy(&sealed));
            assert_redacted(&hex::encode(&sealed));
            let sealed =
                crate::fields::seal(&ring, form, kind, &Typed::<i64>::new(CANARY_INTEGER)).unwrap();
            assert_redacted(&hex::encode(sealed));
        }
    }
}
