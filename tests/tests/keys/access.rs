//! Who may read a key file.
#![cfg(unix)]

use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use encrypted_field::{
    ErrorKind, Keyring,
    key::{KeyFile, Purpose},
};
use tests::refused;

use crate::support::{Folder, time};

/// Says that a test, or a part of it, could not run here.
pub fn skip(why: &str) {
    use std::io::Write as _;

    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    // The stream and not the macro, whose output the test runner would hide: a skip must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED {why}");
}

pub fn is_root() -> bool {
    let folder = Folder::with_file();
    folder.path().metadata().unwrap().uid() == 0
}

#[test]
fn what_is_created_is_readable_by_its_owner_only() {
    let folder = Folder::with_file();
    assert_eq!(folder.mode(), 0o600);
    folder.file().rotate("", Purpose::Field, time(1)).unwrap();
    assert_eq!(folder.mode(), 0o600);
    let lock = folder.folder.path().join("keys.json.lock").metadata().unwrap();
    assert_eq!(lock.mode() & 0o7777, 0o600);
    assert_eq!(lock.len(), 0);
}

#[test]
fn every_mode() {
    let folder = Folder::with_file();
    for mode in 0..0o1000 {
        folder.set_mode(mode);
        let owner_can_read = mode & 0o400 != 0 || is_root();
        for (file, forbidden, fix) in [
            (folder.file(), 0o077, "`chmod 600`"),
            (folder.file().allow_group_read(), 0o037, "`chmod 640`"),
        ] {
            let result = file.keyring();
            if mode & forbidden == 0 && owner_can_read {
                assert!(result.is_ok(), "{mode:o}");
                continue;
            }
            let message = refused(result, ErrorKind::KeyFile).to_string();
            assert!(message.contains("keys.json"), "{message}");
            if owner_can_read {
                assert!(message.contains(&format!("mode {mode:04o}")), "{message}");
                assert!(message.contains(fix), "{message}");
            }
        }
    }
    // Docker's own for secrets.
    folder.set_mode(0o444);
    for (file, kubernetes, docker) in [
        (folder.file(), "`defaultMode: 0400`", "`mode: 0400`"),
        (folder.file().allow_group_read(), "`defaultMode: 0440`", "`mode: 0440`"),
    ] {
        let message = refused(file.keyring(), ErrorKind::KeyFile).to_string();
        assert!(message.contains(kubernetes) && message.contains(docker), "{message}");
    }
    // The one that people set by hand.
    folder.set_mode(0o644);
    refused(Keyring::from_file(folder.path()), ErrorKind::KeyFile);
    refused(folder.file().entries(), ErrorKind::KeyFile);
    refused(folder.file().rotate("", Purpose::Field, time(1)), ErrorKind::KeyFile);
    folder.set_mode(0o640);
    let message = refused(folder.file().keyring(), ErrorKind::KeyFile).to_string();
    assert!(message.contains("`KeyFile::allow_group_read`"), "{message}");
}

/// The group that was let at the file still is after a rotation, and nobody else.
#[test]
fn a_rotation_keeps_who_may_read() {
    let folder = Folder::with_file();
    folder.set_mode(0o640);
    let groups = is_root().then_some(54_321);
    if let Some(group) = groups {
        chown(folder.path(), None, Some(group)).unwrap();
    }
    let before = folder.path().metadata().unwrap();
    folder.file().allow_group_read().rotate("", Purpose::Field, time(1)).unwrap();
    let after = folder.path().metadata().unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!(
        (after.mode() & 0o7777, after.gid(), after.uid()),
        (0o640, before.gid(), before.uid())
    );
    assert!(folder.file().allow_group_read().keyring().is_ok());
}

#[test]
fn owned_by_another_user() {
    if !is_root() {
        return skip("owned_by_another_user: only root can give a file away");
    }
    let folder = Folder::with_file();
    for user in [1, 1000, 65_534] {
        chown(folder.path(), Some(user), None).unwrap();
        let before = folder.read();
        for file in [folder.file(), folder.file().allow_group_read()] {
            let message = refused(file.keyring(), ErrorKind::KeyFile).to_string();
            assert!(
                message.contains(&format!("user id {user}")) && message.contains("chown"),
                "{message}"
            );
            refused(file.rotate("", Purpose::Field, time(1)), ErrorKind::KeyFile);
        }
        assert_eq!(folder.read(), before);
    }
    chown(folder.path(), Some(0), None).unwrap();
    assert!(folder.file().keyring().is_ok());
}

const FILE_FOR_CHILD: &str = "EF_TEST_KEY_FILE";

