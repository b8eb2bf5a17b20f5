//! The store in a file.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use encrypted_field::envelope::BackendErrorKind::{Denied, Garbled, Misconfigured, Unavailable};
use encrypted_field::envelope::{
    BackendErrorKind, Document as _, FileStore, KeyStore, Query, Record, conformance,
};
use tempfile::TempDir;

use crate::support::{all, ready, record, refused, run};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a store in it, of revision 1.
    fn with_store() -> Self {
        let folder = Self::new();
        assert!(ready(folder.store().compare_and_swap(0, &first())).unwrap());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self) -> FileStore {
        FileStore::new(self.path("store.json"))
    }

    fn mode(&self, mode: u32) {
        fs::set_permissions(self.path("store.json"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn first() -> Vec<Record> {
    vec![record("head", 1, "head"), record("process/1", 1, "one")]
}

fn second() -> Vec<Record> {
    vec![record("head", 2, "head"), record("process/1", 2, "one")]
}

/// Neither loads nor changes, and says this.
fn refuses(store: &FileStore, kind: BackendErrorKind, message: &str) {
    for error in [
        refused(ready(store.load(&Query::all())), kind),
        refused(ready(store.compare_and_swap(0, &second())), kind),
        refused(ready(store.compare_and_swap(1, &second())), kind),
    ] {
        assert!(error.to_string().contains(message), "{error}");
    }
}

fn load(store: &FileStore) -> Vec<Record> {
    ready(all(store))
}

#[test]
fn conforms() {
    let folder = Folder::new();
    run(conformance::key_store(&folder.store()));
    assert_eq!(folder.names(), ["store.json", "store.json.lock"]);
    assert_eq!(folder.path("store.json").metadata().unwrap().mode() & 0o7777, 0o600);
    assert!(!KeyStore::is_in_database_backups(&folder.store()));
    assert!(KeyStore::describe(&folder.store()).contains("store.json"));
}

#[test]
fn conforms_as_a_document() {
    let folder = Folder::new();
    run(conformance::document(&folder.store()));
    ready(conformance::document(&FileStore::new(folder.path("another.json"))));
}

#[test]
fn who_may_read() {
    let folder = Folder::with_store();
    folder.mode(0o644);
    refuses(&folder.store(), Misconfigured, "`chmod 600`");
    refuses(&folder.store().allow_group_read(), Misconfigured, "`chmod 640`");
    folder.mode(0o640);
    refuses(&folder.store(), Misconfigured, "`FileStore::allow_group_read`");
    let store = folder.store().allow_group_read();
    assert!(ready(store.compare_and_swap(1, &second())).unwrap());
    assert_eq!(load(&store), second());
    assert_eq!(folder.path("store.json").metadata().unwrap().mode() & 0o7777, 0o640);
}

/// `/proc` refuses new files even to root.
#[test]
fn a_folder_that_refuses_files() {
    let store = FileStore::new("/proc/self/task/store.json");
    let Err(error) = ready(store.compare_and_swap(0, &first())) else { panic!("written") };
    assert!([Denied, Misconfigured].contains(&error.kind()), "{error}");
}

#[test]
fn what_is_not_there() {
    let folder = Folder::new();
    assert_eq!(load(&folder.store()), []);
    assert_eq!(folder.names(), [""; 0], "reading makes nothing");
    // A volume that is not mounted is no empty store.
    let missing = folder.path("missing");
    let says = format!("the folder {} is not there", missing.display());
    for store in [missing.join("store.json"), missing.join("further/store.json")] {
        refuses(&FileStore::new(store), Misconfigured, &says);
    }
    symlink(missing.join("store.json"), folder.path("store.json")).unwrap();
    refuses(&folder.store(), Misconfigured, &says);
    assert!(folder.path("store.json").is_symlink());
    fs::create_dir(&missing).unwrap();
    let target = missing.join("store.json");
    refuses(
        &folder.store(),
        Misconfigured,
        &format!("a link to {}, which is not there", target.display()),
    );
}

/// Written without having been read, as an anchor may be.
#[test]
fn a_folder_that_goes() {
    let folder = Folder::new();
    let missing = folder.path("missing");
    let store = FileStore::new(missing.join("store.json"));
    let error = refused(ready(store.replace(None, "text".into())), Misconfigured);
    assert!(
        error.to_string().contains(&format!("the folder {} is not there", missing.display())),
        "{error}"
    );
}

#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    refuses(&FileStore::new(folder.0.path()), Misconfigured, "not a regular file");
    fs::write(folder.path("file"), "").unwrap();
    refuses(&FileStore::new(folder.path("file/store.json")), Misconfigured, "can't open");
    for path in ["/dev/null", "/", ""] {
        refused(ready(FileStore::new(path).load(&Query::all())), Misconfigured);
    }
}

#[test]
fn what_is_no_store() {
    let store = br#"{"format":"encrypted-field key store","version":1,"records":[]}"#;
    let damaged = "restore it from a backup";
    for (text, kind, says) in [
        (&b""[..], Garbled, "it is empty; restore it from a backup"),
        (b" \n", Garbled, "it is empty; restore it from a backup"),
        (b"{}", Garbled, damaged),
        (b"\xff\xfe", Garbled, damaged),
        (&store[..store.len() - 1], Garbled, damaged),
        (&[&store[..], b"}"].concat(), Garbled, damaged),
        (br#"[{"format":"encrypted-field key store","version":1,"records":[]}]"#, Garbled, damaged),
        (
            br#"{"format":"encrypted-field key file","version":1,"records":[]}"#,
            Garbled,
            "it does not say \"format\": \"encrypted-field key store\"",
        ),
        // Whatever else a later release writes.
        (
            br#"{"format":"encrypted-field key store","version":2,"records":[]}"#,
            Misconfigured,
            "upgrade encrypted-field",
        ),
        (
            br#"{"shards":{},"version":3,"format":"encrypted-field key store"}"#,
            Misconfigured,
            "upgrade encrypted-field",
        ),
        (
            br#"{"format":"encrypted-field key store","version":1,"records":[{"name":"head","revision":-1,"body":{}}]}"#,
            Garbled,
            damaged,
        ),
        (
            br#"{"format":"encrypted-field key store","version":1,"records":[{"id":0,"revision":1,"body":{}}]}"#,
            Garbled,
            damaged,
        ),
        (
            br#"{"format":"encrypted-field key store","version":1,"records":[],"more":1}"#,
            Garbled,
            damaged,
        ),
    ] {
        let folder = Folder::new();
        fs::write(folder.path("store.json"), text).unwrap();
        folder.mode(0o600);
        refuses(&folder.store(), kind, says);
        assert_eq!(fs::read(folder.path("store.json")).unwrap(), text, "it is left as it is");
    }
}

/// Killed writers leave their temporary files behind; the next writer removes those, and nobody
/// else's.
#[test]
fn leftovers_of_killed_writers() {
    let folder = Folder::with_store();
    for name in [
        "store.json.tmp-0123456789abcdef",
        "store.json.tmp-backup",
        "other.json.tmp-0123456789abcdef",
    ] {
        fs::write(folder.path(name), "cut o").unwrap();
    }
    assert_eq!(load(&folder.store()), first());
    assert!(ready(folder.store().compare_and_swap(1, &second())).unwrap());
    assert_eq!(
        folder.names(),
        [
            "other.json.tmp-0123456789abcdef",
            "store.json",
            "store.json.lock",
            "store.json.tmp-backup"
        ]
    );
}

/// A process that was stopped while it held the lock does not stop the others.
#[test]
fn a_lock_that_is_never_released() {
    let folder = Folder::with_store();
    let lock = fs::File::open(folder.path("store.json.lock")).unwrap();
    lock.lock().unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(30)] {
        let store = folder.store().lock_timeout(wait);
        let error = refused(ready(store.compare_and_swap(1, &second())), Unavailable);
        assert!(error.to_string().contains(&format!("{wait:?}")), "{error}");
        assert_eq!(load(&store), first());
    }
    lock.unlock().unwrap();
    assert!(
        ready(folder.store().lock_timeout(Duration::ZERO).compare_and_swap(1, &second())).unwrap()
    );
}

/// One that is released is waited for.
#[test]
fn a_lock_that_is_released() {
    let folder = Folder::with_store();
    let lock = fs::File::open(folder.path("store.json.lock")).unwrap();
    lock.lock().unwrap();
    let store = folder.store().lock_timeout(Duration::from_secs(600));
    std::thread::scope(|scope| {
        let change = scope.spawn(|| ready(store.compare_and_swap(1, &second())));
        assert_eq!(load(&store), first());
        lock.unlock().unwrap();
        assert!(change.join().unwrap().unwrap());
    });
    assert_eq!(load(&store), second());
}

#[test]
fn through_a_link() {
    let folder = Folder::with_store();
    symlink("store.json", folder.path("link.json")).unwrap();
    let store = FileStore::new(folder.path("link.json"));
    assert!(ready(store.compare_and_swap(1, &second())).unwrap());
    assert_eq!(folder.path("link.json").read_link().unwrap(), Path::new("store.json"));
    assert_eq!(load(&folder.store()), second());
    assert_eq!(folder.names(), ["link.json", "store.json", "store.json.lock"]);
}

/// What could not be read again is not written.
#[test]
fn too_large() {
    let folder = Folder::with_store();
    let text = "x".repeat(1_000_000);
    let mut changed: Vec<_> =
        (1..=68).map(|number| record(&format!("process/{number}"), 2, &text)).collect();
    changed.push(record("head", 2, "head"));
    let error = refused(ready(folder.store().compare_and_swap(1, &changed)), Misconfigured);
    assert!(error.to_string().contains("64 MiB"), "{error}");
    assert_eq!(load(&folder.store()), first());
}
