//! What all reports are made of: texts and tables, as Markdown, JSON and comma-separated values.

mod block;
pub(crate) mod cells;
mod components;
mod csv;
mod differences;
mod document;
mod effects;
mod markdown;
mod numbers;
mod settings;
mod shortfall;
mod table;
pub(crate) mod terms;

pub(crate) use block::Block;
pub(crate) use components::blocks as components;
pub(crate) use csv::table as csv;
pub(crate) use differences::{compared, table as difference_table};
pub(crate) use document::{Document, Section};
pub(crate) use effects::tables as effect_tables;
pub(crate) use markdown::file as markdown;
pub(crate) use numbers::section as numbers;
pub(crate) use settings::{all as all_settings, differing as differing_settings};
pub(crate) use shortfall::{blocks as shortfalls, paragraph as shortfall};
pub(crate) use table::{Align, Table};

use crate::summary::Summary;

/// What made the records.
pub(crate) fn provenance(summary: &Summary) -> Block {
    let provenance = &summary.provenance;
    let revision = provenance.git_revision.as_deref().unwrap_or("unknown");
    let changes = if provenance.git_dirty == Some(true) { " with changes" } else { "" };
    Block::Paragraph(format!(
        "Begun by version {}, revision {revision}{changes}, on {}; seed {}, device {}. Runs are \
         counted from 0.",
        provenance.version, provenance.machine, summary.seed, summary.device
    ))
}
