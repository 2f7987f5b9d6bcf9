//! What the cells are.

use pairnet_record::Study;

use crate::render::{Block, all_settings, differing_settings};
use crate::summary::Summary;

/// In which settings the others differ from the base, and all of the base.
pub(super) fn blocks(asked: &Study, summary: &Summary) -> Vec<Block> {
    let Some(base) = summary.recipes.iter().find(|recipe| recipe.name == asked.base) else {
        return Vec::new();
    };
    let others = summary.recipes.iter().filter(|recipe| recipe.name != base.name);
    let tables = differing_settings("Cell", base, others).into_iter().chain(all_settings(base));
    let blocks: Vec<Block> = tables.collect();
    let heading = Block::heading(2, "What are the cells?");
    if blocks.is_empty() { blocks } else { [vec![heading], blocks].concat() }
}
