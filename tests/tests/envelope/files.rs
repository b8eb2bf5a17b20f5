//! Files as they are mounted, and files that are not there: each refusal says what is missing and
//! what to do.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use base64::Engine as _;
use encrypted_field::envelope::{Anchor, FileStore, KeyManager, LocalKek};
use encrypted_field::{
    Error, Keyring,
    key::{KeyFile, Purpose},
};
use tests::secrets;

use crate::support::World;

/// Says that a part of a test could not run here.
fn skip(why: &str) {
    use std::io::Write as _;

    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    // The stream and not the macro, whose output the test runner would hide: a skip must be seen.
    let _ = writeln!(std::io::stderr(), "SKIPPED {why}");
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn write_kek(path: &Path) {
    fs::write(path, base64::engine::general_purpose::STANDARD.encode(secrets::KEYS[0])).unwrap();
}

/// A secret as Kubernetes mounts it: the file is behind two links, belongs to root, and the group
/// of `fsGroup` may read it.
fn mounted(folder: &Path) -> PathBuf {
    let versioned = folder.join("..2026_01_01_00_00_00.1");
    fs::create_dir(&versioned).unwrap();
    write_kek(&versioned.join("kek"));
    mode(&versioned.join("kek"), 0o440);
    mode(&versioned, 0o755);
    mode(folder, 0o755);
    symlink("..2026_01_01_00_00_00.1", folder.join("..data")).unwrap();
    symlink("..data/kek", folder.join("kek")).unwrap();
    folder.join("kek")
}

#[test]
fn a_kek_that_its_group_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = mounted(folder.path());
    let error = LocalKek::from_file(&path).unwrap_err().to_string();
    assert!(
        error.contains("mode 0440") && error.contains("`LocalKek::from_group_readable_file`"),
        "{error}"
    );
    LocalKek::from_group_readable_file(&path).unwrap();
    for (allowed, bits) in
        [(true, [0o400, 0o600, 0o640, 0o440]), (false, [0o444, 0o644, 0o460, 0o441])]
    {
        for bits in bits {
            mode(&path, bits);
            let read = LocalKek::from_group_readable_file(&path);
            assert_eq!(read.is_ok(), allowed, "{bits:o}");
            if let Err(error) = read {
                let error = error.to_string();
                assert!(
                    error.contains("`chmod 640`") && error.contains("`defaultMode: 0440`"),
                    "{error}"
                );
            }
        }
    }
}

const MOUNTED: &str = "EF_TEST_MOUNTED_KEK";

/// The process is another user's, and a member of the group.
#[test]
fn a_kek_of_root_that_another_user_reads() {
    if let Some(path) = std::env::var_os(MOUNTED) {
        LocalKek::from_group_readable_file(&path).unwrap();
        LocalKek::from_file(&path).unwrap_err();
        mode_is_not_ours(Path::new(&path));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = mounted(folder.path());
    if path.metadata().unwrap().uid() != 0 {
        return skip(
            "a_kek_of_root_that_another_user_reads: only root can run something as another user",
        );
    }
    let (nobody, group) = (65_534, 54_321);
    chown(fs::canonicalize(&path).unwrap(), None, Some(group)).unwrap();
    let secret = folder.path().join("secret");
    write_kek(&secret);
    mode(&secret, 0o400);
    let program = folder.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let output = Command::new(program)
        .args(["files::a_kek_of_root_that_another_user_reads", "--exact"])
        .env(MOUNTED, &path)
        .current_dir("/")
        .uid(nobody)
        .gid(group)
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        Err(error) => skip(&format!("a_kek_of_root_that_another_user_reads: {error}")),
    }
}

/// A file that only root may read: the refusal says who this process is.
fn mode_is_not_ours(mounted: &Path) {
    let secret = mounted.with_file_name("secret");
    for error in [
        LocalKek::from_file(&secret).unwrap_err().to_string(),
        Keyring::from_file(&secret).unwrap_err().to_string(),
        load(FileStore::new(&secret)).to_string(),
    ] {
        assert!(error.contains("user id 65534, group id 54321) needs the permission"), "{error}");
    }
}

fn load(store: FileStore) -> Error {
    let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
    let keys = KeyManager::builder("test", store).kek("local", kek).build().unwrap();
    keys.load().wait().unwrap_err()
}

fn load_with(anchor: Anchor) -> Error {
    World::new().builder().anchor(anchor).build().unwrap().load().wait().unwrap_err()
}

