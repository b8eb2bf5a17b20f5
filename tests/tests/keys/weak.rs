//! Keys that nobody drew at random are refused, whichever way they come.

use encrypted_field::{ErrorKind, Key, Keyring, generate_key, key::KeyState};
use tests::refused;
use tests::secrets::KEYS;

use crate::support::{Folder, base64, document, env};

fn bytes(text: &str) -> [u8; 32] {
    text.as_bytes().try_into().expect("32 bytes of text")
}

fn counting(start: u8, step: u8) -> [u8; 32] {
    let mut next = start;
    [(); 32].map(|()| {
        let byte = next;
        next = next.wrapping_add(step);
        byte
    })
}

fn repeating(pattern: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(pattern.iter().cycle()).for_each(|(to, from)| *to = *from);
    bytes
}

fn weak() -> Vec<(&'static str, [u8; 32])> {
    let mut weak = vec![
        ("text", bytes("your-32-byte-key-goes-right-here")),
        ("text", bytes("0123456789abcdef0123456789ABCDEF")),
        ("text", bytes("correct horse battery staple 123")),
        ("text", bytes("                               x")),
        // What `echo | base64` makes of 31 characters.
        ("text", bytes("a secret of thirty-one letters!\n")),
        ("text", bytes("a secret of thirty letters...!\r\n")),
        ("repeat", repeating(&KEYS[0][..16])),
        ("repeat", repeating(&KEYS[0][..15])),
        ("repeat", repeating(&KEYS[0][..3])),
        ("repeat", repeating(&[0xDE, 0xAD, 0xBE, 0xEF])),
    ];
    weak.extend((0..=u8::MAX).map(|byte| ("equal", [byte; 32])));
    weak.extend([1, 2, 3, 7, 16, 255, 254].map(|step| ("count", counting(0, step))));
    weak.push(("count", counting(250, 1)));
    // Zeros with one byte set, as a placeholder has it.
    for at in [0, 15, 31] {
        let mut placeholder = [0; 32];
        placeholder[at] = 1;
        weak.push(("few", placeholder));
    }
    weak
}

#[test]
fn in_a_builder_in_any_state_scope_and_purpose() {
    for (why, bytes) in weak() {
        let error = refused(Keyring::builder().active(9, bytes).build(), ErrorKind::InvalidKeys);
        let message = error.to_string();
        assert!(
            message.contains("key 9: ") && message.contains("openssl rand -base64 32"),
            "{message}"
        );
        assert!(message.contains(why), "not {why:?}: {message}");
        for state in [KeyState::Pending, KeyState::Disabled, KeyState::Compromised] {
            let weak = Key::new(9, bytes).state(state).scope("slack");
            refused(
                Keyring::builder().active(1, KEYS[0]).key(weak).build(),
                ErrorKind::InvalidKeys,
            );
        }
    }
}

#[test]
fn in_the_environment() {
    for (_, bytes) in weak() {
        let text = base64(&bytes);
        refused(env(&[("KEY", &text)]), ErrorKind::InvalidKeys);
        refused(env(&[("KEYS", &format!("9:{text}"))]), ErrorKind::InvalidKeys);
    }
}

#[test]
fn in_a_key_file() {
    for (_, bytes) in weak().into_iter().take(20) {
        let entry = serde_json::json!({"id": 9, "state": "active", "key": base64(&bytes)});
        let folder = Folder::with_text(document(&[entry]));
        let error = refused(folder.file().keyring(), ErrorKind::InvalidKeys);
        assert!(error.to_string().contains("keys.json"), "{error}");
    }
}

#[test]
fn random_keys_are_not_refused() {
    for _ in 0..2000 {
        assert!(Keyring::builder().active(1, generate_key().unwrap()).build().is_ok());
    }
    for key in KEYS {
        assert!(Keyring::builder().active(1, key).build().is_ok());
    }
}

#[test]
fn generated_keys_differ() {
    let keys: std::collections::HashSet<_> = (0..1000).map(|_| generate_key().unwrap()).collect();
    assert_eq!(keys.len(), 1000);
}
