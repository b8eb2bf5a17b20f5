//! JSON of any serde type.

use std::collections::{BTreeMap, HashMap, HashSet};

use encrypted_field::{Encrypted, EncryptedFieldExt, ErrorKind, Json, Plaintext, Secret};
use serde::{Deserialize, Serialize};
use tests::refused;
use tests::secrets::{CANARY, plaintext as secret};

use crate::fields::{Typed, plaintext, read_as, ring, round_trip};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    scopes: Vec<String>,
    age: Option<u8>,
    kind: Kind,
    extra: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Bot,
    User { id: i64 },
    Pair(u8, String),
}

fn profile() -> Profile {
    Profile {
        name: secret("\"größe\"\n\0"),
        scopes: vec!["chat:write".into(), String::new()],
        age: None,
        kind: Kind::User { id: i64::MIN },
        extra: BTreeMap::from([("π".into(), 3.25), (String::new(), -0.0)]),
    }
}

#[test]
fn structs_and_enums() {
    let mut bot = profile();
    bot.kind = Kind::Bot;
    let mut pair = profile();
    (pair.kind, pair.age) = (Kind::Pair(255, "x".into()), Some(0));
    for value in [profile(), bot, pair] {
        assert!(round_trip::<Json<Profile>>(value.clone()).iter().all(|read| *read == value));
        assert!(plaintext::<Json<Profile>>(value.clone()) == serde_json::to_vec(&value).unwrap());
    }
}

#[test]
fn values_that_are_not_objects() {
    assert_eq!(round_trip::<Json<()>>(()), [(); 2]);
    assert_eq!(plaintext::<Json<()>>(()), b"null");
    assert_eq!(round_trip::<Json<Option<u8>>>(None), [None; 2]);
    assert_eq!(round_trip::<Json<Vec<u8>>>(vec![]), [vec![0_u8; 0], vec![]]);
    assert_eq!(round_trip::<Json<u128>>(u128::MAX), [u128::MAX; 2]);
    assert_eq!(round_trip::<Json<f64>>(f64::MIN_POSITIVE), [f64::MIN_POSITIVE; 2]);
    let value = serde_json::json!({"a": [1, null, {"b": "\u{0}é"}], "": 1.5e300});
    assert_eq!(round_trip::<Json<serde_json::Value>>(value.clone()), [value.clone(), value]);
}

/// As a newtype, with the value behind `Deref`.
#[test]
fn through_the_derive() {
    #[derive(Encrypted)]
    #[encrypted(context = "users.profile")]
    struct EncryptedProfile(Secret<Json<Profile>>);

    let ring = ring();
    let stored = EncryptedProfile::from(profile()).to_stored_text_with(&ring).unwrap();
    let read = EncryptedProfile::from_stored_text_with(&ring, stored).unwrap();
    assert!(read.name == profile().name && read.as_ref() == &profile());
    assert!(read.into_inner() == profile());
}

#[test]
fn what_is_not_json_of_the_type_is_refused_without_being_quoted() {
    for text in [
        "",
        " ",
        "{",
        "nul",
        "NaN",
        "\u{feff}null",
        "1 2",
        "{\"name\": 1}",
        "[1,]",
        "'x'",
        "{\"a\":1,}",
        "\"\\ud800\"",
        &format!("{{\"name\": \"{CANARY}\"}}"),
        &format!("\"{CANARY}\""),
        &format!("{{\"kind\": \"{CANARY}x\"}}"),
    ] {
        refused(read_as::<Json<Profile>>(text.as_bytes()), ErrorKind::InvalidPlaintext);
    }
    refused(read_as::<Json<String>>(b"\"\xFF\""), ErrorKind::InvalidPlaintext);
    refused(read_as::<Json<u8>>(b"256"), ErrorKind::InvalidPlaintext);
    // White space around is JSON.
    assert_eq!(read_as::<Json<u8>>(b" 255\n").unwrap(), 255);
}

/// Deep nesting ends in an error, not in an overflow of the stack.
#[test]
fn nesting() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    refused(read_as::<Json<serde_json::Value>>(deep.as_bytes()), ErrorKind::InvalidPlaintext);
    let nested = |depth| (1..depth).fold(serde_json::json!([]), |value, _| vec![value].into());
    assert_eq!(round_trip::<Json<serde_json::Value>>(nested(127)), [nested(127), nested(127)]);
    refused_because(nested(128), "nested more than 127 levels deep");
}

/// The value is not sealed, in either kind, and the error has this reason.
#[track_caller]
fn refused_because<T>(value: T, reason: &str)
where
    Json<T>: Plaintext<Value = T>,
{
    let field = Typed::<Json<T>>::new(value);
    let error = refused(field.to_stored_with(&ring()), ErrorKind::Unrepresentable);
    assert!(error.to_string().contains(reason), "{error}");
    refused(field.seal_text_with(&ring()), ErrorKind::Unrepresentable);
}

