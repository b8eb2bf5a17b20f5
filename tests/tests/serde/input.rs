//! What comes in, where no field asks for `Serialize`: plaintext.

use encrypted_field::{Encrypted, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::leaks::Scanner;
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER, SIGNING_SECRET};

use crate::{Profile, first_key, message, profile, read, refused};

#[derive(Debug, PartialEq, Deserialize, Encrypted)]
#[encrypted(table = "input")]
struct Input {
    #[encrypted(String)]
    token: Token,
    #[encrypted(String)]
    secret: Option<SigningSecret>,
    #[encrypted(Vec<u8>)]
    bytes: Bytes,
    #[encrypted(i64)]
    pin: Pin,
    #[encrypted(bool)]
    admin: Admin,
    #[encrypted(json = Profile)]
    profile: Document,
}

fn input() -> Value {
    json!({
        "token": BOT_TOKEN,
        "bytes": CANARY_INTEGER.to_be_bytes(),
        "pin": CANARY_INTEGER,
        "admin": true,
        "profile": profile(),
    })
}

#[test]
fn is_plaintext() {
    let read: Input = read(&input());
    assert_eq!((&*read.token, &*read.bytes), (BOT_TOKEN, &CANARY_INTEGER.to_be_bytes()[..]));
    assert_eq!((*read.pin, *read.admin, &*read.profile), (CANARY_INTEGER, true, &profile()));
    assert_eq!(read.secret, None);
    assert!(!read.token.is_stale() && !read.token.is_legacy() && read.token.key_id().is_none());
    assert!(Scanner::new().scan(format!("{read:?} {read:#?}").as_bytes()).is_empty());
}

#[test]
fn null_is_none() {
    let mut input = input();
    for (secret, expected) in [
        (json!(null), None),
        (json!(""), Some("".into())),
        (json!(SIGNING_SECRET), Some(SIGNING_SECRET.into())),
    ] {
        input["secret"] = secret;
        assert_eq!(read::<Input>(&input).secret, expected);
    }
    input["token"] = json!(null);
    assert!(refused::<Input>(&input).contains("input.token: not a value of the field's type"));
}

/// serde's own error would quote what stands there.
#[test]
fn of_another_type_is_refused_without_quoting_it() {
    let wrong = [
        ("token", json!(CANARY_INTEGER)),
        ("token", json!([BOT_TOKEN])),
        ("secret", json!({ "name": BOT_TOKEN })),
        ("bytes", json!(BOT_TOKEN)),
        ("pin", json!(BOT_TOKEN)),
        ("admin", json!(BOT_TOKEN)),
        ("admin", json!(CANARY_INTEGER)),
        ("profile", json!(BOT_TOKEN)),
        ("profile", json!({ "name": "", "team": BOT_TOKEN, "limits": {} })),
        ("profile", json!({ "name": "", "team": null, "limits": { "a": BOT_TOKEN } })),
    ];
    for (field, value) in wrong {
        let mut input = input();
        input[field] = value;
        let message = refused::<Input>(&input);
        assert_eq!(message, format!("input.{field}: not a value of the field's type"));
    }
    // Where it stands is told where the format knows it.
    let text = format!("{{\"token\": {CANARY_INTEGER}}}");
    assert!(message(serde_json::from_str::<Input>(&text)).contains(" at line 1 column "));
}

/// What was sealed elsewhere is a text like any other: nothing is detected.
#[test]
fn that_is_sealed_is_a_plaintext() {
    let _ring = first_key().hold();
    let sealed = Token::from(BOT_TOKEN).seal_text().unwrap();
    assert_eq!(*read::<Token>(&json!(sealed)), *sealed);
    // And writing it would encrypt it twice.
    let error = read::<Token>(&json!(sealed)).to_stored().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DoubleEncryption);
}

trait IfSerialize<Guard> {
    const ANSWER: () = ();
}
impl<T> IfSerialize<()> for T {}
struct Ambiguous;
impl<T: Serialize> IfSerialize<Ambiguous> for T {}

// Does not compile for a type that is `Serialize`: both impls would fit.
const _: () = <Token as IfSerialize<_>>::ANSWER;
const _: () = <Document as IfSerialize<_>>::ANSWER;
const _: () = <Option<SigningSecret> as IfSerialize<_>>::ANSWER;
