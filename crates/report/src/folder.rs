//! A sweep's folder: records in, results out.

use std::io;
use std::path::Path;

use pairnet_record::{
    Predictions, Record, RecordError, Sweep, read_predictions, read_records, read_study,
    read_sweep, write_atomically,
};

use crate::answers::Answers;
use crate::entry::Entry;
use crate::error::ReportError;
use crate::report::{BestNetwork, Report};
use crate::summarise::summarise;
use crate::summary::Summary;

/// Runs of a network whose predictions are read: more would hardly change a picture or a component.
const MOST_PREDICTIONS: usize = 100;

/// Reads the sweep in `dir`, and its study where there is a `study.json`, and says what its records
/// say.
///
/// # Errors
///
/// Where `dir` has no sweep, a file cannot be read or is of another sweep, or [`summarise`] refuses
/// the records.
pub fn read_report(dir: &Path) -> Result<Report, ReportError> {
    // A sweep that trains meanwhile writes what it asks for before its records: read after them, it has
    // them all.
    let records = read_records(dir)?;
    let Some(sweep) = read_sweep(dir)? else {
        return Err(ReportError::NoSweep { dir: dir.to_owned() });
    };
    sweep.check_records(dir, &records)?;
    let answers = answers(dir, &sweep, &records)?;
    let study = read_study(dir)?;
    let summary = summarise(&sweep, study.as_ref(), &records, &answers)?;
    let predictions = best_network(dir, &sweep, &records, &summary)?;
    Ok(Report { sweep, records, summary, predictions })
}

/// What the networks of all runs said, a hundred of each network at most.
fn answers(dir: &Path, sweep: &Sweep, records: &[Record]) -> Result<Answers, ReportError> {
    let mut answers = Answers::default();
    for recipe in &sweep.settings.recipes {
        for variant in &sweep.settings.variants {
            let own =
                |record: &&Record| (&record.recipe, &record.variant) == (&recipe.name, variant);
            let measured = records.iter().filter(own).filter(|record| record.failure.is_none());
            for record in measured.take(MOST_PREDICTIONS) {
                if let Some(predictions) = predictions(dir, sweep, record)? {
                    answers.add(&predictions)?;
                }
            }
        }
    }
    Ok(answers)
}

fn best_network(
    dir: &Path,
    sweep: &Sweep,
    records: &[Record],
    summary: &Summary,
) -> Result<BestNetwork, ReportError> {
    let mut best: Option<(f64, &Entry)> = None;
    for entry in &summary.entries {
        let Some(mean) = entry.test.statistics.mean else { continue };
        if best.is_none_or(|(highest, _)| mean > highest) {
            best = Some((mean, entry));
        }
    }
    let Some((_, entry)) = best else {
        return Ok(BestNetwork::default());
    };
    let (recipe, variant) = (entry.recipe.clone(), entry.variant.clone());
    let own = |record: &&Record| (&record.recipe, &record.variant) == (&recipe, &variant);
    let own = records.iter().filter(own).filter(|record| record.failure.is_none());
    let runs =
        own.take(MOST_PREDICTIONS).filter_map(|record| predictions(dir, sweep, record).transpose());
    let runs = runs.collect::<Result<_, _>>()?;
    Ok(BestNetwork { recipe, variant, runs })
}

/// What the network of `record` said of its test pairs; `None` where it failed, or where that was
/// not kept: a folder may have been copied without, and then has fewer numbers and pictures.
fn predictions(
    dir: &Path,
    sweep: &Sweep,
    record: &Record,
) -> Result<Option<Predictions>, ReportError> {
    let Record { recipe, variant, run, seed, .. } = record;
    let Some(accuracy) = record.test_accuracy else { return Ok(None) };
    let predictions = match read_predictions(dir, recipe, variant, *run) {
        Ok(predictions) => predictions,
        Err(RecordError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    sweep.check_predictions(dir, &predictions)?;
    let pairs = predictions.classes.len();
    let found = 100.0 * (pairs - predictions.wrong().count()) as f64 / pairs as f64;
    // NaN, which is near nothing, where there is no pair.
    if predictions.seed == *seed && (found - accuracy).abs() < 1e-6 {
        return Ok(Some(predictions));
    }
    let (recipe, variant, run) = (recipe.clone(), variant.clone(), *run);
    Err(ReportError::OtherPredictions { recipe, variant, run, found, accuracy })
}

/// Writes all files of [`Report::to_files`] into `dir`, each whole or not at all.
///
/// # Errors
///
/// Where a chart cannot be drawn or a file not be written.
pub fn write_results(dir: &Path, report: &Report) -> Result<(), ReportError> {
    for (name, text) in report.to_files()? {
        write_atomically(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}
