//! Writers of one key file at once: none loses another's key, and no reader sees a file that is not
//! whole.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use encrypted_field::{
    ErrorKind,
    key::{KeyFile, KeyState, Purpose},
};

use crate::support::{Folder, time};

/// All ids from 1 on are there, each once, and the last is the active one.
#[track_caller]
fn all_there(folder: &Folder, count: u32) {
    let ring = folder.file().keyring().unwrap();
    let ids: BTreeSet<u32> = ring.keys().map(|key| key.id.get()).collect();
    assert_eq!(ids, (1..=count).collect());
    let active: Vec<_> = ring.keys().filter(|key| key.state == KeyState::Active).collect();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].id.get(), count);
    let bytes: BTreeSet<_> = ring.keys().map(|key| key.check_value).collect();
    assert_eq!(bytes.len(), ids.len());
    assert_eq!(folder.names(), ["keys.json", "keys.json.lock"]);
}

#[test]
fn rotations_of_several_threads() {
    let folder = Folder::with_file();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !done.load(Ordering::Relaxed) {
                folder.file().keyring().unwrap();
                reads += 1;
            }
            reads
        });
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let file = folder.file();
                    (0..10)
                        .map(|_| file.rotate("", Purpose::Field, time(1)).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ids: BTreeSet<_> =
            writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(ids.len(), 40);
        assert!(reader.join().unwrap() > 0);
    });
    all_there(&folder, 41);
}

#[test]
fn of_several_creators_one_wins() {
    for _ in 0..20 {
        let folder = Folder::new();
        let created = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| folder.file().create(time(0)))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .filter(|created| match created {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::KeyFile);
                        false
                    }
                })
                .count()
        });
        assert_eq!(created, 1);
        all_there(&folder, 1);
    }
}

const FILE_FOR_CHILD: &str = "EF_TEST_ROTATED_FILE";

/// This test runs itself in processes of their own, which find the file's path in the environment.
#[test]
fn rotations_of_several_processes() {
    if let Some(path) = std::env::var_os(FILE_FOR_CHILD) {
        for _ in 0..8 {
            KeyFile::new(&path).rotate("", Purpose::Field, time(2)).unwrap();
        }
        return;
    }
    let folder = Folder::with_file();
    let children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["concurrency::rotations_of_several_processes", "--exact"])
                .env(FILE_FOR_CHILD, folder.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    }
    all_there(&folder, 33);
}

/// A writer that was killed leaves its lock file behind; a file is no lock.
#[test]
fn a_lock_file_that_was_left_behind() {
    let folder = Folder::new();
    std::fs::write(folder.folder.path().join("keys.json.lock"), "123").unwrap();
    folder.file().create(time(0)).unwrap();
    folder.file().rotate("", Purpose::Field, time(1)).unwrap();
    all_there(&folder, 2);
}
