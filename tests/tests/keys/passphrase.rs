//! A key from a passphrase: Argon2id, 64 MiB, 3 passes, 4 lanes, version 0x13.

use encrypted_field::{
    Encrypted, EncryptedFieldExt, ErrorKind, Key, Keyring, Result, Secret, key::KeyState,
};
use tests::secrets::{BOT_TOKEN, KEYS, PASSPHRASE, UNUSUAL_TEXT};
use tests::{assert_redacted, refused};

use crate::support::{base64, env};

#[derive(Encrypted)]
#[encrypted(context = "passphrase.token")]
struct Token(Secret<String>);

const SALT: &[u8] = b"sixteen bytes ok";

fn derived(passphrase: &str, salt: &str) -> Result<Keyring> {
    env(&[("PASSPHRASE", passphrase), ("SALT", salt)])
}

fn check(ring: &Keyring) -> String {
    hex::encode(ring.get(1).unwrap().check_value.unwrap())
}

/// Computed with argon2-cffi (the reference implementation of RFC 9106 in C) and Python's `hmac`:
///
/// ```python
/// key = hash_secret_raw(passphrase, salt, time_cost=3, memory_cost=65536, parallelism=4, hash_len=32,
///                       type=Type.ID, version=0x13)
/// hmac.new(key, b"encrypted-field/v1/check\0\x01", hashlib.sha256).hexdigest()
/// ```
#[test]
fn known_answers() {
    let ring = derived(PASSPHRASE, &base64(SALT)).unwrap();
    assert_eq!(check(&ring), "e02910f9a08e1e497ba5ae65cdb0f9eac41abae3cb0726c353bb5d9f91bb78b0");
    assert_eq!(ring.get(1).map(|key| key.state), Some(KeyState::Active));
    assert_eq!(ring.keys().count(), 1);

    // UTF-8, with a space at its end that counts, and a longer salt.
    let passphrase = UNUSUAL_TEXT.replace("\0-", "") + " ";
    let salt: Vec<u8> = (1..33).collect();
    let ring = derived(&passphrase, &base64(&salt)).unwrap();
    assert_eq!(check(&ring), "162e300204eb1335de3109f4443bda1f53f1c33453f9fcfbfeb313f64e4e9cdb");
}

#[test]
fn another_passphrase_or_salt_is_another_key() {
    let ring = derived(PASSPHRASE, &base64(SALT)).unwrap();
    let stored = Token::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let again = derived(PASSPHRASE, &format!(" {}\n", base64(SALT))).unwrap();
    assert!(&*Token::from_stored_text_with(&again, stored.clone()).unwrap() == BOT_TOKEN);
    for other in [
        derived(&format!("{PASSPHRASE} "), &base64(SALT)),
        derived(&PASSPHRASE.to_lowercase(), &base64(SALT)),
        derived(PASSPHRASE, &base64(b"sixteen bytes oK")),
        derived(PASSPHRASE, &base64(&[SALT, b"\0"].concat())),
    ] {
        let other = other.unwrap();
        assert_ne!(check(&other), check(&ring));
        refused(Token::from_stored_text_with(&other, stored.clone()), ErrorKind::Authentication);
    }
}

#[test]
fn without_a_salt_or_without_a_passphrase() {
    for variables in
        [&[("PASSPHRASE", PASSPHRASE)][..], &[("PASSPHRASE", PASSPHRASE), ("SALT", "")]]
    {
        let message = refused(env(variables), ErrorKind::InvalidKeys).to_string();
        assert!(
            message.contains("ENCRYPTED_FIELD_PASSPHRASE needs ENCRYPTED_FIELD_SALT"),
            "{message}"
        );
        assert!(message.contains("openssl rand -base64 16"), "{message}");
    }
    let message = refused(env(&[("SALT", &base64(SALT))]), ErrorKind::InvalidKeys).to_string();
    assert!(
        message.contains("ENCRYPTED_FIELD_SALT is set without ENCRYPTED_FIELD_PASSPHRASE"),
        "{message}"
    );
}

