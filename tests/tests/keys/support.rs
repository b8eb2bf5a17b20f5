//! Key material in the forms in which it is given.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use encrypted_field::{
    Key, Keyring, Result,
    key::{EnvKeys, KeyFile, KeyInfo},
};
use tempfile::TempDir;

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The key `number` of [`tests::secrets::KEYS`] in base64.
pub fn key(number: usize) -> String {
    base64(&tests::secrets::KEYS[number])
}

/// Its check value in base64.
pub fn check(number: usize) -> String {
    base64(&check_value(number))
}

pub fn check_value(number: usize) -> [u8; 32] {
    Key::new(1, tests::secrets::KEYS[number]).check_value().unwrap()
}

/// A ring from variables, with their names after `ENCRYPTED_FIELD_`.
pub fn env(variables: &[(&str, &str)]) -> Result<Keyring> {
    EnvKeys::new().read(|name| {
        let suffix = name.strip_prefix("ENCRYPTED_FIELD_").expect("the prefix");
        variables.iter().find(|(name, _)| *name == suffix).map(|(_, value)| OsString::from(value))
    })
}

/// The key with this id, which must be there with the bytes of key `number`.
#[track_caller]
pub fn info(ring: &Keyring, id: u32, number: usize) -> KeyInfo<'_> {
    let info = ring.get(id).expect("a key with this id");
    assert_eq!(info.check_value, Some(check_value(number)), "key {id} has other bytes");
    info
}

/// A folder with a place for a key file.
pub struct Folder {
    pub folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    pub fn file(&self) -> KeyFile {
        KeyFile::new(self.path())
    }

    /// With a key file in it.
    pub fn with_file() -> Self {
        let folder = Self::new();
        folder.file().create(time(0)).unwrap();
        folder
    }

    /// With this text for a key file, of mode 0600.
    pub fn with_text(text: impl AsRef<[u8]>) -> Self {
        let folder = Self::new();
        folder.write(text);
        folder
    }

    pub fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(), text).unwrap();
        self.set_mode(0o600);
    }

    pub fn read(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    pub fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub fn mode(&self) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        self.path().metadata().unwrap().permissions().mode() & 0o7777
    }

    /// The names of everything in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A key file with these entries.
pub fn document(entries: &[serde_json::Value]) -> String {
    serde_json::json!({"format": "encrypted-field key file", "version": 1, "keys": entries})
        .to_string()
}

/// So many days after 1970-01-01.
pub fn time(days: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400)
}
