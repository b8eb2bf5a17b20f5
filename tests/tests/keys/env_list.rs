//! `ENCRYPTED_FIELD_KEYS`: `[purpose@][scope/]id:<key>[:<check>]` and `active=id`, separated by
//! commas or on lines.

use encrypted_field::{
    ErrorKind, KeyId,
    key::{KeyState, Purpose},
};
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

/// Wherever it stands in the list.
#[test]
fn the_named_one_is_active_and_the_others_are_retired() {
    let entries = [
        "active=2".to_owned(),
        format!("2:{}", key(1)),
        format!("1:{}", key(0)),
        format!("7:{}", key(2)),
    ];
    for order in [[0, 1, 2, 3], [1, 2, 3, 0], [2, 3, 0, 1], [3, 2, 1, 0]] {
        let ring = env(&[("KEYS", &order.map(|at| &*entries[at]).join(","))]).unwrap();
        assert_eq!(ring.active_key("", Purpose::Field), KeyId::new(2));
        assert_eq!(info(&ring, 2, 1).state, KeyState::Active);
        assert_eq!(info(&ring, 1, 0).state, KeyState::Retired);
        assert_eq!(info(&ring, 7, 2).state, KeyState::Retired);
        assert_eq!(ring.keys().count(), 3);
    }
}

/// `1:old,2:new` would go on sealing under the old key for ever.
#[test]
fn which_of_several_keys_seals_is_not_guessed() {
    let words = &["active=<id>", "the default scope, purpose field", "none of them is named"][..];
    for list in [
        format!("1:{},2:{}", key(0), key(1)),
        format!("2:{},1:{}", key(1), key(0)),
        format!("active=3,1:{},2:{},slack/3:{}", key(0), key(1), key(2)),
    ] {
        invalid(&list, words);
    }
    let slack = format!("1:{},slack/2:{},slack/3:{}", key(0), key(1), key(2));
    invalid(&slack, &["scope \"slack\", purpose field", "active=<id>"]);
    // One that is alone needs no name, and may have one.
    for list in [format!("5:{}", key(0)), format!("5:{},active=5", key(0))] {
        assert_eq!(info(&env(&[("KEYS", &list)]).unwrap(), 5, 0).state, KeyState::Active);
    }
}

#[test]
fn names_of_active_keys_that_say_nothing() {
    let two = format!("1:{},2:{}", key(0), key(1));
    invalid(&format!("active=3,{two}"), &["active=3", "no key with this id"]);
    invalid(&format!("active=1,active=2,{two}"), &["active=1 and active=2", "the default scope"]);
    for id in ["", "0", "01", "x", " 1", "1 2", "1;2"] {
        invalid(&format!("{two},active={id}"), &["entry"]);
    }
    for word in ["ACTIVE=1", "active:1", "active 1", "active=1:x"] {
        invalid(&format!("{word},{two}"), &["entry 1"]);
    }
    // Twice the same says the same.
    assert!(env(&[("KEYS", &format!("active=1,{two},active=1"))]).is_ok());
}

