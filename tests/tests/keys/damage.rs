//! Key files that are not whole.

use encrypted_field::{
    ErrorKind, Key,
    key::{KeyState, Purpose},
};
use tests::secrets::KEYS;
use tests::{assert_no_secret, refused};

use crate::support::{Folder, check_value, time};

/// With keys of the tests, so that the search for secrets knows them.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write(crate::support::document(&[
        serde_json::json!({"id": 1, "state": "active", "key": crate::support::key(0), "check": crate::support::check(0)}),
    ]));
    let file = folder.file();
    file.add(&Key::new(2, KEYS[1]).state(KeyState::Pending).scope("slack"), time(1)).unwrap();
    file.activate(encrypted_field::KeyId::new(2).unwrap(), time(2)).unwrap();
    folder
}

#[test]
fn cut_off_at_every_length() {
    let folder = folder();
    let whole = folder.read();
    assert_eq!(whole.last(), Some(&b'\n'));
    for len in 0..whole.len() - 1 {
        folder.write(&whole[..len]);
        let message = refused(folder.file().keyring(), ErrorKind::KeyFile).to_string();
        assert!(
            message.contains("keys.json") && message.contains("half written"),
            "{len}: {message}"
        );
        // Nothing is made of it, and it stays as it is for whoever repairs it.
        refused(folder.file().rotate("", Purpose::Field, time(3)), ErrorKind::KeyFile);
        assert_eq!(folder.read(), &whole[..len]);
    }
    folder.write(&whole[..whole.len() - 1]);
    assert!(folder.file().keyring().is_ok());
}

#[test]
fn cut_off_at_the_front_or_filled_with_zeros() {
    let folder = folder();
    let whole = folder.read();
    for len in 1..whole.len() {
        folder.write(&whole[len..]);
        refused(folder.file().keyring(), ErrorKind::KeyFile);
    }
    // What some file systems leave after a crash: the right length, and zeros.
    for from in (0..whole.len()).step_by(7) {
        let mut zeros = whole.clone();
        zeros[from..].fill(0);
        folder.write(&zeros);
        assert!(folder.file().keyring().is_err());
    }
}

/// A changed file may still be one. It never panics, never shows a key, and never gives a key other
/// bytes.
#[test]
fn every_byte_changed() {
    let folder = folder();
    let whole = folder.read();
    let known = [check_value(0), check_value(1)];
    let (mut loaded, mut failed) = (0, 0);
    for at in 0..whole.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            folder.write(&changed);
            match folder.file().keyring() {
                Ok(ring) => {
                    loaded += 1;
                    for key in ring.keys() {
                        assert!(
                            key.check_value.is_some_and(|check| known.contains(&check)),
                            "byte {at}"
                        );
                    }
                }
                Err(error) => {
                    failed += 1;
                    assert_no_secret(&error);
                    assert!(
                        matches!(error.kind(), ErrorKind::KeyFile | ErrorKind::InvalidKeys),
                        "{error}"
                    );
                    assert!(error.to_string().contains("keys.json"), "{error}");
                }
            }
        }
    }
    println!("{failed} changes found, {loaded} in dates, ids and names");
    assert!(failed > loaded);
}

#[test]
fn not_json_at_all() {
    let folder = folder();
    let whole = folder.read();
    let utf16: Vec<u8> = String::from_utf8(whole.clone())
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for text in [
        b"".to_vec(),
        b"\n".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"1".to_vec(),
        crate::support::key(0).into_bytes(),
        format!("1:{}", crate::support::key(0)).into_bytes(),
        KEYS[0].to_vec(),
        [&b"\xEF\xBB\xBF"[..], &whole].concat(),
        [&whole[..], &whole].concat(),
        [&whole[..], b"x"].concat(),
        [&whole[..], &[0; 16]].concat(),
        utf16,
        b"[".repeat(100_000),
    ] {
        folder.write(&text);
        refused(folder.file().keyring(), ErrorKind::KeyFile);
        refused(folder.file().entries(), ErrorKind::KeyFile);
    }
}

/// Larger than any key file: refused by its size, before it is read.
#[test]
fn a_huge_file() {
    let folder = Folder::with_text("");
    let file = std::fs::File::options().write(true).open(folder.path()).unwrap();
    // A hole, which takes no space.
    file.set_len((64 << 20) + 1).unwrap();
    let message = refused(folder.file().keyring(), ErrorKind::KeyFile).to_string();
    assert!(message.contains("64 MiB"), "{message}");
}