/// Each message names an option that the type has.
#[test]
fn what_is_advised_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    write_kek(&path);
    mode(&path, 0o440);
    for (error, option) in [
        (LocalKek::from_file(&path).unwrap_err(), "`LocalKek::from_group_readable_file`"),
        (Keyring::from_file(&path).unwrap_err(), "`KeyFile::allow_group_read`"),
        (load(FileStore::new(&path)), "`FileStore::allow_group_read`"),
        (
            load_with(Anchor::in_file(&path)),
            "`Anchor::in_document(FileStore::new(…).allow_group_read())`",
        ),
    ] {
        assert!(
            error.to_string().contains(&format!("let its group read it, with {option}")),
            "{error}"
        );
    }
    // And it does what is said of it: these have got past the mode.
    LocalKek::from_group_readable_file(&path).unwrap();
    let group = || FileStore::new(&path).allow_group_read();
    for error in [
        KeyFile::new(&path).allow_group_read().keyring().unwrap_err(),
        load(group()),
        load_with(Anchor::in_document(group())),
    ] {
        assert!(!error.to_string().contains("mode"), "{error}");
    }
}

/// Everything that reads or writes a file: what it says where that is not there.
fn refusals(path: &Path) -> Vec<(&'static str, Error)> {
    let now = SystemTime::UNIX_EPOCH;
    let first = || {
        let kek = LocalKek::new(secrets::KEYS[0]).unwrap();
        let keys =
            KeyManager::builder("test", FileStore::new(path)).kek("local", kek).build().unwrap();
        keys.initialize().wait().unwrap_err()
    };
    let anchored = || {
        let world = World::empty();
        let keys = world.builder().anchor(Anchor::in_file(path)).build().unwrap();
        keys.initialize().wait().unwrap_err()
    };
    vec![
        ("Keyring::from_file", Keyring::from_file(path).unwrap_err()),
        ("KeyFile::create", KeyFile::new(path).create(now).unwrap_err()),
        ("KeyFile::rotate", KeyFile::new(path).rotate("", Purpose::Field, now).unwrap_err()),
        ("LocalKek::from_file", LocalKek::from_file(path).unwrap_err()),
        (
            "LocalKek::from_group_readable_file",
            LocalKek::from_group_readable_file(path).unwrap_err(),
        ),
        ("FileStore, load", load(FileStore::new(path))),
        ("FileStore, initialize", first()),
        ("Anchor::in_file, load", load_with(Anchor::in_file(path))),
        ("Anchor::in_file, initialize", anchored()),
    ]
}

#[test]
fn what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let says =
        format!("the folder {} is not there; make it, or mount its volume", missing.display());
    for path in [missing.join("file"), missing.join("further/file")] {
        for (who, error) in refusals(&path) {
            let error = error.to_string();
            assert!(
                error.contains(&says) && error.contains(path.to_str().unwrap()),
                "{who}: {error}"
            );
            assert!(!error.contains("os error"), "{who}: {error}");
        }
    }
    // A secret whose volume is gone: the links are there.
    let link = folder.path().join("file");
    symlink(missing.join("file"), &link).unwrap();
    for (who, error) in refusals(&link).into_iter().filter(|(who, _)| *who != "KeyFile::create") {
        assert!(error.to_string().contains(&says), "{who}: {error}");
    }
    fs::create_dir(&missing).unwrap();
    let says = format!(
        "it is a link to {}, which is not there; mount the volume",
        missing.join("file").display()
    );
    for (who, error) in refusals(&link).into_iter().filter(|(who, _)| *who != "KeyFile::create") {
        assert!(error.to_string().contains(&says), "{who}: {error}");
    }
    // The file itself, of those that don't make it.
    let alone = folder.path().join("alone");
    for (who, error) in [
        ("Keyring::from_file", Keyring::from_file(&alone).unwrap_err()),
        ("LocalKek::from_file", LocalKek::from_file(&alone).unwrap_err()),
        (
            "KeyFile::rotate",
            KeyFile::new(&alone).rotate("", Purpose::Field, SystemTime::now()).unwrap_err(),
        ),
    ] {
        let error = error.to_string();
        assert!(
            error.contains("there is no such file; correct the path, or put the file there"),
            "{who}: {error}"
        );
        assert!(error.contains(alone.to_str().unwrap()), "{who}: {error}");
    }
}

#[test]
fn what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for (path, says) in [
        (
            folder.path().join("file/beneath"),
            "a folder on the way to it is a file; correct the path",
        ),
        (PathBuf::new(), "the path is empty; name a file"),
        (PathBuf::from("/dev/null"), "not a regular file; correct the path"),
    ] {
        for (who, error) in [
            ("Keyring::from_file", Keyring::from_file(&path).unwrap_err()),
            ("LocalKek::from_file", LocalKek::from_file(&path).unwrap_err()),
            ("FileStore", load(FileStore::new(&path))),
            ("Anchor::in_file", load_with(Anchor::in_file(&path))),
        ] {
            assert!(error.to_string().contains(says), "{who}: {error}");
        }
    }
}
