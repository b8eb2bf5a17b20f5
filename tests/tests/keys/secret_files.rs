//! `ENCRYPTED_FIELD_KEYS_FILE` and the others: variables that name a file, as secrets are mounted.
#![cfg(unix)]

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use encrypted_field::{
    ErrorKind, Keyring, Result,
    key::{EnvKeys, KeyState},
};
use tests::refused;
use tests::secrets::{KEYS, PASSPHRASE};

use crate::access::{is_root, open_to_all, skip};
use crate::support::{Folder, base64, env, info, key};

/// The ring of one variable that names the folder's file.
fn ring(variable: &str, folder: &Folder) -> Result<Keyring> {
    env(&[(variable, folder.path().to_str().unwrap())])
}

#[test]
fn each_variable_can_name_a_file() {
    let list = format!("active=2\n1:{}\n2:{}\n", key(0), key(1));
    let of_list = ring("KEYS_FILE", &Folder::with_text(list)).unwrap();
    assert_eq!(info(&of_list, 2, 1).state, KeyState::Active);
    assert_eq!(info(&of_list, 1, 0).state, KeyState::Retired);
    for text in [key(2), format!("{}\n", key(2)), format!("{}\r\n", key(2))] {
        info(&ring("KEY_FILE", &Folder::with_text(text)).unwrap(), 1, 2);
    }
}

#[test]
fn a_passphrase_and_its_salt_from_files() {
    let salt = base64(b"sixteen bytes ok");
    let expected = env(&[("PASSPHRASE", PASSPHRASE), ("SALT", &salt)]).unwrap();
    let expected = expected.get(1).unwrap().check_value;
    let (passphrase, salt_file) =
        (Folder::with_text(PASSPHRASE), Folder::with_text(format!("{salt}\n")));
    let (passphrase_path, salt_path) = (passphrase.path(), salt_file.path());
    let path = passphrase_path.to_str().unwrap();
    for salt in [("SALT", &*salt), ("SALT_FILE", salt_path.to_str().unwrap())] {
        let ring = env(&[("PASSPHRASE_FILE", path), salt]).unwrap();
        assert_eq!(ring.get(1).unwrap().check_value, expected);
    }
    // Its line break would be part of it.
    passphrase.write(format!("{PASSPHRASE}\n"));
    let read = env(&[("PASSPHRASE_FILE", path), ("SALT", &salt)]);
    let message = refused(read, ErrorKind::InvalidKeys).to_string();
    assert!(
        message.contains("ENCRYPTED_FIELD_PASSPHRASE_FILE") && message.contains("a line break"),
        "{message}"
    );
}

#[test]
fn a_variable_and_its_file_at_once() {
    let salt = base64(b"sixteen bytes ok");
    for (name, value) in [("KEYS", &format!("1:{}", key(0))), ("KEY", &key(0)), ("SALT", &salt)] {
        let file = Folder::with_text(value);
        let variable = format!("{name}_FILE");
        let path = file.path();
        let set =
            [(name, &**value), (&*variable, path.to_str().unwrap()), ("PASSPHRASE", PASSPHRASE)];
        let message = refused(env(&set), ErrorKind::InvalidKeys).to_string();
        assert!(
            message.contains(&format!("ENCRYPTED_FIELD_{name} and ENCRYPTED_FIELD_{name}_FILE")),
            "{message}"
        );
    }
    // Two sources are two, from files, too; and an empty variable is none.
    let (list, one) = (Folder::with_text(format!("1:{}", key(0))), Folder::with_text(key(0)));
    let (list, one) = (list.path(), one.path());
    let (list, one) = (list.to_str().unwrap(), one.to_str().unwrap());
    let message = refused(env(&[("KEYS_FILE", list), ("KEY_FILE", one)]), ErrorKind::InvalidKeys);
    assert!(message.to_string().contains("ENCRYPTED_FIELD_KEYS_FILE, ENCRYPTED_FIELD_KEY_FILE"));
    info(&env(&[("KEYS", ""), ("KEYS_FILE", list), ("KEY_FILE", "")]).unwrap(), 1, 0);
}

