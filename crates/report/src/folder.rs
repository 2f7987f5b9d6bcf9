//! A sweep's folder: records in, results out.

use std::io;
use std::path::Path;

use pairnet_record::{
    Predictions, Record, RecordError, Sweep, read_predictions, read_records, read_sweep,
    write_atomically,
};

use crate::error::ReportError;
use crate::figures::{self, Figure};
use crate::page;
use crate::summarise::summarise;
use crate::summary::Summary;

/// Runs whose predictions are read: more would change no picture.
const MOST_PREDICTIONS: usize = 100;

/// A sweep with all that its results are made from.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was asked, and of which networks.
    pub sweep: Sweep,
    /// By recipe, variant and run.
    pub records: Vec<Record>,
    /// What the records say.
    pub summary: Summary,
    /// What the network with the highest mean test accuracy said of its test pairs.
    pub predictions: BestNetwork,
}

/// The network with the highest mean test accuracy, and what it said; of no run where nothing was
/// measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BestNetwork {
    /// How it was trained.
    pub recipe: String,
    /// Which network.
    pub variant: String,
    /// Its first runs, a hundred at most, that have left predictions.
    pub runs: Vec<Predictions>,
}

/// Reads the sweep in `dir` and says what its records say.
///
/// # Errors
///
/// Where `dir` has no sweep, a file cannot be read, or [`summarise`] refuses the records.
pub fn read_report(dir: &Path) -> Result<Report, ReportError> {
    let Some(sweep) = read_sweep(dir)? else {
        return Err(ReportError::NoSweep { dir: dir.to_owned() });
    };
    let records = read_records(dir)?;
    let summary = summarise(&sweep, &records)?;
    let predictions = best_network(dir, &summary)?;
    Ok(Report { sweep, records, summary, predictions })
}

fn best_network(dir: &Path, summary: &Summary) -> Result<BestNetwork, ReportError> {
    let mut best: Option<(f64, BestNetwork, &[usize])> = None;
    for entry in &summary.entries {
        let Some(mean) = entry.test.statistics.mean else { continue };
        if best.as_ref().is_none_or(|(highest, ..)| mean > *highest) {
            let (recipe, variant) = (entry.recipe.clone(), entry.variant.clone());
            let network = BestNetwork { recipe, variant, runs: Vec::new() };
            best = Some((mean, network, &entry.measured_runs));
        }
    }
    let Some((_, mut network, runs)) = best else {
        return Ok(BestNetwork::default());
    };
    for &run in runs.iter().take(MOST_PREDICTIONS) {
        match read_predictions(dir, &network.recipe, &network.variant, run) {
            Ok(predictions) => network.runs.push(predictions),
            // A folder may have been copied without them: then there are fewer pictures.
            Err(RecordError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(network)
}

impl Report {
    /// All pictures, in the order in which the page has them.
    ///
    /// # Errors
    ///
    /// Where a chart cannot be drawn.
    pub fn figures(&self) -> Result<Vec<Figure>, ReportError> {
        figures::all(self)
    }

    /// `report.html`: everything on one page that needs no other file.
    pub fn to_html(&self, figures: &[Figure]) -> String {
        page::page(self, figures)
    }
}

/// Writes `results.md`, `results.json`, `results.csv`, `report.html` and `figures/*.svg` into
/// `dir`, each whole or not at all.
///
/// # Errors
///
/// Where a chart cannot be drawn or a file not be written.
pub fn write_results(dir: &Path, report: &Report) -> Result<(), ReportError> {
    let summary = &report.summary;
    let figures = report.figures()?;
    write_atomically(&dir.join("results.md"), summary.to_markdown().as_bytes())?;
    write_atomically(&dir.join("results.json"), summary.to_json()?.as_bytes())?;
    write_atomically(&dir.join("results.csv"), summary.to_csv().as_bytes())?;
    for figure in &figures {
        let name = format!("{}.svg", figure.name);
        write_atomically(&dir.join("figures").join(name), figure.to_svg().as_bytes())?;
    }
    write_atomically(&dir.join("report.html"), report.to_html(&figures).as_bytes())?;
    Ok(())
}