#[test]
fn salts_that_can_not_be_used() {
    for (salt, word) in [
        (base64(&SALT[..15]), "the salt has 15 bytes and needs 16"),
        (base64(b"x"), "the salt has 1 bytes and needs 16"),
        (" ".to_owned(), "the salt has 0 bytes and needs 16"),
        (base64(SALT).replace('=', ""), "ENCRYPTED_FIELD_SALT: not base64"),
        ("sixteen bytes ok".to_owned(), "ENCRYPTED_FIELD_SALT: not base64"),
        (base64(SALT) + "=", "ENCRYPTED_FIELD_SALT: not base64"),
    ] {
        let message = refused(derived(PASSPHRASE, &salt), ErrorKind::InvalidKeys).to_string();
        assert!(message.contains(word), "{message}");
    }
}

/// To rotate away from a passphrase, its key stays beside the new one.
#[test]
fn beside_other_keys() {
    let derived_key = Key::from_passphrase(1, PASSPHRASE, SALT).unwrap();
    assert_redacted(&format!("{derived_key:?}"));
    let ring = derived(PASSPHRASE, &base64(SALT)).unwrap();
    assert_eq!(derived_key.check_value(), ring.get(1).unwrap().check_value);

    let stored = Token::from(BOT_TOKEN).to_stored_text_with(&ring).unwrap();
    let rotated = Keyring::builder()
        .active(2, KEYS[0])
        .key(derived_key.state(KeyState::Retired))
        .build()
        .unwrap();
    let read = Token::from_stored_text_with(&rotated, stored).unwrap();
    assert!(&*read == BOT_TOKEN && read.is_stale_with(&rotated));
    for (passphrase, salt) in
        [(PASSPHRASE, &SALT[..15]), (&PASSPHRASE[..11], SALT), ("", SALT), (PASSPHRASE, b"")]
    {
        refused(Key::from_passphrase(1, passphrase, salt), ErrorKind::InvalidKeys);
    }
}

/// From a file, an env file or an editor. Whoever types the passphrase later has none of it, and
/// would have another key.
#[test]
fn what_came_along_with_a_passphrase_is_refused() {
    let (line, mark, quotes) = ("a line break", "a byte order mark", "quotes stand around it");
    for (passphrase, word) in [
        (format!("{PASSPHRASE}\n"), line),
        (format!("{PASSPHRASE}\r\n"), line),
        (format!("{PASSPHRASE}\r"), line),
        (format!("\n{PASSPHRASE}"), line),
        (format!("{PASSPHRASE}\n{PASSPHRASE}"), line),
        (format!("\u{feff}{PASSPHRASE}"), mark),
        (format!("\"{PASSPHRASE}\""), quotes),
        (format!("'{PASSPHRASE}'"), quotes),
    ] {
        let by_variable = derived(&passphrase, &base64(SALT)).map(drop);
        let by_hand = Key::from_passphrase(1, &passphrase, SALT).map(drop);
        let kek = encrypted_field::envelope::LocalKek::from_passphrase(&passphrase, SALT).map(drop);
        for result in [by_variable, by_hand, kek] {
            let message = refused(result, ErrorKind::InvalidKeys).to_string();
            assert!(message.contains(word), "{message}");
        }
    }
    // Quotes in it, or at one end, are somebody's choice.
    for passphrase in
        [format!("{PASSPHRASE}\""), format!("\"{PASSPHRASE}'"), "\"a\" or 'b' or c".into()]
    {
        Key::from_passphrase(1, &passphrase, SALT).unwrap();
    }
}

#[test]
fn a_passphrase_that_is_too_short() {
    let message =
        refused(derived(&PASSPHRASE[..11], &base64(SALT)), ErrorKind::InvalidKeys).to_string();
    assert!(message.contains("shorter than 12 bytes"), "{message}");
}