/// A file of root's, which another user may read as a member of its group.
#[test]
fn owned_by_root_and_read_by_another_user() {
    if let Some(path) = std::env::var_os(FILE_FOR_CHILD) {
        assert!(KeyFile::new(&path).allow_group_read().keyring().is_ok());
        refused(KeyFile::new(&path).keyring(), ErrorKind::KeyFile);
        return;
    }
    if !is_root() {
        return skip(
            "owned_by_root_and_read_by_another_user: only root can run something as another user",
        );
    }
    let folder = Folder::with_file();
    let (nobody, group) = (65_534, 65_534);
    chown(folder.path(), None, Some(group)).unwrap();
    folder.set_mode(0o640);
    open_to_all(folder.folder.path());
    let program = folder.folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    open_to_all(&program);
    let output = Command::new(program)
        .args(["access::owned_by_root_and_read_by_another_user", "--exact"])
        .env(FILE_FOR_CHILD, folder.path())
        .current_dir("/")
        .uid(nobody)
        .gid(group)
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(error) => skip(&format!("owned_by_root_and_read_by_another_user: {error}")),
    }
}

pub fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn through_a_link() {
    let folder = Folder::with_file();
    let link = folder.folder.path().join("link.json");
    symlink("keys.json", &link).unwrap();
    assert!(Keyring::from_file(&link).is_ok());
    // A rotation follows it, and leaves it.
    KeyFile::new(&link).rotate("", Purpose::Field, time(1)).unwrap();
    assert_eq!(link.read_link().unwrap(), Path::new("keys.json"));
    assert_eq!(folder.file().keyring().unwrap().keys().count(), 2);
    assert_eq!(folder.names(), ["keys.json", "keys.json.lock", "link.json"]);
    // What counts is the file, not the link.
    folder.set_mode(0o644);
    refused(Keyring::from_file(&link), ErrorKind::KeyFile);
}

const RELATIVE: &str = "EF_TEST_RELATIVE";

/// A name without a folder, in the folder where the process is. That is the process's, so this test
/// runs itself in one of its own.
#[test]
fn a_path_without_a_folder() {
    if std::env::var_os(RELATIVE).is_some() {
        let file = KeyFile::new("keys.json");
        file.create(time(0)).unwrap();
        file.rotate("", Purpose::Field, time(1)).unwrap();
        assert_eq!(Keyring::from_file("./keys.json").unwrap().keys().count(), 2);
        return;
    }
    let folder = Folder::new();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["access::a_path_without_a_folder", "--exact"])
        .env(RELATIVE, "1")
        .current_dir(folder.folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(folder.names(), ["keys.json", "keys.json.lock"]);
}

/// A path that names no file makes none, and no lock file either.
#[test]
fn a_path_without_a_name() {
    let folder = Folder::new();
    for path in [
        "/".into(),
        "..".into(),
        folder.folder.path().join(".."),
        folder.folder.path().join("keys/.."),
    ] {
        refused(KeyFile::new(&path).create(time(0)), ErrorKind::KeyFile);
        refused(KeyFile::new(&path).rotate("", Purpose::Field, time(0)), ErrorKind::KeyFile);
        refused(KeyFile::new(&path).keyring(), ErrorKind::KeyFile);
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn what_is_not_a_file() {
    let folder = Folder::new();
    for path in [
        folder.folder.path(),
        Path::new("/dev/null"),
        Path::new("/dev/zero"),
        Path::new("/proc/self/mem"),
    ] {
        refused(Keyring::from_file(path), ErrorKind::KeyFile);
    }
    for missing in
        [folder.path(), folder.path().join("under/a/missing/folder"), "".into(), "\0".into()]
    {
        let message = refused(Keyring::from_file(&missing), ErrorKind::KeyFile).to_string();
        assert!(message.contains("can't open: "), "{message}");
        refused(KeyFile::new(&missing).rotate("", Purpose::Field, time(0)), ErrorKind::KeyFile);
    }
    refused(
        KeyFile::new(folder.path().join("missing/keys.json")).create(time(0)),
        ErrorKind::KeyFile,
    );
}

/// Opening a pipe waits for a writer, who may never come.
#[test]
fn a_pipe_is_refused_without_waiting() {
    let folder = Folder::new();
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(folder.path()).status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("a_pipe_is_refused_without_waiting: no mkfifo here");
    }
    let (send, receive) = mpsc::channel();
    let path = folder.path();
    std::thread::spawn(move || drop(send.send(Keyring::from_file(path))));
    let result = receive
        .recv_timeout(Duration::from_secs(20))
        .expect("an answer without waiting for a writer");
    let message = refused(result, ErrorKind::KeyFile).to_string();
    assert!(message.contains("not a regular file"), "{message}");
}
