//! `ENCRYPTED_FIELD_KEYS`: `[purpose@][scope/]id:<key>[:<check>]`, separated by commas.

use encrypted_field::{ErrorKind, KeyId, KeyState, Purpose};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

use crate::support::{base64, check, check_value, env, info, key};

#[track_caller]
fn invalid(list: &str, words: &[&str]) {
    let error = refused(env(&[("KEYS", list)]), ErrorKind::InvalidKeys);
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
    assert!(message.contains("ENCRYPTED_FIELD_KEYS"), "{message}");
}

#[test]
fn the_first_is_active_and_the_others_are_retired() {
    let ring = env(&[("KEYS", &format!("2:{},1:{},7:{}", key(1), key(0), key(2)))]).unwrap();
    assert_eq!(ring.active_key("", Purpose::Field), KeyId::new(2));
    assert_eq!(info(&ring, 2, 1).state, KeyState::Active);
    assert_eq!(info(&ring, 1, 0).state, KeyState::Retired);
    assert_eq!(info(&ring, 7, 2).state, KeyState::Retired);
    assert_eq!(ring.keys().count(), 3);
}

#[test]
fn scopes_and_purposes_each_have_an_active_key() {
    let ring = env(&[(
        "KEYS",
        &format!(
            "2:{},slack/3:{},index@4:{},1:{},slack/5:{},file@team/one/6:{},index@slack/8:{}",
            key(0),
            key(1),
            key(2),
            key(3),
            key(4),
            key(5),
            key(6)
        ),
    )])
    .unwrap();
    for (scope, purpose, id) in [
        ("", Purpose::Field, Some(2)),
        ("slack", Purpose::Field, Some(3)),
        ("", Purpose::Index, Some(4)),
        ("team/one", Purpose::File, Some(6)),
        ("slack", Purpose::Index, Some(8)),
        ("", Purpose::File, None),
        ("slac", Purpose::Field, None),
        ("Slack", Purpose::Field, None),
    ] {
        assert_eq!(ring.active_key(scope, purpose).map(KeyId::get), id, "{scope} {purpose:?}");
    }
    assert_eq!(info(&ring, 1, 3).state, KeyState::Retired);
    assert_eq!(info(&ring, 5, 4).state, KeyState::Retired);
    assert_eq!((info(&ring, 6, 5).scope, info(&ring, 6, 5).purpose), ("team/one", Purpose::File));
    let field = env(&[("KEYS", &format!("field@1:{}", key(0)))]).unwrap();
    assert_eq!(info(&field, 1, 0).purpose, Purpose::Field);
}

#[test]
fn spaces_and_newlines_around_entries() {
    for list in [
        format!(" 2:{} , 1:{} ", key(1), key(0)),
        format!("\n2:{},\n1:{}\n", key(1), key(0)),
        format!("\r\n\t2:{}\r\n,\r\n\t1:{}\r\n", key(1), key(0)),
    ] {
        let ring = env(&[("KEYS", &list)]).unwrap();
        assert_eq!(info(&ring, 2, 1).state, KeyState::Active);
        assert_eq!(info(&ring, 1, 0).state, KeyState::Retired);
    }
}

#[test]
fn check_values_are_checked() {
    let ring = env(&[("KEYS", &format!("2:{}:{},1:{}:{}", key(1), check(1), key(0), check(0)))]).unwrap();
    assert_eq!(info(&ring, 2, 1).check_value, Some(check_value(1)));
    invalid(&format!("2:{}:{}", key(1), check(0)), &["key 2", "check value"]);
    invalid(&format!("2:{}:{},1:{}:{}", key(1), check(1), key(0), check(1)), &["key 1", "check value"]);
    // The key in the place of its check value.
    invalid(&format!("2:{}:{}", key(1), key(1)), &["key 2", "check value"]);
    for wrong in [String::new(), base64(&check_value(1)[..31]), "?".into(), hex::encode(check_value(1))] {
        invalid(&format!("2:{}:{wrong}", key(1)), &["entry 1", "the check value of id 2"]);
    }
}

#[test]
fn empty_entries() {
    for (list, entry) in [
        (",".to_owned(), "entry 1"),
        (" ".to_owned(), "entry 1"),
        ("\n".to_owned(), "entry 1"),
        (format!("1:{},", key(0)), "entry 2"),
        (format!(",1:{}", key(0)), "entry 1"),
        (format!("2:{},,1:{}", key(1), key(0)), "entry 2"),
    ] {
        invalid(&list, &[entry, "empty"]);
    }
}

