//! The key ring of the process: installed, swapped while it is in use, or loaded from the real
//! environment. Each test runs in a process of its own, whose environment is set before it starts.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use encrypted_field::event::{self, Event};
use encrypted_field::{
    Encrypted, EncryptedFieldExt, EncryptedModel, ErrorKind, Key, KeyId, Keyring, Secret, install,
    key::{KeyState, Purpose},
    keyring,
};
use tests::refused;
use tests::secrets::{BOT_TOKEN, KEYS};

const CHILD: &str = "EF_TEST_CHILD";

#[derive(Encrypted)]
#[encrypted(context = "install.token")]
struct Token(Secret<String>);

/// Runs the test of this name in a process of its own, with these variables and no other of the
/// library's.
fn alone(test: &str, variables: &[(&str, &str)], body: fn()) {
    if std::env::var_os(CHILD).is_some() {
        return body();
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--nocapture"]).env(CHILD, "1");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ENCRYPTED_FIELD_") {
            child.env_remove(name);
        }
    }
    let output = child.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    // Indented, so that the child's closing line isn't taken for this process's.
    println!("{}", text.replace('\n', "\n    "));
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{test} failed in its own process"
    );
}

fn ring(active: usize) -> Keyring {
    let keys = (0..KEYS.len()).map(|number| {
        let state = if number == active { KeyState::Active } else { KeyState::Retired };
        Key::new(u32::try_from(number).unwrap() + 1, KEYS[number]).state(state)
    });
    Keyring::builder().keys(keys).build().unwrap()
}

fn seals() -> Option<u32> {
    let stored = Token::from(BOT_TOKEN).to_stored_text().unwrap();
    Token::from_stored_text(stored).unwrap().key_id().map(KeyId::get)
}

#[test]
fn nothing_set() {
    static FAILED: AtomicU32 = AtomicU32::new(0);

    alone("nothing_set", &[], || {
        event::set_hook(|event| match event {
            Event::OpenFailed { kind: ErrorKind::NoKeys, key_id: None, .. } => {
                FAILED.fetch_add(1, Ordering::Relaxed);
            }
            Event::KeysInstalled { ring, .. } => {
                assert_eq!(ring.active_key("", Purpose::Field), KeyId::new(4));
            }
            other => panic!("{other:?}"),
        });
        let text = "ef1:1:AAAA";
        for error in [
            refused(Token::from(BOT_TOKEN).to_stored_text(), ErrorKind::NoKeys),
            refused(Token::from(BOT_TOKEN).seal(), ErrorKind::NoKeys),
            refused(Token::from(BOT_TOKEN).to_stored_value(), ErrorKind::NoKeys),
            refused(Token::from_stored_text(text.into()), ErrorKind::NoKeys),
            refused(Token::from_stored(text.into()), ErrorKind::NoKeys),
            refused(Token::open_text(text), ErrorKind::NoKeys),
        ] {
            assert_eq!(error.column(), Some("install.token"));
            let message = error.to_string();
            assert!(
                message.contains("ENCRYPTED_FIELD_KEYS") && message.contains("openssl rand"),
                "{message}"
            );
        }
        refused(keyring(), ErrorKind::NoKeys);
        // Each of the three reads was an event, and none of the writes.
        assert_eq!(FAILED.load(Ordering::Relaxed), 3);
        assert!(!Token::from(BOT_TOKEN).is_stale());
        // Nothing was made up meanwhile, and a ring can still be installed.
        refused(keyring(), ErrorKind::NoKeys);
        install(ring(3)).unwrap();
        assert_eq!(seals(), Some(4));
    });
}

#[test]
fn an_empty_variable_is_not_set() {
    alone(
        "an_empty_variable_is_not_set",
        &[("ENCRYPTED_FIELD_KEYS", ""), ("ENCRYPTED_FIELD_KEY", "")],
        || {
            refused(keyring(), ErrorKind::NoKeys);
        },
    );
}

