//! The key file on disk: who may read it, and how it is replaced without a moment in which it is not whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cipher;
use crate::error::{Error, ErrorKind, Result};

/// Larger than a hundred thousand keys; more is not a key file.
const MAX_BYTES: u64 = 64 << 20;

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |e| Error::new(ErrorKind::KeyFile).detail(format!("{what}: {e}")).caused_by(e)
}

pub(super) fn read(path: &Path, allow_group_read: bool) -> Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).map_err(failed("can't open"))?;
    // Asked of the open file, not of the path: what was checked is what is read.
    let meta = file.metadata().map_err(failed("can't read"))?;
    if !meta.is_file() {
        return Err(Error::new(ErrorKind::KeyFile).detail("not a regular file"));
    }
    check_access(&meta, allow_group_read)?;
    if meta.len() > MAX_BYTES {
        return Err(Error::new(ErrorKind::KeyFile).detail("larger than 64 MiB; is it the key file?"));
    }
    // Room for all of it at once: growing would leave copies behind that are not wiped.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
    file.take(meta.len()).read_to_end(&mut text).map_err(failed("can't read"))?;
    Ok(text)
}

#[cfg(unix)]
fn check_access(meta: &std::fs::Metadata, allow_group_read: bool) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let (mode, owner, user) = (meta.mode() & 0o777, meta.uid(), rustix::process::geteuid().as_raw());
    let too_open = mode & if allow_group_read { 0o037 } else { 0o077 };
    if too_open != 0 {
        let group = mode & 0o077 == 0o040;
        let fix =
            if group { "`chmod 600`, or allow it with `allow_group_read`" } else { "`chmod 600` the file" };
        let detail = format!("mode {mode:04o} lets others than its owner at the keys; {fix}");
        return Err(Error::new(ErrorKind::KeyFile).detail(detail));
    }
    if owner != user && owner != 0 {
        let detail =
            format!("it belongs to user id {owner}, not to this process ({user}) or root; `chown` it");
        return Err(Error::new(ErrorKind::KeyFile).detail(detail));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_access(_: &std::fs::Metadata, _: bool) -> Result<()> {
    Ok(())
}

/// Held until dropped. The lock file stays: removing it would let two writers hold two different ones.
pub(super) fn lock(path: &Path) -> Result<File> {
    let file = private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(beside(path, ".lock"))
        .map_err(failed("can't make the lock file"))?;
    file.lock().map_err(failed("can't lock"))?;
    Ok(file)
}

/// Temporary file, flush, rename, flush of the folder: after a crash there is the old file or the new one.
pub(super) fn write(path: &Path, text: &[u8]) -> Result<()> {
    let mut random = [0; 8];
    cipher::random(&mut random)?;
    let temporary = beside(path, &format!(".tmp-{:016x}", u64::from_be_bytes(random)));
    let written = (|| {
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
        file.write_all(text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        sync_folder(path)
    })();
    written.map_err(|e| {
        // Best effort: it is ours alone, and the error that matters is the one above.
        let _ = std::fs::remove_file(&temporary);
        failed("can't write")(e)
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
