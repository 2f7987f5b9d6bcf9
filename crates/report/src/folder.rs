//! A sweep's folder: records in, results out.

use std::path::Path;

use pairnet_record::{read_records, read_sweep, write_atomically};

use crate::error::ReportError;
use crate::summarise::summarise;
use crate::summary::Summary;

/// What the records of the sweep in `dir` say.
///
/// # Errors
///
/// Where `dir` has no sweep, a file cannot be read, or [`summarise`] refuses the records.
pub fn report_folder(dir: &Path) -> Result<Summary, ReportError> {
    let Some(sweep) = read_sweep(dir)? else {
        return Err(ReportError::NoSweep { dir: dir.to_owned() });
    };
    summarise(&sweep, &read_records(dir)?)
}

/// Writes `results.md`, `results.json` and `results.csv` into `dir`, each whole or not at all.
///
/// # Errors
///
/// Where a file cannot be written.
pub fn write_results(dir: &Path, summary: &Summary) -> Result<(), ReportError> {
    write_atomically(&dir.join("results.md"), summary.to_markdown().as_bytes())?;
    write_atomically(&dir.join("results.json"), summary.to_json()?.as_bytes())?;
    write_atomically(&dir.join("results.csv"), summary.to_csv().as_bytes())?;
    Ok(())
}