/// A map whose keys are no strings has no JSON form.
#[test]
fn what_json_cannot_say_is_refused_on_write() {
    refused_because(BTreeMap::from([((1_u8, 2_u8), 3_u8)]), "`Serialize` fails");
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused_because(float, "NaN and infinity");
        refused_because(vec![1.0, float], "NaN and infinity");
    }
    refused_because(f32::NAN, "NaN and infinity");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flattened {
    #[serde(flatten)]
    inner: Wide,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wide {
    wide: u128,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Skipping {
    name: String,
    #[serde(skip_serializing, default)]
    left_out: u8,
}

/// The first variant takes what the second has written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Some { name: String },
    More { name: String, more: Option<u8> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Numbers {
    Wide(u128),
    Float(f64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct OneWay(u8);

impl<'de> Deserialize<'de> for OneWay {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

/// It reads back, and as something else.
#[test]
fn what_would_come_back_as_another_value_is_refused_on_write() {
    let another = "not equal to it";
    refused_because(Some(f64::NAN), another);
    refused_because(Some(f64::INFINITY), another);
    refused_because(vec![None, Some(f32::NEG_INFINITY)], another);
    refused_because(Some(None::<u8>), another);
    refused_because(Some(()), another);
    refused_because(Skipping { name: CANARY.into(), left_out: 1 }, another);
    refused_because(Untagged::More { name: CANARY.into(), more: Some(1) }, another);
    // What is there to be lost is the same as what is made up for it.
    for name in [CANARY, ""] {
        let kept = Skipping { name: name.into(), left_out: 0 };
        assert_eq!(round_trip::<Json<Skipping>>(kept.clone()), [kept.clone(), kept]);
        let kept = Untagged::Some { name: name.into() };
        assert_eq!(round_trip::<Json<Untagged>>(kept.clone()), [kept.clone(), kept]);
    }
    assert_eq!(round_trip::<Json<Option<f64>>>(Some(-0.0)), [Some(-0.0); 2]);
}

/// Equal without a look at what is lost.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Lax<T> {
    name: String,
    left_out: T,
}

impl<T> PartialEq for Lax<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// An `Option` inside of another is lost as well behind a newtype, and not behind a variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Variants {
    Of(Option<u8>),
    Fields { float: Option<f32> },
    Tuple(Option<()>, f64),
}

fn lax<T>(left_out: T) -> Lax<T> {
    Lax { name: secret("lax"), left_out }
}

#[test]
fn what_its_equality_leaves_out_is_not_lost() {
    let (float, null) = ("NaN or infinity", "`Some(None)`");
    for lost in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused_because(lax(Some(lost)), float);
        refused_because(lax(vec![(None, 1), (Some(lost), 2)]), float);
        refused_because(lax(BTreeMap::from([("x".to_owned(), Some(lost))])), float);
        refused_because(lax(Newtype(Some(lost))), float);
    }
    refused_because(lax(Some(f32::NAN)), float);
    refused_because(lax(Variants::Fields { float: Some(f32::INFINITY) }), float);
    refused_because(lax(Some(None::<u8>)), null);
    refused_because(lax(Some(())), null);
    refused_because(lax(Some(Newtype(None::<u8>))), null);
    refused_because(lax(Some(serde_json::Value::Null)), null);
    refused_because(lax(Variants::Tuple(Some(()), 1.0)), null);
    refused_because(lax(HashMap::from([(1_u8, Some(None::<u8>))])), null);

    // Each `null` is itself.
    for kept in [lax(vec![None, Some(1.5), Some(f64::MAX)]), lax(vec![])] {
        for read in round_trip::<Json<Lax<Vec<Option<f64>>>>>(kept.clone()) {
            assert!(read == kept && read.left_out == kept.left_out);
        }
    }
    let kept = lax((Some(Variants::Of(None)), Some(vec![None::<u8>]), (), serde_json::Value::Null));
    let read = round_trip::<Json<Lax<(_, _, (), serde_json::Value)>>>(kept);
    assert!(read.iter().all(|read| matches!(
        (&read.left_out.0, &read.left_out.1),
        (Some(Variants::Of(None)), Some(list)) if *list == [None]
    )));
}

/// The reason is the true one.
#[test]
fn what_does_not_read_back_says_why() {
    for wide in [u128::MAX, 7] {
        refused_because(Flattened { inner: Wide { wide } }, "u128 or i128");
        assert_eq!(round_trip::<Json<Wide>>(Wide { wide }), [Wide { wide }, Wide { wide }]);
    }
    refused_because(Numbers::Wide(7), "untagged enum");
    refused_because(Numbers::Float(f64::NAN), "untagged enum");
    refused_because(OneWay(1), "`Deserialize`");
}

/// Two maps of the same entries have two orders, and so two texts.
#[test]
fn maps_and_sets_are_equal_whatever_their_order() {
    #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
    struct Settings {
        flags: HashMap<String, u8>,
        tags: HashSet<u32>,
    }

    #[derive(Encrypted)]
    #[encrypted(context = "users.settings")]
    struct EncryptedSettings(Secret<Json<Settings>>);

    let settings = || Settings {
        flags: (0..20).map(|n| (format!("{CANARY}{n}"), n)).collect(),
        tags: (0..20).collect(),
    };
    let ring = ring();
    let first = EncryptedSettings::from(settings());
    let stored = first.to_stored_text_with(&ring).unwrap();
    let read = EncryptedSettings::from_stored_text_with(&ring, stored).unwrap();
    for _ in 0..20 {
        let other = EncryptedSettings::from(settings());
        assert!(first == other && read == other);
    }
    let mut other = settings();
    other.tags.remove(&7);
    assert!(first != EncryptedSettings::from(other));
    let mut other = settings();
    other.flags.insert(CANARY.into(), 1);
    assert!(first != EncryptedSettings::from(other));
}

/// `Eq` promises as much of each field.
#[test]
fn nan_equals_itself_and_nothing_else() {
    #[derive(Encrypted)]
    #[encrypted(context = "users.ratio")]
    struct Ratio(Secret<Json<f64>>);

    let (nan, other) = (Ratio::from(f64::NAN), Ratio::from(f64::NAN));
    let same = &nan;
    assert!(nan == *same && nan != other);
}