/// The environment cannot be written down in the sources: its keys are secrets of the tests.
fn list() -> String {
    use base64::Engine as _;
    let key = |number: usize| base64::engine::general_purpose::STANDARD.encode(KEYS[number]);
    format!("active=2,2:{},1:{}", key(1), key(0))
}

#[test]
fn the_first_use_loads_the_environment() {
    alone("the_first_use_loads_the_environment", &[("ENCRYPTED_FIELD_KEYS", &list())], || {
        // By many threads at once.
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(seals(), Some(2)));
            }
        });
        let ring = keyring().unwrap();
        assert_eq!(ring.active_key("", Purpose::Field), KeyId::new(2));
        assert_eq!(ring.keys().count(), 2);
        assert!(std::sync::Arc::ptr_eq(&ring, &keyring().unwrap()));
        // What was loaded counts as installed: another key under its id is refused.
        let conflict = Keyring::builder().active(2, KEYS[5]).build().unwrap();
        assert_eq!(refused(install(conflict), ErrorKind::KeyConflict).key_id(), KeyId::new(2));
        install(Keyring::builder().active(3, KEYS[2]).retired(2, KEYS[1]).build().unwrap())
            .unwrap();
        assert_eq!(seals(), Some(3));
    });
}

#[test]
fn what_is_installed_wins_over_the_environment() {
    alone(
        "what_is_installed_wins_over_the_environment",
        &[("ENCRYPTED_FIELD_KEYS", &list())],
        || {
            install(ring(6)).unwrap();
            assert_eq!(seals(), Some(7));
        },
    );
}

#[test]
fn a_wrong_environment_is_an_error_each_time() {
    let wrong = list().replacen("active=2,", "", 1);
    alone("a_wrong_environment_is_an_error_each_time", &[("ENCRYPTED_FIELD_KEYS", &wrong)], || {
        for _ in 0..3 {
            let error = refused(Token::from(BOT_TOKEN).to_stored(), ErrorKind::InvalidKeys);
            assert!(error.to_string().contains("ENCRYPTED_FIELD_KEYS"), "{error}");
        }
        // A ring of one's own mends it.
        install(ring(0)).unwrap();
        assert_eq!(seals(), Some(1));
    });
}

#[test]
fn two_sources() {
    let key = list().split(':').next_back().unwrap().to_owned();
    let variables = [("ENCRYPTED_FIELD_KEYS", &*list()), ("ENCRYPTED_FIELD_KEY", &*key)];
    alone("two_sources", &variables, || {
        let message = refused(keyring(), ErrorKind::InvalidKeys).to_string();
        assert!(message.contains("ENCRYPTED_FIELD_KEYS, ENCRYPTED_FIELD_KEY"), "{message}");
    });
}

#[test]
fn a_known_id_with_other_bytes_is_refused() {
    alone("a_known_id_with_other_bytes_is_refused", &[], || {
        install(ring(0)).unwrap();
        let others = [
            Keyring::builder().active(1, KEYS[0]).key(
                Key::new(2, [&KEYS[1][1..], &[9]].concat().try_into().unwrap())
                    .state(KeyState::Pending),
            ),
            Keyring::builder().active(1, KEYS[0]).key(Key::destroyed(2).check([7; 32])),
            Keyring::builder().active(1, KEYS[0]).key(Key::new(2, KEYS[1]).scope("slack")),
            Keyring::builder().active(1, KEYS[0]).key(Key::new(2, KEYS[1]).purpose(Purpose::Index)),
        ];
        for other in others {
            let error = refused(install(other.build().unwrap()), ErrorKind::KeyConflict);
            assert_eq!(error.key_id(), KeyId::new(2));
            assert!(error.to_string().contains("new id"), "{error}");
            for word in ["in tests", "`Keyring::hold`", "`Keyring::hold_everywhere`"] {
                assert!(error.to_string().contains(word), "{error}");
            }
        }
        // The ring before is still the one in use.
        assert_eq!(keyring().unwrap().keys().count(), KEYS.len());
        assert_eq!(seals(), Some(1));
        // Other ids, other states, and a tombstone without a check value are changes like any
        // other.
        install(
            Keyring::builder()
                .active(2, KEYS[1])
                .retired(1, KEYS[0])
                .key(Key::destroyed(3))
                .build()
                .unwrap(),
        )
        .unwrap();
        assert_eq!(seals(), Some(2));
    });
}

