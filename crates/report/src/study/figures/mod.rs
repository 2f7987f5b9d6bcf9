//! What a study's report shows beside the pictures that all reports have.

mod forest;
mod heat_map;
mod line;

use pairnet_record::Study;

use super::axes::{Layout, axes};
use crate::error::ReportError;
use crate::figures::rows::Label;
use crate::figures::{self, Cell, Figure, Group, Row};
use crate::report::Report;
use crate::summary::Summary;

/// Cells whose learning is drawn: of more, only that of the base.
const MOST_LEARNING: usize = 3;

/// The pictures that follow from a summary alone: `line`, `heat-map`, `accuracy`, `cells`,
/// `compared-networks`, `compared-pairs` and `effects`. What there is nothing to draw for is left out.
pub(crate) fn of_summary(asked: &Study, summary: &Summary) -> Result<Vec<Figure>, ReportError> {
    let axes = axes(asked, &summary.recipes);
    let placed = match &axes.layout {
        Layout::Line { field, cells } => line::figure(asked, summary, field, cells)?,
        Layout::Plane { rows, columns, cells } => {
            heat_map::figure(asked, summary, [rows, columns], cells)
        }
        Layout::Names => None,
    };
    let dots = match axes.layout {
        // It has the dots of all runs.
        Layout::Line { .. } => None,
        _ => figures::accuracy(&groups(summary), "Blue: each run")?,
    };
    let figures = [
        placed,
        dots,
        forest::cells(asked, summary, &axes.others)?,
        forest::networks(asked, summary)?,
        forest::pairs(asked, summary)?,
        effects(summary)?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// Those that need the records: curves, and the networks.
pub(crate) fn of_records(asked: &Study, report: &Report) -> Result<Vec<Figure>, ReportError> {
    let few = report.summary.recipes.len() <= MOST_LEARNING;
    let cells = figures::cells(report).into_iter();
    let shown: Vec<Cell<'_>> = cells.filter(|cell| few || cell.recipe() == asked.base).collect();
    let mut figures = figures::curves(&shown, "cell")?;
    figures.extend(figures::networks(&report.sweep.networks, "", |_| None));
    Ok(figures)
}

/// One panel a backbone and cell; `None` where no networks cross the two.
fn effects(summary: &Summary) -> Result<Option<Figure>, ReportError> {
    let named = summary.recipe_names().map(|cell| (cell, format!("cell {cell}")));
    let sources: Vec<(&str, String)> = named.collect();
    let draws = if summary.effects.iter().any(|effect| effect.total95.is_some()) {
        ", which speak of other test pairs, too"
    } else {
        ""
    };
    let figure = figures::effects(&summary.effects, &[], &sources, draws)?;
    Ok(figure.map(|figure| Figure { columns: figure.columns.max(2), ..figure }))
}

/// A panel a network with its cells, or one for all networks of the only cell.
fn groups(summary: &Summary) -> Vec<Group<'_>> {
    let row = |entry, name: &String| Row {
        label: Label::in_lines(name).lacking(entry),
        name: name.clone(),
        entry,
    };
    if let [only] = &summary.recipes[..] {
        let rows = summary.entries.iter().map(|entry| row(entry, &entry.variant)).collect();
        return vec![Group { title: only.name.clone(), words: only.name.clone(), rows }];
    }
    let group = |network: &str| {
        let own = summary.entries.iter().filter(|entry| entry.variant == network);
        let rows = own.map(|entry| row(entry, &entry.recipe)).collect();
        Group { title: network.to_owned(), words: network.to_owned(), rows }
    };
    summary.networks().map(group).collect()
}
