//! What one folder has, every file of it checked.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use pairnet_record::{
    Predictions, Record, RecordError, Study, Sweep, predictions_path, read_predictions,
    read_record, read_study, record_paths,
};
use rayon::prelude::*;

use super::error::MergeError;
use crate::kept::{Kept, network_path};
use crate::threads::on_threads;

/// Files that are read before any of them is forgotten: so memory does not grow with their number.
const AT_ONCE: usize = 512;

/// The sweep's folders, and what a report leaves beside them, which is made again.
const KNOWN: [&str; 10] = [
    "sweep.json",
    "study.json",
    "records",
    "predictions",
    "networks",
    "results.json",
    "results.md",
    "results.csv",
    "report.html",
    "figures",
];

/// A folder that was looked at.
pub(super) struct Folder {
    pub(super) dir: PathBuf,
    pub(super) study: Option<Study>,
    pub(super) runs: Vec<Run>,
    /// What is of no sweep, or of none of its records.
    pub(super) unknown: Vec<PathBuf>,
}

/// What is there of one run.
pub(super) struct Run {
    pub(super) recipe: String,
    pub(super) variant: String,
    pub(super) run: usize,
    /// Whether it failed in a way that another try can help.
    pub(super) again: bool,
    pub(super) failed: bool,
    pub(super) predictions: bool,
    pub(super) network: bool,
}

/// Reads all that `dir` has of `sweep`, its own.
pub(super) fn read(dir: &Path, sweep: &Sweep) -> Result<Folder, MergeError> {
    let runs = on_threads(0, || read_runs(dir, sweep))??;
    let unknown = unknown(dir, &runs)?;
    Ok(Folder { dir: dir.to_owned(), study: read_study(dir)?, runs, unknown })
}

fn read_runs(dir: &Path, sweep: &Sweep) -> Result<Vec<Run>, MergeError> {
    let mut runs = Vec::new();
    for paths in record_paths(dir)?.chunks(AT_ONCE) {
        let records: Vec<_> = paths.par_iter().map(|path| read_record(path)).collect();
        let records = records.into_iter().collect::<Result<Vec<_>, _>>()?;
        sweep.check_records(dir, &records)?;
        let found: Vec<_> = records.par_iter().map(|record| beside(dir, sweep, record)).collect();
        for run in found {
            runs.push(run?);
        }
    }
    Ok(runs)
}

/// What lies beside a record: its predictions and its network, which have to be its own.
fn beside(dir: &Path, sweep: &Sweep, record: &Record) -> Result<Run, MergeError> {
    let Record { recipe, variant, run, .. } = record;
    let predictions = match predictions(dir, record)? {
        Some(predictions) => {
            sweep.check_predictions(dir, &predictions)?;
            true
        }
        None => false,
    };
    let network = network_path(dir, recipe, variant, *run);
    let kept = network.exists();
    if kept {
        check_network(&network, record)?;
    }
    Ok(Run {
        recipe: recipe.clone(),
        variant: variant.clone(),
        run: *run,
        again: record.failure.as_ref().is_some_and(|failure| failure.kind.is_worth_another_try()),
        failed: record.failure.is_some(),
        predictions,
        network: kept,
    })
}

fn predictions(dir: &Path, record: &Record) -> Result<Option<Predictions>, RecordError> {
    let Record { recipe, variant, run, .. } = record;
    if !predictions_path(dir, recipe, variant, *run).exists() {
        return Ok(None);
    }
    read_predictions(dir, recipe, variant, *run).map(Some)
}

fn check_network(path: &Path, record: &Record) -> Result<(), MergeError> {
    if Kept::load(path)?.is_of(record) {
        return Ok(());
    }
    let difference = "it is not that of the record beside it".to_owned();
    Err(RecordError::Foreign { path: path.to_owned(), what: "network", difference }.into())
}

/// What is there beside records and what belongs to them; names that start with a dot are passed over.
fn unknown(dir: &Path, runs: &[Run]) -> Result<Vec<PathBuf>, RecordError> {
    let mut unknown: Vec<PathBuf> = entries(dir)?
        .into_iter()
        .filter(|path| !KNOWN.iter().any(|known| path.file_name() == Some(OsStr::new(known))))
        .collect();
    let mut known = BTreeSet::new();
    for Run { recipe, variant, run, predictions, network, .. } in runs {
        known.extend(predictions.then(|| predictions_path(dir, recipe, variant, *run)));
        known.extend(network.then(|| network_path(dir, recipe, variant, *run)));
    }
    let mut folders = vec![dir.join("predictions"), dir.join("networks")];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else if !known.contains(&path) {
                unknown.push(path);
            }
        }
    }
    unknown.sort();
    Ok(unknown)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, RecordError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let failed = |source| RecordError::Read { path: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}
