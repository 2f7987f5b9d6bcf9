//! Which differences are between networks of one cell.

use pairnet_record::Study;

use crate::difference::Difference;
use crate::summary::Summary;

/// Those from the base network.
pub(super) fn from_base<'a>(asked: &Study, summary: &'a Summary) -> Vec<&'a Difference> {
    let base = |found: &&Difference| asked.base_network.as_ref() == Some(&found.from.network);
    in_a_cell(summary).filter(base).collect()
}

/// Those of the pairs that the study names, and that are not among [`from_base`].
pub(super) fn in_pairs<'a>(asked: &Study, summary: &'a Summary) -> Vec<&'a Difference> {
    let base = |found: &&Difference| asked.base_network.as_ref() != Some(&found.from.network);
    in_a_cell(summary).filter(base).collect()
}

fn in_a_cell(summary: &Summary) -> impl Iterator<Item = &Difference> {
    summary.differences.iter().filter(|found| found.of.recipe == found.from.recipe)
}