#[test]
fn entries_of_another_shape() {
    for entry in
        [key(0), "1".into(), format!("1={}", key(0)), format!("1:{}:{}:x", key(0), check(0)), "1;x".into()]
    {
        invalid(&entry, &["entry 1", "id:key", "[purpose@][scope/]id:key[:check]"]);
    }
    // Another separator swallows the next entry.
    invalid(&format!("1:{};2:{}", key(0), key(1)), &["entry 1"]);
    invalid(&format!("1:{} 2:{}", key(0), key(1)), &["entry 1"]);
}

#[test]
fn ids() {
    for id in ["0", "00", "01", "+1", "-1", "1.0", "0x1", "1e3", "4294967296", "", "one", "١", "1 ", " 1"] {
        let list = format!("2:{},x/{id}:{}", key(1), key(0));
        invalid(&list, &["entry 2", "the id is not a number from 1 to 4294967295"]);
    }
    let ring = env(&[("KEYS", &format!("4294967295:{}", key(0)))]).unwrap();
    assert_eq!(info(&ring, u32::MAX, 0).id.get(), u32::MAX);
}

#[test]
fn the_same_id_twice() {
    for list in [
        format!("1:{},1:{}", key(0), key(1)),
        format!("1:{},1:{}", key(0), key(0)),
        format!("2:{},1:{},2:{}", key(0), key(1), key(2)),
        format!("1:{},slack/1:{}", key(0), key(1)),
        format!("1:{},index@1:{}", key(0), key(1)),
    ] {
        invalid(&list, &["twice"]);
    }
}

#[test]
fn keys_that_are_not_32_bytes_in_base64() {
    for (text, words) in [
        (String::new(), "0 bytes; it must be 32"),
        (base64(&KEYS[0][..31]), "31 bytes; it must be 32"),
        (base64(&[&KEYS[0][..], b"\0"].concat()), "33 bytes; it must be 32"),
        (base64(&KEYS[0][..16]), "16 bytes; it must be 32"),
        (base64(&[KEYS[0], KEYS[1]].concat()), "64 bytes; it must be 32"),
        (hex::encode(KEYS[0]), "64 hex digits"),
        (hex::encode_upper(KEYS[0]), "64 hex digits"),
        (key(0).trim_end_matches('=').to_owned(), "padding"),
        (key(0) + "=", "padding"),
        (key(1).replace('+', "-").replace('/', "_") + "-", "padding"),
        (format!("{} {}", &key(0)[..20], &key(0)[20..]), "padding"),
        (format!("{}\n{}", &key(0)[..20], &key(0)[20..]), "padding"),
        (format!("\"{}\"", key(0)), "padding"),
        ("<your key here>".into(), "padding"),
        (format!("{BOT_TOKEN}!"), "padding"),
    ] {
        invalid(&format!("3:{}", text), &["entry 1", "the key of id 3", words]);
        invalid(&format!("4:{},slack/3:{}", key(2), text), &["entry 2", "the key of id 3", words]);
    }
}

/// The last character of 32 bytes holds two bits too many: one key has one spelling.
#[test]
fn trailing_bits_in_base64() {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = key(0);
    let last = alphabet.find(&text[42..43]).unwrap();
    for spare in 1..4 {
        let other = &alphabet[last + spare..=last + spare];
        invalid(&format!("1:{}{other}=", &text[..42]), &["entry 1"]);
    }
}

#[test]
fn unknown_purposes_and_empty_scopes() {
    for purpose in ["fields", "Field", "", "idx", "sign", "fi eld", "field "] {
        invalid(&format!("{purpose}@1:{}", key(0)), &["entry 1", "field, index or file"]);
    }
    invalid(&format!("field@field@1:{}", key(0)), &["entry 1"]);
    invalid(&format!("/1:{}", key(0)), &["entry 1", "scope"]);
    invalid(&format!("index@/1:{}", key(0)), &["entry 1", "scope"]);
}

/// Keys that end up in a wrong place are not shown either: the scanner of `refused` looks for them.
#[test]
fn a_key_in_any_place_is_not_quoted() {
    let secret = key(0);
    for list in [
        format!("{secret}:1"),
        format!("{secret}/1:x"),
        format!("{secret}@1:x"),
        format!("1:{secret}{secret}"),
        format!("1:{}:{secret}?", key(1)),
        format!("{secret},{secret}"),
        format!("{BOT_TOKEN}:{BOT_TOKEN}"),
        format!("{BOT_TOKEN}@{BOT_TOKEN}/{BOT_TOKEN}:{BOT_TOKEN}"),
    ] {
        refused(env(&[("KEYS", &list)]), ErrorKind::InvalidKeys);
    }
}
