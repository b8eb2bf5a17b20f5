//! Which variables are read: exactly one source of keys.

use std::ffi::OsString;

use encrypted_field::{
    ErrorFamily, ErrorKind, Key, Keyring,
    key::{EnvKeys, KeyState},
};
use tests::refused;
use tests::secrets::{KEYS, PASSPHRASE};

use crate::support::{base64, env, info, key};

fn salt() -> String {
    base64(b"sixteen bytes ok")
}

#[test]
fn nothing_set() {
    let error = refused(env(&[]), ErrorKind::NoKeys);
    assert_eq!(error.kind().family(), ErrorFamily::Keys);
    let message = error.to_string();
    for word in ["ENCRYPTED_FIELD_KEYS", "install", "openssl rand -base64 32"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    refused(env(&[("KEYS", ""), ("KEY", ""), ("PASSPHRASE", ""), ("SALT", "")]), ErrorKind::NoKeys);
    let (one, list) = (key(0), format!("3:{}", key(1)));
    info(&env(&[("KEYS", ""), ("KEY", &one), ("PASSPHRASE", ""), ("SALT", "")]).unwrap(), 1, 0);
    info(&env(&[("KEYS", &list), ("KEY", ""), ("PASSPHRASE", "")]).unwrap(), 3, 1);
}

#[test]
fn one_key() {
    let wrapped = format!("{}\n{}\n", &key(0)[..30], &key(0)[30..]);
    for text in [key(0), format!(" {}\n", key(0)), format!("{}\r\n", key(0)), wrapped] {
        let ring = env(&[("KEY", &text)]).unwrap();
        assert_eq!(info(&ring, 1, 0).state, KeyState::Active);
        assert_eq!(ring.keys().count(), 1);
    }
}

#[test]
fn one_key_that_can_not_be_used() {
    for (text, word) in [
        (" ".to_owned(), "0 bytes"),
        (base64(&KEYS[0][..31]), "31 bytes"),
        (base64(&[&KEYS[0][..], &[1]].concat()), "33 bytes"),
        (hex::encode(KEYS[0]), "64 hex digits"),
        (format!("1:{}", key(0)), "not base64"),
        (key(0).replace('=', ""), "not base64"),
        (base64(b"your-32-byte-key-goes-right-here"), "text, not random"),
        (base64(&[0; 32]), "all bytes are equal"),
    ] {
        let error = refused(env(&[("KEY", &text)]), ErrorKind::InvalidKeys);
        let message = error.to_string();
        assert!(message.contains("ENCRYPTED_FIELD_KEY: ") && message.contains(word), "{message}");
        assert!(
            message.contains("openssl rand -base64 32") || message.contains("RFC 4648"),
            "{message}"
        );
    }
}

/// Two or three sources: none of them wins, and the error names all that are set.
#[test]
fn more_than_one_source() {
    let (list, one, salt) = (format!("1:{}", key(0)), key(0), salt());
    let sources: [&[(&str, &str)]; 3] =
        [&[("KEYS", &list)], &[("KEY", &one)], &[("PASSPHRASE", PASSPHRASE), ("SALT", &salt)]];
    for chosen in
        [[true, true, false], [true, false, true], [false, true, true], [true, true, true]]
    {
        let set: Vec<_> = sources
            .iter()
            .zip(chosen)
            .filter(|(_, chosen)| *chosen)
            .flat_map(|(source, _)| source.iter().copied())
            .collect();
        let message = refused(env(&set), ErrorKind::InvalidKeys).to_string();
        for (name, _) in set {
            assert!(message.contains(&format!("ENCRYPTED_FIELD_{name}")), "{message}");
        }
        assert!(message.contains("only one"), "{message}");
    }
    // Half a source beside a whole one is a mistake too.
    refused(env(&[("KEYS", &list), ("SALT", &salt)]), ErrorKind::InvalidKeys);
    refused(env(&[("KEY", &one), ("SALT", &salt)]), ErrorKind::InvalidKeys);
    refused(env(&[("KEY", &one), ("PASSPHRASE", PASSPHRASE)]), ErrorKind::InvalidKeys);
}

#[test]
fn other_names() {
    let ring = EnvKeys::new().prefix("BILLING").read(|name| match name {
        "BILLING_KEY" => Some(key(2).into()),
        "BILLING_KEYS" | "BILLING_PASSPHRASE" | "BILLING_SALT" => None,
        "BILLING_KEYS_FILE" | "BILLING_KEY_FILE" => None,
        "BILLING_PASSPHRASE_FILE" | "BILLING_SALT_FILE" => None,
        other => panic!("{other} was read"),
    });
    info(&ring.unwrap(), 1, 2);
    let message =
        refused(EnvKeys::new().prefix("BILLING").read(|_| None), ErrorKind::NoKeys).to_string();
    assert!(message.contains("BILLING_KEYS"), "{message}");
    let error = refused(
        EnvKeys::new()
            .prefix("BILLING")
            .read(|name| (!name.ends_with("_FILE")).then(|| "x".into())),
        ErrorKind::InvalidKeys,
    );
    assert!(error.to_string().contains("BILLING_KEYS, BILLING_KEY"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8() {
    use std::os::unix::ffi::OsStringExt as _;

    for variable in ["KEYS", "KEY", "PASSPHRASE", "SALT"] {
        let value = OsString::from_vec([format!("1:{}", key(0)).as_bytes(), b"\xFF"].concat());
        let read = EnvKeys::new()
            .read(|name| (name == format!("ENCRYPTED_FIELD_{variable}")).then(|| value.clone()));
        let message = refused(read, ErrorKind::InvalidKeys).to_string();
        assert!(message.contains(&format!("ENCRYPTED_FIELD_{variable} is not UTF-8")), "{message}");
    }
}

/// Keys for a ring that takes others beside them; what makes a ring of them checks them together.
#[test]
fn keys_without_a_ring() {
    let list = format!("active=2,2:{},1:{}", key(1), key(0));
    let read = || EnvKeys::new().keys(|name| name.ends_with("_KEYS").then(|| (&list).into()));
    let with = |other: Key| Keyring::builder().keys(read().unwrap()).key(other).build();
    let ring = with(Key::new(3, KEYS[2]).scope("slack")).unwrap();
    assert_eq!(info(&ring, 1, 0).state, KeyState::Retired);
    assert_eq!(info(&ring, 3, 2).scope, "slack");
    refused(with(Key::new(3, KEYS[2])), ErrorKind::InvalidKeys);
    refused(with(Key::new(1, KEYS[2]).scope("slack")), ErrorKind::InvalidKeys);
    refused(EnvKeys::new().keys(|_| None), ErrorKind::NoKeys);
}

/// Each variable is asked for once, and no other one is.
#[test]
fn nothing_else_is_read() {
    let mut asked = Vec::new();
    let _ = EnvKeys::new().read(|name| {
        asked.push(name.to_owned());
        None
    });
    asked.sort();
    let names = ["KEY", "KEYS", "PASSPHRASE", "SALT"].map(|suffix| {
        let name = format!("ENCRYPTED_FIELD_{suffix}");
        [name.clone(), format!("{name}_FILE")]
    });
    let mut names = names.concat();
    names.sort();
    assert_eq!(asked, names);
}
