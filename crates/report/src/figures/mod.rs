//! The pictures that all reports have, and what pictures are made of.

mod accuracy;
pub(crate) mod chart;
pub(crate) mod confusion;
mod curves;
mod effects;
mod figure;
pub(crate) mod forest;
pub(crate) mod marks;
mod mistakes;
mod networks;
pub(crate) mod palette;
pub(crate) mod rows;
pub(crate) mod svg;

use pairnet_record::Record;

use crate::entry::Entry;
use crate::report::Report;

pub(crate) use accuracy::{Group, Row, figure as accuracy, train as train_accuracy};
pub(crate) use confusion::figure as confusion;
pub(crate) use curves::figures as curves;
pub(crate) use effects::figure as effects;
pub(crate) use figure::dark_page_rules;
pub use figure::{Figure, Panel};
pub(crate) use mistakes::figure as mistakes;
pub(crate) use networks::figure as networks;
pub(crate) use svg::escape;

/// The runs of one recipe and variant.
pub(crate) struct Cell<'a> {
    entry: &'a Entry,
    /// Whatever has a record, failed or not, by run.
    records: Vec<&'a Record>,
}

impl Cell<'_> {
    /// How the runs were trained.
    pub(crate) fn recipe(&self) -> &str {
        &self.entry.recipe
    }
}

/// One an entry of the summary, in its order: recipe by recipe.
pub(crate) fn cells(report: &Report) -> Vec<Cell<'_>> {
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
