//! Keys in a file, and their rotation there.

mod document;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use document::Document;
pub use document::KeyFileEntry;

use super::storage::{self, Readers};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, KeyState, Keyring, Purpose};
use crate::key_id::KeyId;

/// A key file: JSON with ids, scopes, purposes, states, dates, check values and the keys in base64.
///
/// It must belong to the user of the process or to root. Nobody else may read it (mode `0600` or
/// `0400`). A change writes a temporary file, flushes it to disk and renames it, under a lock
/// (`<path>.lock`). So a reader sees the old file or the new one, and two writers don't lose each
/// other's keys. A symbolic link is followed, and stays. The file keeps its owner, group and mode.
///
/// If the operating system has no Unix permissions, owner and mode are not checked.
///
/// ```
/// # fn main() -> encrypted_field::Result<()> {
/// # let dir = std::env::temp_dir().join(format!("encrypted-field-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&dir).unwrap();
/// # let path = dir.join("keys.json");
/// use std::time::SystemTime;
/// use encrypted_field::{install, key::{KeyFile, Purpose}};
///
/// let file = KeyFile::new(&path);
/// file.create(SystemTime::now())?;                             // key 1, active
/// install(file.keyring()?)?;
/// file.rotate("", Purpose::Field, SystemTime::now())?;         // key 2 active, key 1 retired
/// install(file.keyring()?)?;
/// # std::fs::remove_dir_all(&dir).unwrap();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    readers: Readers,
}

impl Keyring {
    /// Keys from a key file, see [`KeyFile`]. If the group of the file may read it, use
    /// `KeyFile::new(path).allow_group_read().keyring()`.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`], [`ErrorKind::InvalidKeys`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        KeyFile::new(path).keyring()
    }
}

impl KeyFile {
    /// The key file at `path`, which need not exist yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: Readers::Owner("`KeyFile::allow_group_read`"),
        }
    }

    /// Accepts a file that its group may read (mode `0640` or `0440`), as orchestrators mount
    /// secrets.
    #[must_use]
    pub fn allow_group_read(mut self) -> Self {
        self.readers = Readers::Group;
        self
    }

    /// Makes the file, with one new key: id 1, active, default scope, for fields.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: there is a file already. It is never overwritten.
    pub fn create(&self, now: SystemTime) -> Result<KeyId> {
        let _lock = self.locked()?;
        if self.path.symlink_metadata().is_ok() {
            return Err(
                self.error("it exists already and is not overwritten; use `rotate` to add a key")
            );
        }
        let mut document = Document::default();
        let id = document.rotate("", Purpose::Field, now)?;
        self.write(&document)?;
        Ok(id)
    }

    /// The key ring of the file as it is now.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: missing, cut off, not JSON, another version, readable by others,
    /// owned by another user. [`ErrorKind::InvalidKeys`]: what
    /// [`KeyringBuilder::build`](crate::key::KeyringBuilder::build) refuses.
    pub fn keyring(&self) -> Result<Keyring> {
        self.ring(&self.load()?)
    }

    /// The keys of the file as it is now, for a ring that has other keys, too.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`].
    pub fn keys(&self) -> Result<Vec<Key>> {
        self.load()?.keys().map_err(|e| self.name(e))
    }

    /// What the file says about its keys, without the keys.
    ///
    /// # Errors
    /// As [`KeyFile::keyring`].
    pub fn entries(&self) -> Result<Vec<KeyFileEntry>> {
        self.load()?.entries().map_err(|e| self.name(e))
    }

    /// Adds a new active key to a scope and purpose, and retires the one before it. The new id is
    /// one above the highest in the file.
    ///
    /// Other processes open the new values only after they have loaded the file again. If you have
    /// several processes, [`add`](Self::add) the key as [pending](crate::key::KeyState::Pending),
    /// let all of them load it, and then [`activate`](Self::activate) it.
    pub fn rotate(&self, scope: &str, purpose: Purpose, now: SystemTime) -> Result<KeyId> {
        self.change(|document| document.rotate(scope, purpose, now))
    }

    /// Adds a key as it is, such as a pending one that every process loads before it becomes
    /// active.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKeys`]: the file would hold keys that can't be loaded together.
    pub fn add(&self, key: &Key, now: SystemTime) -> Result<()> {
        self.change(|document| {
            // The caller's check value is about these bytes: asked before one is made of them.
            if key.state != KeyState::Destroyed {
                Keyring::builder().key(key.clone().state(KeyState::Pending)).build()?;
            }
            document.add(key, now);
            Ok(())
        })
    }

    /// Makes a pending key active, and retires the one before it.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: the file has no pending key of this id.
    pub fn activate(&self, id: KeyId, now: SystemTime) -> Result<()> {
        self.change(|document| document.activate(id, now))
    }

    /// Retires, disables or destroys a key, or marks it compromised. The bytes of a destroyed key
    /// leave the file for good. Its id stays taken.
    ///
    /// # Errors
    /// [`ErrorKind::KeyFile`]: there is no such key, it was destroyed, or the state is pending or
    /// active (use [`activate`](Self::activate)). [`ErrorKind::InvalidKeys`]: retired keys would be
    /// left without an active one.
    pub fn set_state(&self, id: KeyId, state: KeyState, now: SystemTime) -> Result<()> {
        self.change(|document| document.set_state(id, state, now))
    }

    /// Reads, changes and writes the file under its lock. A file that would not load is not
    /// written.
    fn change<R>(&self, change: impl FnOnce(&mut Document) -> Result<R>) -> Result<R> {
        let _lock = self.locked()?;
        let mut document = self.load()?;
        let result = change(&mut document).map_err(|e| self.name(e))?;
        self.ring(&document)?;
        self.write(&document)?;
        Ok(result)
    }

    fn ring(&self, document: &Document) -> Result<Keyring> {
        document
            .keys()
            .and_then(|keys| Keyring::builder().keys(keys).build())
            .map_err(|e| self.name(e))
    }

    fn load(&self) -> Result<Document> {
        let text = storage::read(&self.path, self.readers).map_err(|e| self.name(e))?;
        Document::parse(&text).map_err(|e| self.name(e))
    }

    fn write(&self, document: &Document) -> Result<()> {
        storage::write(&storage::resolve(&self.path), &document.to_json()?)
            .map_err(|e| self.name(e))
    }

    fn locked(&self) -> Result<std::fs::File> {
        storage::lock(&storage::resolve(&self.path), None).map_err(|e| self.name(e))
    }

    fn error(&self, what: &'static str) -> Error {
        self.name(Error::new(ErrorKind::KeyFile).detail(what))
    }

    fn name(&self, error: impl Into<Error>) -> Error {
        error.into().within(&self.path.display().to_string())
    }
}
