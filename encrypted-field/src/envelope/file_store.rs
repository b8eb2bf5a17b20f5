//! Wrapped keys in a file.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::runtime::Lanes;
use super::{BackendError, BackendErrorKind, Document};
use crate::cipher::mac::sha256;
use crate::key::provider::storage::{self, Failure, Readers};

/// Writers hold the lock for milliseconds. If a writer gets no turn for so long, the holder was
/// stopped (by `SIGSTOP`, a debugger, a frozen container), and the writer must not stop with it.
/// This is below the time for a call, whose error would say less.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// Calls at once. A file system that hangs must not take all threads.
const MOST_CALLS: usize = 16;

/// A key store in one JSON file, for the processes of one host.
///
/// The file has the rules of a [key file](crate::key::KeyFile), though the keys in it are wrapped.
/// It must belong to the user of the process or to root, and be readable by nobody else (mode
/// `0600` or `0400`). It is written to a temporary file, flushed to disk and renamed, under a lock
/// (`<path>.lock`). A symbolic link is followed and stays. Owner, group and mode of the file are
/// kept. A file that is missing is an empty store, but its folder must be there. At most 64 MiB.
///
/// The lock is the operating system's (`flock`): on a network file system it may hold within one
/// host only. Several hosts share a table or a secret instead.
///
/// With the feature `tokio` and a runtime, the file is read and written on Tokio's threads for
/// blocking calls, at most 16 at once. If the file system hangs, a call is given up after
/// [`call_timeout`](crate::envelope::CachePolicy::call_timeout). Without a runtime it is not given
/// up.
#[derive(Debug, Clone)]
pub struct FileStore {
    path: PathBuf,
    readers: Readers,
    lock_timeout: Duration,
    lanes: Lanes,
}

impl FileStore {
    /// The store at `path`, which need not exist yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: Readers::Owner("`FileStore::allow_group_read`"),
            lock_timeout: LOCK_TIMEOUT,
            lanes: Lanes::new(MOST_CALLS),
        }
    }

    /// For an anchor in a file, which has no option of its own.
    pub(super) fn of_anchor(path: impl AsRef<Path>) -> Self {
        let option = "`Anchor::in_document(FileStore::new(…).allow_group_read())`";
        Self { readers: Readers::Owner(option), ..Self::new(path) }
    }

    /// Accepts a file that its group may read (mode `0640` or `0440`).
    #[must_use]
    pub fn allow_group_read(mut self) -> Self {
        self.readers = Readers::Group;
        self
    }

    /// How long a change waits for other writers, 3 s by default. After that it is
    /// [`Unavailable`](BackendErrorKind::Unavailable), and nothing is written. Keep it below
    /// [`call_timeout`](super::CachePolicy::call_timeout), because the error of that does not say
    /// that it is the lock.
    #[must_use]
    pub fn lock_timeout(mut self, wait: Duration) -> Self {
        self.lock_timeout = wait;
        self
    }

    fn read_text(&self) -> Result<Option<String>, BackendError> {
        let text = match storage::read(&self.path, self.readers) {
            Ok(text) => text,
            Err(Failure::Missing(..)) if self.may_be_made() => return Ok(None),
            Err(failure) => return Err(Self::refuse(&failure)),
        };
        let text = std::str::from_utf8(&text).map_err(|_| {
            let detail = "it is not UTF-8; restore it from a backup";
            BackendError::new(BackendErrorKind::Garbled, detail)
        })?;
        Ok(Some(text.to_owned()))
    }

    /// Whether the file is missing and nothing else is. A link to nowhere or a missing folder means
    /// that a volume is not mounted. A store begun anew in its place would hide the true one. A
    /// file that another process makes meanwhile does not matter: a moment ago there was none.
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
        let _lock = storage::lock(&path, Some(self.lock_timeout))
            .map_err(|failure| Self::refuse(&failure))?;
        if self.read_text()?.as_deref().map(version) != before.copied() {
            return Ok(false);
        }
        storage::write(&path, text.as_bytes()).map_err(|failure| Self::refuse(&failure))?;
        Ok(true)
    }

    fn refuse(failure: &Failure) -> BackendError {
        let kind = match failure {
            Failure::Io(_, e) => match e.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    BackendErrorKind::Denied
                }
                io::ErrorKind::NotADirectory
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidFilename => BackendErrorKind::Misconfigured,
                _ => BackendErrorKind::Unavailable,
            },
            Failure::Missing(..) | Failure::Refused(_) => BackendErrorKind::Misconfigured,
            Failure::Locked(_) | Failure::Random(_) => BackendErrorKind::Unavailable,
        };
        BackendError::new(kind, failure.detail())
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
        let read = move || {
            let text = store.read_text()?;
            Ok(text.map(|text| {
                let version = version(&text);
                (text, version)
            }))
        };
        self.lanes.on_runtime(read).await
    }

    async fn replace(&self, before: Option<&Version>, text: String) -> Result<bool, BackendError> {
        let (store, before) = (self.clone(), before.copied());
        self.lanes.on_runtime(move || store.replace_text(before.as_ref(), &text)).await
    }

    fn describe(&self) -> String {
        format!("file {}", self.path.display())
    }
}
