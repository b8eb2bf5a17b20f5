//! serde: a field deserializes from plaintext, serializes only if asked to, and then symmetrically.

use std::collections::BTreeMap;

use encrypted_field::{Encrypted, EncryptedField, Keyring, Secret};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::leaks::Scanner;
use tests::secrets::{BOT_TOKEN, CANARY_INTEGER, KEYS, SIGNING_SECRET, UNUSUAL_TEXT, plaintext};

fn first_key() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

fn rotated() -> Keyring {
    Keyring::builder().active(2, KEYS[1]).retired(1, KEYS[0]).build().unwrap()
}

/// The message, which must not hold a secret.
fn message<T>(result: Result<T, serde_json::Error>) -> String {
    let Err(error) = result else { panic!("no error") };
    let leaks = Scanner::new().scan(format!("{error} {error:?} {error:#?}").as_bytes());
    assert!(leaks.is_empty(), "{leaks:?}");
    error.to_string()
}

fn refused<T: DeserializeOwned>(input: &Value) -> String {
    let message_of_text = message(serde_json::from_str::<T>(&input.to_string()));
    let message_of_value = message(T::deserialize(input));
    assert!(message_of_text.starts_with(&message_of_value), "{message_of_text} / {message_of_value}");
    message_of_value
}

fn read<T: DeserializeOwned>(input: &Value) -> T {
    serde_json::from_str(&input.to_string()).unwrap()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    team: Option<Box<Profile>>,
    limits: BTreeMap<String, i64>,
}

fn profile() -> Profile {
    let team = Profile { name: plaintext("team"), team: None, limits: BTreeMap::new() };
    Profile {
        name: UNUSUAL_TEXT.to_owned(),
        team: Some(Box::new(team)),
        limits: [(plaintext("limit"), CANARY_INTEGER)].into(),
    }
}

/// What comes in: no field asks for `Serialize`.
mod input {
    use super::*;

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
        assert_eq!(error.kind(), encrypted_field::ErrorKind::DoubleEncryption);
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
}

mod plain_output {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
    #[encrypted(table = "plain")]
    struct Plain {
        #[encrypted(String, serialize = "plaintext")]
        token: Token,
        #[encrypted(i64, serialize = "plaintext")]
        pin: Option<Pin>,
        #[encrypted(json = Profile, serialize = "plaintext")]
        profile: Document,
    }

    #[test]
    fn is_what_is_read() {
        let output = json!({ "token": BOT_TOKEN, "pin": CANARY_INTEGER, "profile": profile() });
        let read: Plain = read(&output);
        assert!(serde_json::to_value(&read).unwrap() == output);
        let without = Plain { pin: None, ..read };
        assert!(serde_json::to_value(without).unwrap()["pin"].is_null());
    }

    /// The marker of `redacted` is a text like any other here.
    #[test]
    fn may_be_any_text() {
        assert_eq!(*read::<Token>(&json!("[encrypted]")), *"[encrypted]");
    }
}

mod redacted {
    use super::*;

    const MARKER: &str = "[encrypted]";

    #[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
    #[encrypted(table = "redacted")]
    struct Redacted {
        #[encrypted(String, serialize = "redacted")]
        token: Token,
        #[encrypted(String, serialize = "redacted")]
        secret: Option<SigningSecret>,
        #[encrypted(Vec<u8>, serialize = "redacted")]
        bytes: Option<Bytes>,
        #[encrypted(i64, serialize = "redacted")]
        pin: Option<Pin>,
        #[encrypted(json = Profile, serialize = "redacted")]
        profile: Option<Document>,
        #[encrypted(json = Value, serialize = "redacted")]
        anything: Option<Anything>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Outer {
        rows: Vec<Inner>,
        by_name: BTreeMap<String, Option<Token>>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Inner {
        #[serde(flatten)]
        row: Redacted,
    }

    fn input() -> Value {
        json!({
            "token": BOT_TOKEN,
            "secret": SIGNING_SECRET,
            "bytes": [1],
            "pin": CANARY_INTEGER,
            "profile": profile(),
            "anything": { "a": [plaintext("a")] },
        })
    }

    #[test]
    fn output_is_a_marker_and_null() {
        let full = serde_json::to_value(read::<Redacted>(&input())).unwrap();
        let names = ["token", "secret", "bytes", "pin", "profile", "anything"];
        assert!(names.iter().all(|name| full[name] == MARKER));
        assert_eq!(full.as_object().unwrap().len(), names.len());
        let sparse = read::<Redacted>(&json!({ "token": "" }));
        let sparse = serde_json::to_value(sparse).unwrap();
        assert_eq!(sparse["token"], MARKER);
        assert!(names[1..].iter().all(|name| sparse[name].is_null()));
    }

    #[test]
    fn the_marker_is_refused_wherever_it_stands() {
        for field in ["token", "secret", "bytes", "pin", "profile", "anything"] {
            let mut input = input();
            input[field] = json!(MARKER);
            let message = refused::<Redacted>(&input);
            assert!(message.starts_with(&format!("redacted.{field}: ")), "{message}");
            let nested = json!({ "rows": [input], "by_name": {} });
            assert!(refused::<Outer>(&nested).contains(&format!("redacted.{field}: ")));
        }
        let nested = json!({ "rows": [input()], "by_name": { "a": MARKER } });
        assert_eq!(
            refused::<Outer>(&nested),
            "redacted.token: a redacted value came back as input; leave it out"
        );
    }

    #[test]
    fn what_is_sent_back_changed_is_taken() {
        let outer = json!({ "rows": [input()], "by_name": { "a": plaintext("new"), "b": null } });
        let outer: Outer = read(&outer);
        assert_eq!(*outer.by_name["a"].as_ref().unwrap(), plaintext("new").into());
        assert_eq!(outer.by_name["b"], None);
        // Nearly the marker.
        for token in ["encrypted", "[encrypted] ", "[Encrypted]", "[[encrypted]]", ""] {
            assert_eq!(*read::<Token>(&json!(token)), *token);
        }
    }
}

mod sealed {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, Encrypted)]
    #[encrypted(table = "jobs")]
    struct Job {
        #[encrypted(String, serialize = "sealed")]
        token: Token,
        #[encrypted(i64, serialize = "sealed")]
        pin: Option<Pin>,
        #[encrypted(json = Profile, serialize = "sealed", storage = "binary")]
        profile: Option<Document>,
    }

