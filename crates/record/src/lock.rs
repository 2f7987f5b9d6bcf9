//! Files that are locked to say who may write.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// The file at `path`, made where it is not there, its content as it was.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Whether `path` still leads to `file`: between opening a file and locking it, another process
/// may have moved or removed it.
#[cfg(unix)]
pub(crate) fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let there = match fs::metadata(path) {
        Ok(there) => there,
        // A parent that is a file now leads nowhere either.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(error),
    };
    let here = file.metadata()?;
    Ok((there.dev(), there.ino()) == (here.dev(), here.ino()))
}

/// Elsewhere the system does not tell which file a handle is of; a path that leads nowhere is seen.
#[cfg(not(unix))]
pub(crate) fn leads_to(path: &Path, _file: &File) -> io::Result<bool> {
    path.try_exists()
}