#[test]
fn scopes_and_purposes_each_have_an_active_key() {
    let ring = env(&[(
        "KEYS",
        &format!(
            "active=2,2:{},slack/3:{},index@4:{},1:{},slack/5:{},file@team/one/6:{},\
             index@slack/8:{},active=3",
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
fn spaces_and_line_breaks_around_entries() {
    let (new, old) = (format!("2:{}", key(1)), format!("1:{}", key(0)));
    let checked = format!("2:{}:{}", key(1), check(1));
    for list in [
        format!(" active=2 , {new} , {old} "),
        format!("\nactive=2,\n{new},\n{old}\n"),
        format!("\r\n\tactive=2,{new}\r\n,\r\n\t{old}\r\n"),
        // Without a comma.
        format!("active=2\n{new}\n{old}"),
        format!("{new}\r\n{old}\r\nactive=2\r\n"),
        format!("{checked}\n\n  {old}\n\tactive=2"),
        format!("{checked},active=2\n{old}"),
        // With one at the end.
        format!("{new},{old},active=2,"),
        format!("active=2,{new},{old},\n"),
        format!("active=2\n{new},\n{old} ,\r\n"),
    ] {
        let ring = env(&[("KEYS", &list)]).unwrap();
        assert_eq!(info(&ring, 2, 1).state, KeyState::Active);
        assert_eq!(info(&ring, 1, 0).state, KeyState::Retired);
        assert_eq!(ring.keys().count(), 2);
    }
}

/// A key, or its check value, on more than one line, at every place where it can be wrapped: no
/// line of it is taken for an entry.
#[test]
fn a_wrapped_key_is_one_key() {
    let entry = format!("2:{}:{}", key(1), check(1));
    let other = format!("1:{}", key(0));
    for at in 2..entry.len() {
        for line_break in ["\n", "\r\n", "\n    "] {
            let wrapped = format!("{}{line_break}{}", &entry[..at], &entry[at..]);
            for (list, count) in [
                (wrapped.clone(), 1),
                (format!("{wrapped}\n{other}\nactive=2"), 2),
                (format!("{other}\nactive=2\n{wrapped}"), 2),
                (format!("active=2,{other},{wrapped},"), 2),
            ] {
                let ring = env(&[("KEYS", &list)]).unwrap();
                assert_eq!(info(&ring, 2, 1).state, KeyState::Active, "{at}");
                assert_eq!(ring.keys().count(), count, "{at}");
            }
        }
    }
    // Lines of a few characters.
    let lines = key(0).chars().map(String::from).collect::<Vec<_>>().join("\n");
    info(&env(&[("KEYS", &format!("1:{lines}"))]).unwrap(), 1, 0);
    info(&env(&[("KEY", &lines)]).unwrap(), 1, 0);
    // What is no key when it is joined is none.
    invalid(&format!("1:{}\n{}", key(0), key(1)), &["entry 1", "the key of id 1"]);
    invalid(&format!("1:{}\nsecond", key(0)), &["entry 1", "the key of id 1"]);
    invalid(&format!("1:{}\nx:{}", key(0), key(1)), &["entry 2", "the id is not a number"]);
}

#[test]
fn check_values_are_checked() {
    let ring =
        env(&[("KEYS", &format!("active=2,2:{}:{},1:{}:{}", key(1), check(1), key(0), check(0)))])
            .unwrap();
    assert_eq!(info(&ring, 2, 1).check_value, Some(check_value(1)));
    invalid(&format!("2:{}:{}", key(1), check(0)), &["key 2", "check value"]);
    invalid(
        &format!("active=2,2:{}:{},1:{}:{}", key(1), check(1), key(0), check(1)),
        &["key 1", "check value"],
    );
    // The key in the place of its check value.
    invalid(&format!("2:{}:{}", key(1), key(1)), &["key 2", "check value"]);
    for wrong in
        [String::new(), base64(&check_value(1)[..31]), "?".into(), hex::encode(check_value(1))]
    {
        invalid(&format!("2:{}:{wrong}", key(1)), &["entry 1", "the check value of id 2"]);
    }
}

#[test]
fn empty_entries() {
    for (list, entry) in [
        (",".to_owned(), "entry 1"),
        (" ".to_owned(), "entry 1"),
        ("\n".to_owned(), "entry 1"),
        (format!("1:{},,", key(0)), "entry 2"),
        (format!("1:{}\n,\n,\n", key(0)), "entry 2"),
        (format!(",1:{}", key(0)), "entry 1"),
        (format!("2:{},,1:{}", key(1), key(0)), "entry 2"),
    ] {
        invalid(&list, &[entry, "empty"]);
    }
}

#[test]
fn entries_of_another_shape() {
    for entry in [
        key(0),
        "1".into(),
        format!("1={}", key(0)),
        format!("1:{}:{}:x", key(0), check(0)),
        "1;x".into(),
    ] {
        invalid(&entry, &["entry 1", "id:key", "[purpose@][scope/]id:key[:check]"]);
    }
    // Another separator swallows the next entry.
    invalid(&format!("1:{};2:{}", key(0), key(1)), &["entry 1"]);
    invalid(&format!("1:{} 2:{}", key(0), key(1)), &["entry 1"]);
}

#[test]
fn ids() {
    for id in
        ["0", "00", "01", "+1", "-1", "1.0", "0x1", "1e3", "4294967296", "", "one", "١", "1 ", " 1"]
    {
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
        (key(1).replace('+', "-").replace('/', "_") + "-", "URL-safe"),
        (format!("{} {}", &key(0)[..20], &key(0)[20..]), "white space stands in it"),
        ("<your key here>".into(), "padding"),
        (format!("{BOT_TOKEN}!"), "padding"),
    ] {
        invalid(&format!("3:{}", text), &["entry 1", "the key of id 3", words]);
        invalid(&format!("4:{},slack/3:{}", key(2), text), &["entry 2", "the key of id 3", words]);
    }
}

/// As secret stores, env files and other libraries hand keys over: the error says what is around
/// the key, and does not show it.
#[test]
fn what_came_along_with_a_key_is_named() {
    let (quotes, mark) = ("quotes stand around it", "a byte order mark stands before it");
    // A key with both characters in which the alphabets differ.
    let url_safe = {
        let mut bytes = KEYS[1];
        bytes[..3].copy_from_slice(&[0xfb, 0xff, 0xbf]);
        base64(&bytes).replace('+', "-").replace('/', "_")
    };
    assert!(url_safe.contains('-') && url_safe.contains('_'));
    let prefix = "the prefix `base64:` stands before it";
    for (text, word) in [
        (format!("\"{}\"", key(0)), quotes),
        (format!("'{}'", key(0)), quotes),
        (format!("{}\"", key(0)), quotes),
        (format!("“{}”", key(0)), quotes),
        (format!("\u{feff}{}", key(0)), mark),
        (format!("base64:{}", key(0)), prefix),
        (format!("base64:{}:{}", key(0), check(0)), prefix),
        (url_safe.clone(), "URL-safe alphabet"),
        (url_safe.replace('=', ""), "URL-safe alphabet"),
        (key(0).replace('=', ""), "its padding is missing"),
    ] {
        invalid(&format!("active=4,4:{},3:{text}", key(2)), &["entry 3", word]);
        let alone = refused(env(&[("KEY", &text)]), ErrorKind::InvalidKeys).to_string();
        assert!(alone.contains("ENCRYPTED_FIELD_KEY: ") && alone.contains(word), "{alone}");
    }
    let list = format!("1:{}", key(0));
    for (text, word) in [
        (format!("\"{list}\""), quotes),
        (format!(" '{list}'\n"), quotes),
        (format!("\u{feff}{list}"), mark),
        (format!("\u{feff}\r\n{list}\r\n"), mark),
        ("{\"format\": \"encrypted-field key file\"}".to_owned(), "`Keyring::from_file`"),
        ("/run/secrets/keys".to_owned(), "a path goes into ENCRYPTED_FIELD_KEYS_FILE"),
    ] {
        invalid(&text, &[word]);
    }
    invalid(&format!("base64:{}", key(0)), &["entry 1", prefix]);
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