#[test]
fn a_destroyed_id_never_comes_back() {
    alone("a_destroyed_id_never_comes_back", &[], || {
        for tombstone in [
            Key::destroyed(9),
            Key::destroyed(9).check(Key::new(9, KEYS[4]).check_value().unwrap()),
        ] {
            install(Keyring::builder().active(1, KEYS[0]).key(tombstone).build().unwrap()).unwrap();
            for bytes in [KEYS[4], KEYS[5]] {
                let back = Keyring::builder()
                    .active(1, KEYS[0])
                    .key(Key::new(9, bytes).state(KeyState::Pending));
                let error = refused(install(back.build().unwrap()), ErrorKind::KeyConflict);
                assert_eq!(error.key_id(), KeyId::new(9));
            }
        }
    });
}

/// Threads seal and open while another one rotates: every value opens, under the ring that is there
/// then.
#[test]
fn the_ring_is_swapped_while_it_is_in_use() {
    alone("the_ring_is_swapped_while_it_is_in_use", &[], || {
        const ROUNDS: usize = 400;
        /// A race that has not seen every key by then has no rotation in it.
        const PATIENCE: Duration = Duration::from_secs(120);
        install(ring(0)).unwrap();
        let (done, opened, seen) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|scope| {
            for worker in 0..4 {
                let (done, opened, seen) = (&done, &opened, &seen);
                scope.spawn(move || {
                    let mut kept = Vec::new();
                    for round in 0.. {
                        if done.load(Ordering::Relaxed) && round > 20 {
                            break;
                        }
                        let token = Token::from(format!("{BOT_TOKEN}-{worker}-{round}"));
                        let text = token.to_stored_text().unwrap();
                        let binary = token.seal().unwrap();
                        for read in [Token::from_stored_text(text.clone()), Token::open(&binary)] {
                            let read = read.unwrap();
                            assert!(read == token);
                            seen.fetch_or(1 << read.key_id().unwrap().get(), Ordering::Relaxed);
                            opened.fetch_add(1, Ordering::Relaxed);
                        }
                        // What was sealed long ago still opens.
                        kept.push((text, token));
                        let (text, token) = &kept[round / 2];
                        assert!(Token::from_stored_text(text.clone()).unwrap() == *token);
                    }
                });
            }
            let start = Instant::now();
            let all_seen = || seen.load(Ordering::Relaxed).count_ones() as usize == KEYS.len();
            for round in 0.. {
                if round >= ROUNDS && all_seen() || start.elapsed() > PATIENCE {
                    break;
                }
                install(ring(round % KEYS.len())).unwrap();
                // A ring that would lose values is refused meanwhile, too.
                let conflict = Keyring::builder().active(1, KEYS[7]).build().unwrap();
                refused(install(conflict), ErrorKind::KeyConflict);
            }
            done.store(true, Ordering::Relaxed);
        });
        println!("{} values opened", opened.load(Ordering::Relaxed));
        assert_eq!(
            seen.load(Ordering::Relaxed).count_ones() as usize,
            KEYS.len(),
            "a key was never used"
        );
    });
}

/// The way to follow a rotation without a timer: whoever meets an unknown key loads the keys again.
#[test]
fn a_hook_may_install() {
    alone("a_hook_may_install", &[], || {
        let stored = {
            let _held = ring(4).hold();
            Token::from(BOT_TOKEN).to_stored_text().unwrap()
        };
        install(Keyring::builder().active(1, KEYS[0]).build().unwrap()).unwrap();
        event::set_hook(|event| {
            if let Event::OpenFailed { kind: ErrorKind::UnknownKey, .. } = event {
                install(ring(4)).unwrap();
            }
        });
        refused(Token::from_stored_text(stored.clone()), ErrorKind::UnknownKey);
        assert!(&*Token::from_stored_text(stored).unwrap() == BOT_TOKEN);
        assert_eq!(seals(), Some(5));
    });
}

