//! What a recipe that the paper has not does otherwise than the first that it has.

use crate::difference::Difference;
use crate::render::{Block, compared, difference_table, differing_settings};
use crate::summary::Summary;

/// Its settings and its differences; nothing for the paper's own recipes.
pub(super) fn blocks(summary: &Summary, recipe: &str) -> Vec<Block> {
    let own: Vec<&Difference> =
        summary.differences.iter().filter(|found| found.of.recipe == recipe).collect();
    let Some(base) = own.first().map(|found| &found.from.recipe) else { return Vec::new() };
    let settings = |name: &str| summary.recipes.iter().find(|recipe| recipe.name == name);
    let mut blocks = vec![Block::heading(3, format!("How far from `{base}`?"))];
    if let (Some(base), Some(recipe)) = (settings(base), settings(recipe)) {
        blocks.extend(differing_settings("Recipe", base, [recipe]));
    }
    blocks.push(Block::Paragraph(format!(
        "Test accuracy by `{recipe}` minus that by `{base}`, in points. {} *p (Holm)* is adjusted for \
         all differences of this kind.",
        compared(&own)
    )));
    let caption = format!("`{recipe}` minus `{base}`");
    blocks.push(difference_table(caption, "Network", &own, |found| {
        format!("`{}`", found.of.network)
    }));
    blocks
}