#[test]
fn what_stands_in_the_file_can_not_be_used() {
    for (text, word) in [
        (Vec::new(), "the file is empty"),
        (b" \r\n".to_vec(), "the file is empty"),
        (b"1:\xff".to_vec(), "the file is not UTF-8"),
        (format!("\u{feff}{}", key(0)).into_bytes(), "a byte order mark stands before it"),
        (format!("\"{}\"", key(0)).into_bytes(), "quotes stand around it"),
        (crate::support::document(&[]).into_bytes(), "`Keyring::from_file`"),
        (base64(&KEYS[0][..31]).into_bytes(), "31 bytes"),
    ] {
        let folder = Folder::with_text(text);
        let message = refused(ring("KEY_FILE", &folder), ErrorKind::InvalidKeys).to_string();
        assert!(
            message.contains("ENCRYPTED_FIELD_KEY_FILE: ") && message.contains(word),
            "{message}"
        );
    }
}

/// A key in the variable for a path is not shown; nor is a part of it, as that of a folder that is
/// not there.
#[test]
fn a_path_that_leads_nowhere_is_not_shown() {
    let folder = Folder::new();
    let with_folders = format!("/{}/{}", key(0), key(1));
    for path in [&key(0), &format!("1:{}", key(0)), &with_folders, "/none", "\0"] {
        let error = refused(env(&[("KEYS_FILE", path)]), ErrorKind::KeyFile);
        let message = error.to_string();
        assert!(message.contains("ENCRYPTED_FIELD_KEYS_FILE: can't open"), "{message}");
        assert!(!message.contains("none") && !message.contains(&key(0)[..8]), "{message}");
    }
    let message = refused(ring("KEY_FILE", &folder), ErrorKind::KeyFile).to_string();
    assert!(message.contains("holds the path of a file"), "{message}");
    // What is no file.
    for path in ["/", "/dev/zero"] {
        refused(env(&[("KEY_FILE", path)]), ErrorKind::KeyFile);
    }
}

/// As a key file; a file of root's its group may read, since that is how secrets are mounted.
#[test]
fn who_may_read_the_file() {
    let folder = Folder::with_text(key(0));
    for mode in 0..0o1000 {
        folder.set_mode(mode);
        let forbidden = if is_root() { 0o037 } else { 0o077 };
        if !is_root() && mode & 0o400 == 0 {
            continue;
        }
        let read = ring("KEY_FILE", &folder);
        if mode & forbidden == 0 {
            assert!(read.is_ok(), "{mode:o}");
            continue;
        }
        let message = refused(read, ErrorKind::KeyFile).to_string();
        assert!(
            message.contains(&format!("ENCRYPTED_FIELD_KEY_FILE: mode {mode:04o}"))
                && message.contains("chmod 6"),
            "{message}"
        );
    }
    folder.set_mode(0o600);
    if is_root() {
        chown(folder.path(), Some(1000), None).unwrap();
        let message = refused(ring("KEY_FILE", &folder), ErrorKind::KeyFile).to_string();
        assert!(message.contains("user id 1000"), "{message}");
    }
}

const FILE_FOR_CHILD: &str = "EF_TEST_SECRET_FILE";

/// In a container whose process is not root: it reads root's file as a member of the group, and its
/// own only where nobody else reads it.
#[test]
fn read_by_another_user_than_root() {
    if let Some(path) = std::env::var_os(FILE_FOR_CHILD) {
        let read = |path: &std::path::Path| {
            EnvKeys::new().read(|name| name.ends_with("_KEY_FILE").then(|| path.into()))
        };
        info(&read(path.as_ref()).unwrap(), 1, 0);
        let own = Folder::with_text(key(0));
        info(&read(&own.path()).unwrap(), 1, 0);
        own.set_mode(0o640);
        let message = refused(read(&own.path()), ErrorKind::KeyFile).to_string();
        assert!(message.contains("`chmod 600` the file, or let it be root's"), "{message}");
        return;
    }
    if !is_root() {
        return skip("read_by_another_user_than_root: only root can run something as another user");
    }
    let folder = Folder::with_text(key(0));
    let (nobody, group) = (65_534, 65_534);
    chown(folder.path(), None, Some(group)).unwrap();
    folder.set_mode(0o440);
    open_to_all(folder.folder.path());
    let program = folder.folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open_to_all(&program);
    let output = Command::new(program)
        .args(["secret_files::read_by_another_user_than_root", "--exact"])
        .env(FILE_FOR_CHILD, folder.path())
        .current_dir("/")
        .uid(nobody)
        .gid(group)
        .output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "{text}");
        }
        Err(error) => skip(&format!("read_by_another_user_than_root: {error}")),
    }
}
