//! Settings that are refused, and what errors and `Debug` show.

use encrypted_field::plaintext::Zeroizing;
use encrypted_field_foreign::{
    AesGcm, Encoding, FORMATS, Fernet, ForeignReader, Laravel, Pbkdf2AesGcm, ScryptAesGcm,
    SqlAlchemyUtils, from_fn, from_settings,
};

use crate::vectors::{Settings, Vector, all};

fn settings(entries: &[(&str, &str)]) -> Settings {
    entries.iter().map(|(k, v)| ((*k).to_owned(), Zeroizing::new((*v).to_owned()))).collect()
}

fn refusal(format: &str, entries: &[(&str, &str)]) -> String {
    match from_settings(format, &settings(entries)) {
        Ok(_) => panic!("{format} takes it"),
        Err(e) => e.to_string(),
    }
}

const HEX: &str = "43414e4152592d7f00112233445566778899aabbccddeeff0123456789abcdef";

/// One vector of each format.
fn one_of_each() -> Vec<Vector> {
    let vectors = all();
    let of = |format: &&str| {
        let opens = |vector: &&Vector| vector.format == **format && vector.plaintext.is_some();
        vectors.iter().position(|vector| opens(&vector)).unwrap()
    };
    let places: Vec<_> = FORMATS.iter().map(of).collect();
    let mut vectors: Vec<_> = vectors.into_iter().map(Some).collect();
    places.into_iter().map(|place| vectors[place].take().unwrap()).collect()
}

#[test]
fn unknown_settings_are_refused_by_name() {
    for mut vector in one_of_each() {
        vector.settings.insert("cypher".to_owned(), Zeroizing::default());
        let refused = from_settings(&vector.format, &vector.settings).err().unwrap().to_string();
        assert_eq!(
            refused,
            format!("{}: `cypher`: is no setting of this format, or not with these", vector.format)
        );
    }
}

#[test]
fn missing_settings_are_refused() {
    for format in FORMATS {
        let refused = refusal(format, &[]);
        assert!(refused.starts_with(&format!("{format}: `")), "{refused}");
        assert!(refused.contains("is missing") || refused.contains("is named"), "{refused}");
    }
    assert!(refusal("rot13", &[]).contains("no format has this name"));
    assert!(refusal("lockbox", &[("master_key", HEX)]).contains("`attribute`: is missing"));
    assert!(refusal("rails", &[("primary_key", "CANARY-")]).contains("`key_derivation_salt`"));
    let without_salt = [("passphrase.1", "CANARY-otter")];
    assert!(refusal("pbkdf2-aes-256-gcm", &without_salt).contains("`salt`: is missing"));
}

#[test]
fn what_does_not_authenticate_is_refused_with_the_way_out() {
    let engine = [("key", "CANARY-otter"), ("engine", "AesEngine")];
    assert!(refusal("sqlalchemy-utils", &engine).contains("does not authenticate"));
    let cipher = [("key", "CANARY-a key of thirty-two chars"), ("cipher", "aes-256-ctr")];
    assert!(refusal("laravel", &cipher).contains("`cipher`: is aes-256-cbc or aes-256-gcm"));
}

#[test]
fn malformed_keys_and_placeholders_are_refused_and_never_shown() {
    let short = &HEX[..62];
    let zeros = "0".repeat(64);
    let not_hex = HEX.replace('f', "g");
    let of_text = [
        ("fernet", "key"),
        ("lockbox", "key"),
        ("aes-256-gcm", "key"),
        ("47ng-cloak", "key"),
        ("laravel", "key"),
        ("cloak-ecto", "key.AES.GCM.V1"),
        ("json-aes-256-gcm", "key.1"),
    ];
    for (format, name) in of_text {
        for key in [short, &zeros, &not_hex, "", "CANARY-"] {
            let refused = refusal(format, &[(name, key)]);
            assert!(refused.starts_with(&format!("{format}: `key`: ")), "{refused}");
            assert!(key.is_empty() || !refused.contains(key), "{refused}");
        }
    }
    let empty_or_equal = [
        ("django-fernet-fields", "key"),
        ("sqlalchemy-utils", "key"),
        ("scrypt-aes-256-gcm", "passphrase"),
    ];
    for (format, name) in empty_or_equal {
        assert!(refusal(format, &[(name, "")]).contains("it is empty"));
        assert!(refusal(format, &[(name, "xxxxxxxx")]).contains("all its bytes are equal"));
    }
    // A key in the place of a name is not repeated.
    assert!(!refusal("aes-256-gcm", &[("key", HEX), (HEX, "")]).contains("43414e"));
}

#[test]
fn work_is_bounded_by_the_settings() {
    let passphrase = ("passphrase", "CANARY-otter");
    for (name, value) in [("n", "1"), ("n", "1000"), ("n", "2097152"), ("r", "0"), ("p", "4096")] {
        let refused = refusal("scrypt-aes-256-gcm", &[passphrase, ("r", "8"), (name, value)]);
        assert!(refused.contains("2^30"), "{name} {value}: {refused}");
    }
    assert!(refusal("scrypt-aes-256-gcm", &[passphrase, ("n", "many")]).contains("not a number"));
    for rounds in ["0", "10000001"] {
        let entries = [("passphrase.1", "CANARY-otter"), ("salt", "salt"), ("rounds", rounds)];
        assert!(refusal("pbkdf2-aes-256-gcm", &entries).contains("`rounds`: is 1 to 10000000"));
    }
    assert!(Pbkdf2AesGcm::new(0, Encoding::Hex).is_err());
    assert!(ScryptAesGcm::new("CANARY-otter", (3, 8, 1)).is_err());
}

#[test]
fn debug_shows_no_key() {
    static READER: ForeignReader = ForeignReader::new();
    let fernet = Fernet::new([HEX]).unwrap();
    assert_eq!(format!("{fernet:?}"), "Fernet { .. }");
    let laravel = Laravel::gcm(["CANARY-a key of thirty-two chars"]).unwrap();
    assert_eq!(format!("{laravel:?}"), "Laravel { .. }");
    let scrypt = ScryptAesGcm::new("CANARY-otter", ScryptAesGcm::NODE).unwrap();
    assert_eq!(format!("{scrypt:?}"), "ScryptAesGcm { .. }");
    let aes = AesGcm::new([HEX], Encoding::Hex).unwrap().associated_data("CANARY-");
    assert_eq!(format!("{aes:?}"), "AesGcm { .. }");
    READER.install(SqlAlchemyUtils::aes_gcm("CANARY-otter").unwrap()).unwrap();
    assert_eq!(format!("{READER:?}"), r#"ForeignReader { format: Some("sqlalchemy-utils") }"#);
    let own = from_fn("own", move |stored: &[u8]| {
        encrypted_field_foreign::ForeignFormat::read(&aes, stored)
    });
    assert_eq!(format!("{own:?}"), r#"FromFn { name: "own", .. }"#);
}
