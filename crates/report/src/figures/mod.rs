//! The pictures of a sweep.

mod accuracy;
mod chart;
mod confusion;
mod curves;
mod differences;
mod factorial;
mod figure;
mod forest;
mod marks;
mod mistakes;
mod networks;
mod palette;
mod rows;
mod svg;

use pairnet_record::Record;

pub(crate) use figure::dark_page_rules;
pub use figure::{Figure, Panel};
pub(crate) use svg::escape;

use crate::entry::Entry;
use crate::error::ReportError;
use crate::report::Report;
use crate::summary::Summary;

/// The runs of one recipe and variant.
struct Cell<'a> {
    entry: &'a Entry,
    /// Whatever has a record, failed or not, by run.
    records: Vec<&'a Record>,
}

/// The pictures that follow from a summary alone: `effects`, `accuracy`, `accuracy-train`, `differences`,
/// `claims` and `text-and-code`. What there is nothing to draw for is left out.
pub(crate) fn of_summary(summary: &Summary) -> Result<Vec<Figure>, ReportError> {
    let figures = [
        factorial::figure(summary)?,
        accuracy::figure(summary)?,
        accuracy::train(summary)?,
        differences::figure(summary)?,
        forest::claims(summary)?,
        forest::text_and_code(summary)?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// All pictures, in the order in which a page tells them.
pub(crate) fn all(report: &Report) -> Result<Vec<Figure>, ReportError> {
    let mut figures = of_summary(&report.summary)?;
    figures.extend(curves::figures(&cells(report))?);
    figures.extend(networks::figure(&report.sweep.networks));
    figures.extend(confusion::figure(&report.predictions));
    figures.extend(mistakes::figure(&report.predictions));
    Ok(figures)
}

/// One an entry of the summary, in its order: recipe by recipe.
fn cells(report: &Report) -> Vec<Cell<'_>> {
    let entries = report.summary.entries.iter();
    entries
        .map(|entry| {
            let own = |record: &&Record| {
                (&record.recipe, &record.variant) == (&entry.recipe, &entry.variant)
            };
            Cell { entry, records: report.records.iter().filter(own).collect() }
        })
        .collect()
}
