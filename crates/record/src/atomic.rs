//! Files that are whole or absent.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::RecordError;
use crate::lock;

/// How the name of a file that is being written ends; it starts with a dot.
const ASIDE: &str = ".pairnet-part";

/// Writes `bytes` to `path`, so that whoever looks sees all of them or what was there before.
///
/// The bytes go into a file beside it, `.NAME.pairnet-part`, which is synced and renamed; then the
/// folder is synced. Folders are made where they are not there. What a killed program left
/// half-written is overwritten by the next that writes the same file, and no reader of this crate
/// sees it.
///
/// Two that write the same file at once take turns by a lock on the file beside it. Some network
/// file systems have no locks: there it is for the writers to take turns.
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
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(ASIDE);
    let aside = folder.join(aside);

    let mut file = open_alone(&aside)?;
    // The file stays locked until it is renamed, or removed.
    let result = write_synced(&mut file, bytes).and_then(|()| fs::rename(&aside, path));
    if result.is_err() {
        // The first error is the one to tell; this may well fail for the same reason.
        let _ = fs::remove_file(&aside);
    }
    result?;
    sync_folder(folder)
}

/// The file at `path`, which no one else writes as long as it is open.
fn open_alone(path: &Path) -> io::Result<File> {
    loop {
        let file = lock::open(path)?;
        // An error says that there are no locks here.
        let locked = file.lock().is_ok();
        // Whoever had the lock before has renamed the file that it is a lock on.
        if !locked || lock::leads_to(path, &file)? {
            return Ok(file);
        }
    }
}

fn write_synced(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// So that the new name outlives a power cut too, on systems that can sync a folder.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
