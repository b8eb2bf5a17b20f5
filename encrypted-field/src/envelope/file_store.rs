//! Wrapped keys in a file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runtime::run_blocking;
use super::{BackendError, BackendErrorKind, Document};
use crate::cipher::mac::sha256;
use crate::key::provider::storage::{self, Failure};

/// Writers hold the lock for milliseconds. Whoever gets no turn for so long waits for one that was
/// stopped (by `SIGSTOP`, a debugger, a frozen container), and must not stop with it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A key store in one JSON file, for the processes of one host.
///
/// The file has the rules of a [key file](crate::KeyFile), though the keys in it are wrapped: it
/// must belong to the user of the process or to root, and be readable by nobody else (mode `0600`
/// or `0400`). It is written to a temporary file, flushed to disk and renamed, under a lock
/// (`<path>.lock`). A symbolic link is followed and stays; owner, group and mode of the file are
/// kept. A file that is missing is an empty store; its folder must be there. At most 64 MiB.
///
/// The lock is the operating system's (`flock`): on a network file system it may hold within one
/// host only. Several hosts share a table or a secret instead.
///
/// With the feature `tokio` and a runtime, the file is read and written on Tokio's threads for
/// blocking calls.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
    allow_group_read: bool,
    lock_timeout: Duration,
}

impl FileStore {
    /// The store at `path`, which need not exist yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), allow_group_read: false, lock_timeout: LOCK_TIMEOUT }
    }

    /// Accepts a file that its group may read (mode `0640` or `0440`).
    #[must_use]
    pub fn allow_group_read(mut self) -> Self {
        self.allow_group_read = true;
        self
    }

    /// How long a change waits for other writers before it is
    /// [`Unavailable`](BackendErrorKind::Unavailable) and nothing is written: 5 s where it is not
    /// set.
    #[must_use]
    pub fn lock_timeout(mut self, wait: Duration) -> Self {
        self.lock_timeout = wait;
        self
    }

    fn read_text(&self) -> Result<Option<String>, BackendError> {
        let text = match storage::read(&self.path, self.allow_group_read) {
            Ok(text) => text,
            Err(Failure::Io(_, e)) if e.kind() == io::ErrorKind::NotFound && self.may_be_made() => {
                return Ok(None);
            }
            Err(failure) => return Err(self.refuse(&failure)),
        };
        let text = std::str::from_utf8(&text).map_err(|_| {
            let detail = "it is not UTF-8; restore it from a backup";
            BackendError::new(BackendErrorKind::Garbled, detail)
        })?;
        Ok(Some(text.to_owned()))
    }

    /// Whether the file is missing and nothing else is: a link to nowhere or a folder that is not
    /// there means that a volume is not mounted, and a store begun anew in its place would hide the
    /// true one. A file that another process makes meanwhile is no matter: a moment ago there was
    /// none.
    fn may_be_made(&self) -> bool {
        let named = self.path.file_name().is_some();
        named && !self.path.is_symlink() && storage::folder(&self.path).is_dir()
    }

    fn replace_text(&self, before: Option<&Version>, text: &str) -> Result<bool, BackendError> {
        if text.len() as u64 > storage::MAX_BYTES {
            let detail = "it would be larger than 64 MiB; so many keys need a table";
            return Err(BackendError::new(BackendErrorKind::Misconfigured, detail));
        }
        let path = storage::resolve(&self.path);
        let _lock = storage::lock(&path, Some(self.lock_timeout)).map_err(|failure| self.refuse(&failure))?;
        if self.read_text()?.as_deref().map(version) != before.copied() {
            return Ok(false);
        }
        storage::write(&path, text.as_bytes()).map_err(|failure| self.refuse(&failure))?;
        Ok(true)
    }

    fn refuse(&self, failure: &Failure) -> BackendError {
        let kind = match failure {
            Failure::Io(_, e) => match e.kind() {
                io::ErrorKind::NotFound => return self.not_there(failure),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    BackendErrorKind::Denied
                }
                io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidFilename => BackendErrorKind::Misconfigured,
                _ => BackendErrorKind::Unavailable,
            },
            Failure::Refused(_) => BackendErrorKind::Misconfigured,
            Failure::Locked(_) | Failure::Random(_) => BackendErrorKind::Unavailable,
        };
        BackendError::new(kind, failure.detail())
    }

    /// Says what is missing: the first folder on the way to the file, or what a link leads to.
    fn not_there(&self, failure: &Failure) -> BackendError {
        let target = self.path.read_link().map(|target| storage::folder(&self.path).join(target));
        let file = target.as_ref().unwrap_or(&self.path);
        let missing = storage::folder(file).ancestors().take_while(|folder| !folder.exists()).last();
        let detail = match (missing, &target) {
            (Some(folder), _) if !folder.as_os_str().is_empty() => {
                format!("the folder {} is not there; make it, or mount its volume", folder.display())
            }
            (_, Ok(target)) => format!(
                "it is a link to {}, which is not there; mount the volume, or remove the link",
                target.display()
            ),
            _ => failure.detail().into_owned(),
        };
        BackendError::new(BackendErrorKind::Misconfigured, detail)
    }
}

/// The hash of the text.
type Version = [u8; 32];

fn version(text: &str) -> Version {
    sha256(std::iter::once(text.as_bytes()))
}

impl Document for FileStore {
    type Version = Version;

    async fn read(&self) -> Result<Option<(String, Version)>, BackendError> {
        let store = self.clone();
        run_blocking(move || {
            let text = store.read_text()?;
            Ok(text.map(|text| {
                let version = version(&text);
                (text, version)
            }))
        })
        .await
    }

    async fn replace(&self, before: Option<&Version>, text: String) -> Result<bool, BackendError> {
        let (store, before) = (self.clone(), before.copied());
        run_blocking(move || store.replace_text(before.as_ref(), &text)).await
    }

    fn describe(&self) -> String {
        format!("file {}", self.path.display())
    }
}