/// A held ring is this thread's; the others see the installed one.
#[test]
fn held_beside_installed() {
    alone("held_beside_installed", &[], || {
        install(ring(0)).unwrap();
        let held = ring(4).hold();
        assert_eq!(seals(), Some(5));
        thread::scope(|scope| {
            scope.spawn(|| assert_eq!(seals(), Some(1)));
        });
        // Installing does not disturb who holds one.
        install(ring(2)).unwrap();
        assert_eq!(seals(), Some(5));
        drop(held);
        assert_eq!(seals(), Some(3));
    });
}

/// What an operator's log needs, to see at start-up that an old key seals.
#[test]
fn which_keys_seal_is_told_at_start_up_and_when_it_changes() {
    use std::sync::Mutex;
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

    let variables = [("ENCRYPTED_FIELD_KEYS", &*list())];
    alone("which_keys_seal_is_told_at_start_up_and_when_it_changes", &variables, || {
        event::set_hook(|event| {
            let Event::KeysInstalled { ring, .. } = event else { panic!("{event:?}") };
            SEEN.lock().unwrap().push(format!("{ring:?}"));
            // A ring may be installed by who is told.
            if ring.get(3).is_some() {
                install(ring_of(4)).unwrap();
            }
        });
        let told = || std::mem::take(&mut *SEEN.lock().unwrap());
        let held = ring(7).hold();
        assert_eq!(seals(), Some(8));
        drop(held);
        assert!(told().is_empty(), "what is held is not installed");

        assert_eq!((seals(), seals()), (Some(2), Some(2)));
        let [first] = &told()[..] else { panic!("once") };
        assert!(first.contains(r#"(1, "retired", "")"#) && first.contains(r#"(2, "active", "")"#));
        tests::assert_redacted(first);

        // The same key seals, beside others.
        let more = Keyring::builder().active(2, KEYS[1]).build().unwrap();
        install(more).unwrap();
        assert!(told().is_empty());
        let next = Keyring::builder().active(3, KEYS[2]).retired(2, KEYS[1]).build().unwrap();
        install(next).unwrap();
        let told = told();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains(r#"(3, "active", "")"#) && told[1].contains(r#"(4, "active", "")"#)
        );
        assert_eq!(seals(), Some(4));
    });
}

fn ring_of(active: u32) -> Keyring {
    let bytes = KEYS[active as usize - 1];
    Keyring::builder().active(active, bytes).build().unwrap()
}

/// A test's ring on all threads: of a runtime, and of others.
#[test]
fn a_ring_is_held_everywhere() {
    async fn seals_in_tasks() -> Vec<Option<u32>> {
        let mut tasks: Vec<_> = (0..8).map(|_| tokio::spawn(async { seals() })).collect();
        tasks.push(tokio::task::spawn_blocking(seals));
        tasks.push(tokio::task::spawn_blocking(|| thread::spawn(seals).join().unwrap()));
        let mut ids = vec![seals()];
        for task in tasks {
            ids.push(task.await.unwrap());
        }
        ids
    }

    /// As `#[tokio::test(flavor = "multi_thread")]`.
    fn test(id: u32) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        runtime.unwrap().block_on(async {
            // Each test has another key, under the id that all use.
            let number = id as usize;
            let _held =
                Keyring::builder().active(9, KEYS[number]).build().unwrap().hold_everywhere();
            let stored = tokio::spawn(async { Token::from(BOT_TOKEN).to_stored_text().unwrap() });
            let stored = stored.await.unwrap();
            assert_eq!(seals_in_tasks().await, [Some(9); 11]);
            let own = Keyring::builder().active(9, KEYS[number]).build().unwrap();
            assert!(Token::from_stored_text_with(&own, stored).is_ok());
        });
    }

    alone("a_ring_is_held_everywhere", &[], || {
        install(ring(0)).unwrap();
        // Another thread that holds a ring of its own keeps it.
        thread::scope(|threads| {
            for id in 0..6 {
                threads.spawn(move || test(id));
            }
            threads.spawn(|| {
                let _held = ring(4).hold();
                for _ in 0..100 {
                    assert_eq!(seals(), Some(5));
                }
            });
        });
        assert_eq!(seals(), Some(1), "what was installed comes back");
    });
}

#[test]
fn rings_held_everywhere_nest_and_go_in_any_order() {
    alone("rings_held_everywhere_nest_and_go_in_any_order", &[], || {
        let elsewhere = || thread::spawn(|| keyring().ok().map(|_| seals())).join().unwrap();
        assert_eq!(elsewhere(), None);
        let one = ring_of(1).hold_everywhere();
        let two = ring_of(2).hold_everywhere();
        let three = ring_of(3).hold();
        assert_eq!((seals(), elsewhere()), (Some(3), Some(Some(2))));
        drop(one);
        assert_eq!((seals(), elsewhere()), (Some(3), Some(Some(2))));
        drop(three);
        assert_eq!((seals(), elsewhere()), (Some(2), Some(Some(2))));
        drop(two);
        assert_eq!(elsewhere(), None);
        refused(keyring(), ErrorKind::NoKeys);
        // By a panic, too; and the next one does not wait for ever.
        let panicked = thread::spawn(|| {
            let _held = ring_of(5).hold_everywhere();
            std::panic::resume_unwind(Box::new("on purpose"));
        });
        assert!(panicked.join().is_err());
        assert_eq!(elsewhere(), None);
        let six = ring_of(6).hold_everywhere();
        assert_eq!((seals(), elsewhere()), (Some(6), Some(Some(6))));
        // What the code under test installs meanwhile goes with it.
        install(ring_of(7)).unwrap();
        assert_eq!((seals(), elsewhere()), (Some(6), Some(Some(7))));
        drop(six);
        assert_eq!(elsewhere(), None);
    });
}

#[test]
fn staleness_follows_the_installed_ring() {
    #[derive(Encrypted)]
    #[encrypted(table = "install")]
    struct Row {
        #[encrypted(String)]
        one: One,
        #[encrypted(String)]
        other: Option<Other>,
    }

    alone("staleness_follows_the_installed_ring", &[], || {
        install(ring(0)).unwrap();
        let mut row = Row { one: One::from(BOT_TOKEN), other: None };
        assert!(!row.is_any_stale());
        row.other = Some(Other::open(&Other::from(BOT_TOKEN).seal().unwrap()).unwrap());
        assert!(!row.is_any_stale());
        install(ring(1)).unwrap();
        assert!(row.is_any_stale() && !row.one.is_stale());
        assert!(!row.is_any_stale_with(&ring(0)));
        row.other = None;
        assert!(!row.is_any_stale());
    });
}

/// Keys of the environment in place of those of a store would seal values that no other process
/// opens.
#[test]
fn keys_that_a_manager_could_not_load_are_not_replaced_by_others() {
    use encrypted_field::envelope::{FileStore, KeyManager, LocalKek};

    let variables = [("ENCRYPTED_FIELD_KEYS", &*list())];
    alone("keys_that_a_manager_could_not_load_are_not_replaced_by_others", &variables, || {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::new(folder.path().join("keys.json"));
        let kek = LocalKek::new(KEYS[0]).unwrap();
        let keys = KeyManager::builder("test", store).kek("local", kek).build().unwrap();
        let failed = keys.install().wait().unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::KeyStoreUnusable, "{failed}");
        let error = Token::from(BOT_TOKEN).to_stored_text().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyStoreUnusable, "{error}");
        let text = error.to_string();
        assert!(text.contains("initialize") && !text.contains("call `"), "{text}");
        // The manager makes them, and the ring is there.
        keys.initialize().wait().unwrap();
        assert_eq!(seals(), Some(1));
    });
}
