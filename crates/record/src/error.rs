//! What can go wrong with the files of a sweep.

use std::io;
use std::path::PathBuf;

/// What can go wrong with the files of a sweep. Every message names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A file or folder could not be read.
    #[error("failed to read {}: {source}; check that it is there and readable", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is longer than what belongs there can be.
    #[error(
        "{} has {length} bytes or more, what belongs there has {most} at most; move it elsewhere",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its bytes; of what does not tell, those that were read.
        length: u64,
        /// Bytes that there can be.
        most: u64,
    },
    /// A file could not be written.
    #[error(
        "failed to write {}: {source}; check the folder's permissions and the space left",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not the JSON that its format asks for.
    #[error(
        "{} is not a whole {what}: {source}; move it elsewhere and make it again",
        path.display()
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// "record", "sweep" or "set of predictions".
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A file has a version of its format that this program does not read.
    #[error(
        "{} has {what} format {found}, this program reads format {readable}; read it with the \
         version that wrote it, or move it elsewhere and make it again",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// "record", "sweep" or "set of predictions".
        what: &'static str,
        /// What stands under `format`.
        found: String,
        /// The version that can be read.
        readable: u32,
    },
    /// A file was changed after it was written.
    #[error(
        "{} was changed since it was written: its checksum is not that of what it holds; move it \
         elsewhere and make that {what} again",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// "record", "sweep" or "set of predictions".
        what: &'static str,
    },
    /// A value that no run can have measured, or a name that no file can have.
    #[error(
        "{} cannot hold {field} = {value}: {expected}; make that {what} again",
        path.display()
    )]
    Value {
        /// The file.
        path: PathBuf,
        /// "record", "sweep" or "set of predictions".
        what: &'static str,
        /// Where in the file, e.g. `epochs[3].main_loss`.
        field: String,
        /// What stands there.
        value: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// A record, or a run's predictions, says that it belongs elsewhere.
    #[error(
        "{} belongs to {}; move it there, or move it out of the sweep",
        path.display(),
        belongs.display()
    )]
    Misplaced {
        /// Where it is.
        path: PathBuf,
        /// Where its recipe, variant and run belong.
        belongs: PathBuf,
    },
    /// A record, or a run's predictions, follows from other settings or data than the sweep.
    #[error(
        "{} is a {what} of another sweep: {difference}; move it out of the folder",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// "record" or "set of predictions".
        what: &'static str,
        /// How that shows, e.g. "it has seed 5 and not 0".
        difference: String,
    },
    /// Another process writes into the folder.
    #[error("{} is in use by {owner}; wait until that is done, or take another folder", dir.display())]
    Owned {
        /// The folder.
        dir: PathBuf,
        /// Which process, in words.
        owner: String,
    },
    /// A folder was moved or removed while a process wrote into it.
    #[error(
        "{} was moved or removed while it was in use: its file .owner is gone; what was written \
         until then is whole",
        dir.display()
    )]
    Gone {
        /// Where it was.
        dir: PathBuf,
    },
    /// Something among the records is neither a record nor a folder of records.
    #[error(
        "{} is in the way: only records/<recipe>/<variant>/<run>.json belong there; move it \
         elsewhere",
        path.display()
    )]
    Stray {
        /// The file or folder.
        path: PathBuf,
    },
}