    fn job() -> Job {
        Job { token: BOT_TOKEN.into(), pin: Some(CANARY_INTEGER.into()), profile: Some(profile().into()) }
    }

    #[test]
    fn output_is_text_that_opens() {
        let _ring = first_key().hold();
        let output = serde_json::to_value(job()).unwrap();
        for field in ["token", "pin", "profile"] {
            assert!(output[field].as_str().unwrap().starts_with("ef1:1:"), "{field}");
        }
        assert!(Scanner::new().scan(output.to_string().as_bytes()).is_empty());
        let read: Job = read(&output);
        assert_eq!(read, job());
        assert_eq!(read.token.key_id().map(|id| id.get()), Some(1));
        assert_ne!(serde_json::to_value(&read).unwrap()["token"], output["token"], "sealed afresh");
    }

    #[test]
    fn none_is_null() {
        let _ring = first_key().hold();
        let sparse = Job { pin: None, profile: None, ..job() };
        let output = serde_json::to_value(&sparse).unwrap();
        assert!(output["pin"].is_null() && output["profile"].is_null());
        assert_eq!(read::<Job>(&output), sparse);
    }

    #[test]
    fn after_a_rotation_it_opens_and_is_stale() {
        let ring = first_key().hold();
        let output = serde_json::to_value(job()).unwrap();
        drop(ring);
        let _ring = rotated().hold();
        let read: Job = read(&output);
        assert_eq!((&read, read.token.is_stale()), (&job(), true));
        assert!(serde_json::to_value(&read).unwrap()["token"].as_str().unwrap().starts_with("ef1:2:"));
    }

    #[test]
    fn it_is_no_value_of_a_column_nor_the_reverse() {
        let _ring = first_key().hold();
        let token = Token::from(BOT_TOKEN);
        let output = serde_json::to_value(&token).unwrap();
        let as_column = Token::from_stored_text(output.as_str().unwrap().to_owned()).unwrap_err();
        assert_eq!(as_column.kind(), encrypted_field::ErrorKind::Authentication);

        let stored = token.to_stored_text().unwrap();
        assert!(
            refused::<Token>(&json!(stored))
                .starts_with("jobs.token: key 1: the stored value does not authenticate")
        );
        // The same by hand.
        assert_eq!(Token::open_text(output.as_str().unwrap()).unwrap(), token);
        assert_eq!(read::<Token>(&json!(token.seal_text().unwrap())), token);
    }

    #[test]
    fn anything_else_is_refused() {
        let ring = first_key().hold();
        let sealed = Token::from(BOT_TOKEN).seal_text().unwrap();
        let others = Pin::from(CANARY_INTEGER).seal_text().unwrap();
        for (input, expected) in [
            (json!(BOT_TOKEN), "jobs.token: the stored value is not encrypted"),
            (json!(""), "jobs.token: the stored value is not encrypted"),
            (json!(CANARY_INTEGER), "jobs.token: not a value of the field's type"),
            (json!(null), "jobs.token: not a value of the field's type"),
            (json!(others), "jobs.token: key 1: the stored value does not authenticate"),
            (json!(sealed.replacen("ef1", "ef2", 1)), "jobs.token: the stored value has a format version"),
            (json!(sealed[..30]), "jobs.token: "),
        ] {
            let message = refused::<Token>(&input);
            assert!(message.starts_with(expected), "{message}");
        }
        drop(ring);
        let _ring = Keyring::builder().active(2, KEYS[1]).build().unwrap().hold();
        assert!(
            refused::<Token>(&json!(sealed)).starts_with("jobs.token: key 1: the key ring does not hold")
        );
    }

    #[test]
    fn what_cannot_be_sealed_is_an_error() {
        let _ring = first_key().hold();
        let twice = Token::from(Token::from(BOT_TOKEN).seal_text().unwrap());
        assert!(message(serde_json::to_string(&twice)).starts_with("jobs.token: "));
        let _ring = Keyring::builder()
            .key(encrypted_field::Key::new(1, KEYS[0]).scope("elsewhere"))
            .build()
            .unwrap()
            .hold();
        assert!(
            message(serde_json::to_string(&job())).contains("no key of this scope and purpose is active")
        );
    }
}

/// Types that have no serde at all are fields like any other.
#[test]
fn a_value_without_serde_compiles() {
    #[derive(Encrypted)]
    #[encrypted(context = "without.serde", serialize = "sealed")]
    struct Amount(Secret<bigdecimal::BigDecimal>);

    let _ring = first_key().hold();
    let amount = Amount::from("1.50".parse::<bigdecimal::BigDecimal>().unwrap());
    let output = serde_json::to_value(&amount).unwrap();
    assert_eq!(read::<Amount>(&output), amount);
}
