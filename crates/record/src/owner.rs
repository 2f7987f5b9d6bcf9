//! Who may write into a sweep's folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::RecordError;
use crate::lock;

/// The file that is locked, in the folder.
const NAME: &str = ".owner";

/// Bytes of it that are read: more than a path and a command take.
const MOST_WORDS: u64 = 1 << 16;

/// The one process that writes into a sweep's folder, as long as this lives.
///
/// ```
/// use pairnet_record::{Owner, RecordError};
///
/// let dir = tempfile::tempdir()?;
/// let owner = Owner::take(dir.path(), "a sweep")?;
/// let second = Owner::take(dir.path(), "another");
/// assert!(matches!(second, Err(RecordError::Owned { .. })));
/// drop(owner);
/// assert!(Owner::take(dir.path(), "another").is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is a lock of the operating system on the file `.owner` in the folder, which says in words who
/// has it. The lock ends with the process, however that ends; the words alone lock nothing. Readers
/// need no owner: every file is whole or absent.
#[derive(Debug)]
pub struct Owner {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    unlocked: Option<io::Error>,
}

impl Owner {
    /// Takes the folder `dir`, which is made where it is not there. `command` is for those who come
    /// second, beside the process, its machine and the time.
    ///
    /// Some network file systems have no locks: there the folder is taken all the same, and
    /// [`Owner::unlocked`] says why nobody else is kept out. No number is wrong then, since each
    /// record says what it follows from.
    ///
    /// # Errors
    ///
    /// [`RecordError::Owned`] where another has it, or the folder cannot be written.
    pub fn take(dir: &Path, command: &str) -> Result<Self, RecordError> {
        let path = dir.join(NAME);
        let failed = |source| RecordError::Write { path: path.clone(), source };
        make_folder(dir).map_err(|source| RecordError::Write { path: dir.to_owned(), source })?;
        loop {
            let mut file = lock::open(&path).map_err(failed)?;
            let unlocked = match file.try_lock() {
                Ok(()) => None,
                Err(TryLockError::WouldBlock) => {
                    let (dir, owner) = (dir.to_owned(), words_in(&mut file));
                    return Err(RecordError::Owned { dir, owner });
                }
                Err(TryLockError::Error(error)) => Some(error),
            };
            // Else the one before has removed or moved what this is a lock on.
            if lock::leads_to(&path, &file).map_err(failed)? {
                write_words(&mut file, command).map_err(failed)?;
                return Ok(Self { dir: dir.to_owned(), path, file, unlocked });
            }
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder was moved to `dir` by its owner, who still has it.
    pub fn moved_to(&mut self, dir: &Path) {
        self.dir = dir.to_owned();
        self.path = dir.join(NAME);
    }

    /// Why the folder could not be locked; `None` where it is.
    pub fn unlocked(&self) -> Option<&io::Error> {
        self.unlocked.as_ref()
    }

    /// Whether the folder is still where it was taken. What is written after it was moved would
    /// make a second one.
    ///
    /// # Errors
    ///
    /// [`RecordError::Gone`] where it was moved or removed.
    pub fn check(&self) -> Result<(), RecordError> {
        match lock::leads_to(&self.path, &self.file) {
            Ok(true) => Ok(()),
            Ok(false) => Err(RecordError::Gone { dir: self.dir.clone() }),
            Err(source) => Err(RecordError::Read { path: self.path.clone(), source }),
        }
    }
}

impl Drop for Owner {
    /// Leaves nothing behind. The lock is held until the file is gone, and whoever has opened it
    /// meanwhile sees that it leads nowhere. Without a lock the file may be another's, too, and stays.
    fn drop(&mut self) {
        if self.unlocked.is_none() && self.check().is_ok() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn make_folder(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir).map_err(|error| match error.kind() {
        // Something is there that is no folder.
        io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
        _ => error,
    })
}

fn write_words(file: &mut File, command: &str) -> io::Result<()> {
    let (process, since) = (std::process::id(), utc(SystemTime::now()));
    let host = host().map_or_else(String::new, |host| format!(" on {host}"));
    file.set_len(0)?;
    writeln!(file, "process {process}{host}, since {since}: {command}")
}

/// What the owner says of itself; it may not have come to that yet.
fn words_in(file: &mut File) -> String {
    let mut words = String::new();
    let read = file.rewind().and_then(|()| file.take(MOST_WORDS).read_to_string(&mut words));
    match (read, words.trim()) {
        (Err(_), _) | (Ok(_), "") => "another process".to_owned(),
        (Ok(_), words) => words.to_owned(),
    }
}

/// The name of this machine, where the system tells it.
fn host() -> Option<String> {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    let told = told.or_else(|| std::env::var("COMPUTERNAME").ok())?;
    Some(told.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A time as people write it, e.g. "2026-02-28 23:59:58 UTC".
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days: years begin in
    // March, so that the leap day is their last, and 400 of them have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = 400 * era + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Whether files can be written into `dir`, or into what there is of the path to it.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// assert!(pairnet_record::check_writable(&dir.path().join("a/b")).is_ok());
/// std::fs::write(dir.path().join("a"), "a file")?;
/// assert!(pairnet_record::check_writable(&dir.path().join("a/b")).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// Where they cannot: a file is written to find out, and removed.
pub fn check_writable(dir: &Path) -> Result<(), RecordError> {
    let failed = |source| RecordError::Write { path: dir.to_owned(), source };
    let mut parents = dir.ancestors().filter(|path| !path.as_os_str().is_empty());
    let there = parents.find(|path| path.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let probe = there.join(format!(".{}.pairnet-probe", std::process::id()));
    File::create(&probe).map_err(failed)?;
    // Another that tries at the same moment may have been first.
    let _ = fs::remove_file(&probe);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // date --utc --date=@SECONDS
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_772_323_199, "2026-02-28 23:59:59 UTC"),
            (1_772_323_200, "2026-03-01 00:00:00 UTC"),
            (4_133_894_400, "2100-12-31 00:00:00 UTC"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
