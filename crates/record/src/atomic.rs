//! Files that are whole or absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::RecordError;

/// How the name of a file that is being written ends; it starts with a dot.
const ASIDE: &str = ".pairnet-part";

/// Writes `bytes` to `path`, so that whoever looks sees all of them or what was there before.
///
/// The bytes go into a file beside it, whose name starts with a dot, which is synced and renamed;
/// then the folder is synced. Folders are made where they are not there. What a killed program
/// left half-written in the same folder is removed on the way: a writer holds a lock on the
/// folder, so whoever has the lock knows that no one else is writing there. Where folders cannot
/// be locked (some network file systems) such files stay, and no reader of this crate sees them.
///
/// # Errors
///
/// Where the file cannot be written; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), RecordError> {
    write(path, bytes).map_err(|source| RecordError::Write { path: path.to_owned(), source })
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let lock = open_folder(folder)?;
    if lock.as_ref().is_some_and(|lock| lock.lock().is_ok()) {
        remove_leftovers(folder)?;
    }

    // Two writers that could not lock must not share a file.
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(format!(".{}-{count}{ASIDE}", std::process::id()));
    let aside = folder.join(aside);

    let result = write_synced(&aside, bytes).and_then(|()| fs::rename(&aside, path));
    if result.is_err() {
        // The first error is the one to tell; this may well fail for the same reason.
        let _ = fs::remove_file(&aside);
    }
    result?;
    lock.map_or(Ok(()), |folder| folder.sync_all())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A handle to lock and sync the folder by, on systems that have such.
fn open_folder(folder: &Path) -> io::Result<Option<File>> {
    if cfg!(unix) { File::open(folder).map(Some) } else { Ok(None) }
}

fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(ASIDE.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
