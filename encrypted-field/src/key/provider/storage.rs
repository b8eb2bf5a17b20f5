//! Files with keys on disk: who may read them, and how they are replaced without a moment in which
//! they are not whole.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::cipher;
use crate::error::{Error, ErrorKind};

/// More than a hundred thousand keys need. A larger file is not a key file.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// Why a file was not read or not written.
pub(crate) enum Failure {
    /// The operating system said so.
    Io(&'static str, io::Error),
    /// The file, its folder or the target of a link is not there. Has what it is, and what to do.
    Missing(&'static str, String),
    /// It is not what it must be.
    Refused(Cow<'static, str>),
    /// The lock is another's for longer than this waits.
    Locked(Duration),
    /// No random bytes for the name of the temporary file.
    Random(Error),
}

impl Failure {
    /// What happened, for messages.
    pub(crate) fn detail(&self) -> Cow<'static, str> {
        match self {
            Self::Io(what, e) => match hint(e.kind()) {
                Some(hint) => format!("{what}: {e}; {hint}").into(),
                None => format!("{what}: {e}").into(),
            },
            Self::Missing(what, missing) => format!("{what}: {missing}").into(),
            Self::Refused(what) => what.clone(),
            Self::Locked(wait) => format!(
                "others have held its lock for {wait:?}; a process that was stopped while it wrote holds it until it ends"
            )
            .into(),
            Self::Random(e) => e.to_string().into(),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Random(e) => e,
            other => Self::new(ErrorKind::KeyFile).detail(other.detail()),
        }
    }
}

type Result<T> = std::result::Result<T, Failure>;

/// Advice on an error of the operating system, whose own words only say what it is.
fn hint(kind: io::ErrorKind) -> Option<String> {
    let hint = match kind {
        io::ErrorKind::PermissionDenied => {
            return Some(format!("{} needs the permission for it", unix::this_process()));
        }
        io::ErrorKind::ReadOnlyFilesystem => "put it on a volume that can be written to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room there",
        io::ErrorKind::NotADirectory => "a folder on the way to it is a file; correct the path",
        io::ErrorKind::IsADirectory => "it is a folder; name a file in it",
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => "correct the path",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> Failure {
    move |e| Failure::Io(what, e)
}

/// As [`failed`], for errors about what the path names.
fn failed_at<'p>(what: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> Failure + 'p {
    move |e| match e.kind() {
        io::ErrorKind::NotFound => Failure::Missing(what, missing(path)),
        _ => Failure::Io(what, e),
    }
}

/// The missing part of the path to a file that is not there: the first folder, the target of a
/// link, or the file itself.
fn missing(path: &Path) -> String {
    if path.as_os_str().is_empty() {
        return "the path is empty; name a file".to_owned();
    }
    let target = path.read_link().map(|target| folder(path).join(target));
    let file = target.as_deref().unwrap_or(path);
    let gone = folder(file).ancestors().take_while(|folder| !folder.exists()).last();
    match (gone, &target) {
        (Some(gone), _) if !gone.as_os_str().is_empty() => {
            format!("the folder {} is not there; make it, or mount its volume", gone.display())
        }
        (_, Ok(target)) => format!(
            "it is a link to {}, which is not there; mount the volume, or remove the link",
            target.display()
        ),
        _ => "there is no such file; correct the path, or put the file there".to_owned(),
    }
}

fn refused(what: impl Into<Cow<'static, str>>) -> Failure {
    Failure::Refused(what.into())
}

/// Who may read a file beside its owner.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Readers {
    /// Nobody. The text says how its group can be allowed to.
    Owner(&'static str),
    /// Its group.
    Group,
    /// Its group, if that is root's. Root gives files to groups on purpose, as orchestrators do.
    GroupOfRoots,
}

pub(crate) fn read(path: &Path, readers: Readers) -> Result<Zeroizing<Vec<u8>>> {
    let opened = unix::without_waiting(OpenOptions::new().read(true)).open(path);
    let file = opened.map_err(failed_at("can't open", path))?;
    // Asked of the open file, not of the path. So the file that was checked is the one that is
    // read.
    let meta = file.metadata().map_err(failed("can't read"))?;
    if !meta.is_file() {
        return Err(refused("not a regular file; correct the path"));
    }
    unix::check_access(&meta, readers)?;
    if meta.len() > MAX_BYTES {
        return Err(refused("larger than 64 MiB; is it the key file?"));
    }
    // Room for all of it at once: growing would leave copies behind that are not wiped.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
    file.take(meta.len()).read_to_end(&mut text).map_err(failed("can't read"))?;
    Ok(text)
}

/// The place of the file itself. Links to it share one lock, and are not replaced by it.
pub(crate) fn resolve(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Held until dropped. `None` waits for it without a bound. The lock file stays, because removing
/// it would let two writers hold two different ones.
pub(crate) fn lock(path: &Path, wait: Option<Duration>) -> Result<File> {
    let file = lock_file(path)?;
    match wait {
        None => file.lock().map_err(failed("can't lock"))?,
        Some(wait) => lock_within(&file, wait)?,
    }
    remove_leftovers(path);
    Ok(file)
}

/// By asking again and again, because no operating system has a bound for the wait itself.
fn lock_within(file: &File, wait: Duration) -> Result<()> {
    const LONGEST_PAUSE: Duration = Duration::from_millis(20);

    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(failed("can't lock")(e)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= wait => {
                return Err(Failure::Locked(wait));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn lock_file(path: &Path) -> Result<File> {
    if path.file_name().is_none() {
        return Err(refused("the path names no file; correct it"));
    }
    unix::private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(beside(path, ".lock"))
        .map_err(failed_at("can't make the lock file", path))
}

/// Temporary file, flush, rename, flush of the folder: after a crash there is the old file or the
/// new one. To be called under the lock.
pub(crate) fn write(path: &Path, text: &[u8]) -> Result<()> {
    let mut random = [0; 8];
    cipher::random(&mut random).map_err(Failure::Random)?;
    let temporary = beside(path, &format!("{TEMPORARY}{:016x}", u64::from_be_bytes(random)));
    let written = (|| {
        let mut file =
            unix::private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
        if let Ok(before) = path.metadata() {
            unix::take_after(&file, &before)?;
        }
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if let Err(e) = written {
        // Best effort: the next writer removes what this leaves.
        let _ = std::fs::remove_file(&temporary);
        return Err(failed_at("can't write", path)(e));
    }
    unix::sync_folder(folder(path))
        .map_err(failed("it is written, but its folder can't be flushed to disk"))
}

const TEMPORARY: &str = ".tmp-";

/// Temporary files of writers that were killed: they hold keys.
fn remove_leftovers(path: &Path) {
    let Some(prefix) = path.file_name().map(|name| suffixed(name, TEMPORARY)) else { return };
    let Ok(entries) = std::fs::read_dir(folder(path)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        // Only names that `write` gives: `keys.json.tmp-backup` is somebody else's.
        if number
            .is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
        {
            // Best effort: a file that can't be removed does no harm to the keys in use.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    suffixed(path.as_os_str(), suffix).into()
}

fn suffixed(name: &OsStr, suffix: &str) -> OsString {
    let mut name = name.to_owned();
    name.push(suffix);
    name
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};

    use super::{File, Metadata, OpenOptions, Path, Readers, Result, io, refused};

    pub(super) fn check_access(meta: &Metadata, readers: Readers) -> Result<()> {
        let (mode, owner, user) =
            (meta.mode() & 0o777, meta.uid(), rustix::process::geteuid().as_raw());
        let group_may_read = match readers {
            Readers::Owner(_) => false,
            Readers::Group => true,
            Readers::GroupOfRoots => owner == 0,
        };
        let allowed = if group_may_read { 0o740 } else { 0o700 };
        if mode & !allowed != 0 {
            let fix = match readers {
                Readers::Owner(option) if mode & 0o077 == 0o040 => {
                    format!("`chmod 600`, or let its group read it, with {option}")
                }
                Readers::Owner(_) => {
                    "`chmod 600` the file (if Kubernetes mounts it: `defaultMode: 0400`; if Docker \
                     mounts it, which gives 0444: `mode: 0400`, and the `uid` of the process)"
                        .to_owned()
                }
                Readers::GroupOfRoots if owner != 0 => {
                    "`chmod 600` the file, or let it be root's".to_owned()
                }
                Readers::Group | Readers::GroupOfRoots => {
                    "`chmod 640` the file (if Kubernetes mounts it: `defaultMode: 0440`; if Docker \
                     mounts it, which gives 0444: `mode: 0440`, and a `gid` of the process)"
                        .to_owned()
                }
            };
            return Err(refused(format!(
                "mode {mode:04o} lets others at the keys than may read them; {fix}"
            )));
        }
        if owner != user && owner != 0 {
            return Err(refused(format!(
                "it belongs to user id {owner}, not to this process ({user}) or root; `chown` it"
            )));
        }
        Ok(())
    }

    /// For messages.
    pub(super) fn this_process() -> String {
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        format!("this process (user id {}, group id {})", user.as_raw(), group.as_raw())
    }

    /// A pipe would keep the open waiting for a writer. It is refused once it is open.
    pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    /// Owner, group and mode of the file that is replaced, so that whoever read it still does.
    pub(super) fn take_after(file: &File, before: &Metadata) -> io::Result<()> {
        let now = file.metadata()?;
        if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
            fchown(file, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(std::fs::Permissions::from_mode(before.mode() & 0o777))
    }

    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

/// If there are no Unix permissions, owner and mode are not checked.
#[cfg(not(unix))]
mod unix {
    use super::{File, Metadata, OpenOptions, Path, Readers, Result, io};

    pub(super) fn check_access(_: &Metadata, _: Readers) -> Result<()> {
        Ok(())
    }

    pub(super) fn this_process() -> String {
        "this process".to_owned()
    }

    pub(super) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(super) fn take_after(_: &File, _: &Metadata) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
        Ok(())
    }
}
