//! Where the files of a sweep are, and how they are read and written.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document;
use crate::error::RecordError;
use crate::record::Record;
use crate::sweep::Sweep;

/// `sweep.json` in `dir`.
pub fn sweep_path(dir: &Path) -> PathBuf {
    dir.join("sweep.json")
}

/// `records/<recipe>/<variant>/<run>.json` in `dir`.
pub fn record_path(dir: &Path, recipe: &str, variant: &str, run: usize) -> PathBuf {
    let mut path = dir.join("records");
    path.extend([recipe, variant]);
    path.push(format!("{run}.json"));
    path
}

/// Writes `record` to its [`record_path`] in the sweep's folder `dir`, and says where that is.
///
/// The file is whole or absent, also where the program is killed meanwhile.
///
/// # Errors
///
/// Where a number is not finite or not such as a run can have measured, a name cannot be a
/// folder's, or the file cannot be written.
pub fn write_record(dir: &Path, record: &Record) -> Result<PathBuf, RecordError> {
    let path = record_path(dir, &record.recipe, &record.variant, record.run);
    document::write(&path, record)?;
    Ok(path)
}

/// Writes `record` to a file of one's own choice, as [`write_record`] writes it.
///
/// # Errors
///
/// As there.
pub fn write_record_file(path: &Path, record: &Record) -> Result<(), RecordError> {
    document::write(path, record)
}

/// The record in a file of one's own choice ([`write_record_file`]).
///
/// # Errors
///
/// As [`read_record`], wherever the file is.
pub fn read_record_file(path: &Path) -> Result<Record, RecordError> {
    document::read(path)
}

/// The record in the file `path` of a sweep's folder.
///
/// # Errors
///
/// Where the file cannot be read, is of another version, was changed since it was written, holds
/// what no run can have measured, or is not where its recipe, variant and run belong.
pub fn read_record(path: &Path) -> Result<Record, RecordError> {
    let record = read_record_file(path)?;
    let belongs = record_path(Path::new(""), &record.recipe, &record.variant, record.run);
    // Three parts: a lone record may be read from any folder of its recipe and variant.
    let within: PathBuf = belongs.iter().skip(1).collect();
    if path.ends_with(within) {
        Ok(record)
    } else {
        Err(RecordError::Misplaced { path: path.to_owned(), belongs })
    }
}

/// All records of the sweep in `dir`, by recipe, variant and run; none where there are none yet.
///
/// Names that start with a dot are passed over: what a killed program wrote in part, and what
/// desktops leave in folders.
///
/// # Errors
///
/// Where a file cannot be read as [`read_record`] does, or is no record.
pub fn read_records(dir: &Path) -> Result<Vec<Record>, RecordError> {
    let paths = record_paths(dir)?;
    let mut records = paths.iter().map(|path| read_record(path)).collect::<Result<Vec<_>, _>>()?;
    records.sort_by(|a, b| (&a.recipe, &a.variant, a.run).cmp(&(&b.recipe, &b.variant, b.run)));
    Ok(records)
}

/// Where the records of the sweep in `dir` are, none of them opened, in the order of their paths.
///
/// # Errors
///
/// Where a folder cannot be read, or has something that is no record.
pub fn record_paths(dir: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let mut paths = Vec::new();
    for recipe in subfolders(&dir.join("records"))? {
        for variant in subfolders(&recipe)? {
            for (path, is_folder) in entries(&variant)? {
                if is_folder || path.extension() != Some(OsStr::new("json")) {
                    return Err(RecordError::Stray { path });
                }
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// Writes `sweep` to `sweep.json` in `dir`, which is made where it is not there.
///
/// # Errors
///
/// Where its runs are none or more than [`MOST_RUNS`](crate::MOST_RUNS), or the file cannot be
/// written.
pub fn write_sweep(dir: &Path, sweep: &Sweep) -> Result<PathBuf, RecordError> {
    let path = sweep_path(dir);
    document::write(&path, sweep)?;
    Ok(path)
}

/// What the sweep in `dir` was asked for; `None` where `dir` has no `sweep.json`.
///
/// # Errors
///
/// Where the file cannot be read, is of another version, or was changed since it was written.
pub fn read_sweep(dir: &Path) -> Result<Option<Sweep>, RecordError> {
    document::read_if_there(&sweep_path(dir))
}

fn subfolders(dir: &Path) -> Result<Vec<PathBuf>, RecordError> {
    let folder = |(path, is_folder)| {
        if is_folder { Ok(path) } else { Err(RecordError::Stray { path }) }
    };
    entries(dir)?.into_iter().map(folder).collect()
}

/// What is in `dir` under names without a leading dot, and whether it is a folder; nothing where
/// there is no `dir`.
fn entries(dir: &Path) -> Result<Vec<(PathBuf, bool)>, RecordError> {
    let failed = |source| RecordError::Read { path: dir.to_owned(), source };
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            let path = entry.path();
            // The listing tells, but for links; so a folder of many records is not asked about each.
            let kind = entry.file_type().map_err(failed)?;
            let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
            entries.push((path, is_folder));
        }
    }
    entries.sort();
    Ok(entries)
}
