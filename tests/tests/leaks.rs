//! The scan of the test output finds a secret in each form in which it may get printed. No
//! assertion here prints a secret: this output is scanned too.

use std::fmt::Debug;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tests::leaks::{CAPTURED, Scanner};
use tests::secrets::{BOT_TOKEN, CANARY, CANARY_INTEGER, KEYS};

/// The texts in which `bytes` could show up in a log.
fn printed(bytes: &[u8]) -> Vec<(&'static str, String)> {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read by Debug")]
    struct Holder<T: Debug> {
        field: Option<T>,
    }
    let mut texts = vec![
        ("escaped", bytes.escape_ascii().to_string()),
        ("hex", bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        ("upper-case hex", bytes.iter().map(|byte| format!("{byte:02X}")).collect()),
        ("spaced hex", bytes.iter().map(|byte| format!("{byte:02x} ")).collect()),
        ("list", format!("{bytes:?}")),
        ("pretty list", format!("{bytes:#?}")),
        ("nested list", format!("{:?}", Holder { field: Some(bytes.to_vec()) })),
        ("pretty nested list", format!("{:#?}", Holder { field: Some(bytes.to_vec()) })),
        ("hex list", format!("{bytes:x?}")),
        ("two-digit hex list", format!("{bytes:02x?}")),
        ("pretty hex list", format!("{bytes:#x?}")),
        ("pretty two-digit hex list", format!("{bytes:#04x?}")),
        ("JSON", serde_json::to_string(bytes).unwrap()),
    ];
    for before in 0..3 {
        let around = [&b"ab"[..before], bytes, b"yz"].concat();
        texts.push(("base64", STANDARD.encode(&around)));
        texts.push(("base64url", URL_SAFE_NO_PAD.encode(&around)));
        let mut wrapped = STANDARD.encode(&around);
        wrapped.insert(7, '\n');
        texts.push(("wrapped base64", wrapped));
    }
    texts
}

/// How many leaks a log with this line has, each of which must be at the line.
fn found(scanner: &Scanner, text: &str) -> usize {
    let leaks =
        scanner.scan(format!("running 1 test\ntoken = {text}.\ntest a ... ok\n").as_bytes());
    let lines = 2..=2 + text.matches('\n').count();
    assert!(leaks.iter().all(|leak| lines.contains(&leak.line)), "wrong line");
    leaks.len()
}

#[test]
fn the_canary_is_found_in_every_form() {
    let scanner = Scanner::new();
    let id = u128::from(CANARY_INTEGER.unsigned_abs()) << 72 | 0x77;
    let characters: Vec<char> = BOT_TOKEN.chars().collect();
    let mut texts = printed(BOT_TOKEN.as_bytes());
    texts.push(("plain", BOT_TOKEN.to_owned()));
    texts.push(("quoted", format!("{:?}", Some(BOT_TOKEN))));
    texts.push(("integer", CANARY_INTEGER.to_string()));
    texts.push(("UUID", uuid::Uuid::from_u128(id).to_string()));
    texts.push(("character list", format!("{characters:?}")));
    for (form, text) in texts {
        assert_ne!(found(&scanner, &text), 0, "{form}");
    }
}

#[test]
fn every_key_is_found_in_every_form_even_in_part() {
    let scanner = Scanner::new();
    for (number, key) in KEYS.iter().enumerate() {
        for part in [&key[..], &key[..16], &key[16..], &key[..8]] {
            for (form, text) in printed(part) {
                assert_ne!(
                    found(&scanner, &text),
                    0,
                    "{form} of {} bytes of key {number}",
                    part.len()
                );
            }
        }
        assert_ne!(scanner.scan(key).len(), 0, "raw key {number}");
    }
}

#[test]
fn ordinary_output_is_clean() {
    let scanner = Scanner::new();
    let other_key = [0x5a; 32];
    let mut texts = printed(&other_key);
    texts.extend(printed(b"canary-, Canary-, CANARY: and CANAR-"));
    texts.push(("nothing", String::new()));
    for (form, text) in texts {
        assert_eq!(found(&scanner, &text), 0, "{form}");
    }
}

#[test]
fn a_leak_tells_its_place_and_not_its_content() {
    let leaks = Scanner::new().scan(format!("one\ntwo\n{CANARY}\n").as_bytes());
    assert_eq!(leaks.len(), 1);
    assert_eq!((leaks[0].line, leaks[0].form), (3, "plain"));
    assert!(!format!("{leaks:?}").contains(CANARY));
}

#[test]
fn the_command_fails_on_a_leak_and_on_half_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let scan = |arguments: &[&str], log: &str| {
        let file = folder.path().join("log");
        std::fs::write(&file, log).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_scan-output"))
            .args(arguments)
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(
            Scanner::new().scan(&[output.stdout, output.stderr].concat()),
            [],
            "the report itself leaks"
        );
        output.status.success()
    };
    let whole = CAPTURED.join("\n");
    assert!(scan(&[], "nothing here"));
    assert!(scan(&["--whole-run"], &whole));
    assert!(!scan(&["--whole-run"], CAPTURED[0]));
    assert!(!scan(&["--whole-run"], ""));
    assert!(!scan(&["--whole-run"], &format!("{whole}\n{:?}", BOT_TOKEN.as_bytes())));
    assert!(!scan(&[], &STANDARD.encode(KEYS[3])));
}
