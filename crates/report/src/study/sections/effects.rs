//! Sharing and the auxiliary loss as two factors, where networks cross them.

use crate::render::{Block, effect_tables};
use crate::summary::Summary;

/// Cells side by side: more would not fit a terminal.
const COLUMNS: usize = 3;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    if summary.effects.is_empty() {
        return Vec::new();
    }
    let draws = if summary.effects.iter().any(|effect| effect.total95.is_some()) {
        "; where all runs of a network share their test pairs, the interval covers other test pairs too"
    } else {
        ""
    };
    let mut blocks = vec![
        Block::heading(2, "Sharing and the auxiliary loss, alone and together"),
        Block::Paragraph(format!(
            "The networks of a backbone are a factorial design: weight sharing or not, auxiliary loss or \
             not. The *interaction* is by how much sharing is worth more beside an auxiliary loss than \
             without one. Effects on test accuracy in points, with 95 % intervals{draws}, each for \
             itself. An effect is that of all in which the networks differ: whether that is the name \
             alone, their descriptions say."
        )),
    ];
    let mut cells: Vec<&str> = summary.effects.iter().map(|effect| &*effect.recipe).collect();
    cells.dedup();
    cells.sort_by_key(|cell| summary.recipe_names().position(|name| name == *cell));
    cells.dedup();
    let sources: Vec<(&str, String)> =
        cells.into_iter().map(|cell| (cell, format!("`{cell}`"))).collect();
    for (part, sources) in sources.chunks(COLUMNS).enumerate() {
        blocks.extend(effect_tables(&summary.effects, &[], sources).into_iter().map(
            |mut block| {
                if let (Block::Table(table), true) = (&mut block, part > 0) {
                    let titles: Vec<&str> = sources.iter().map(|(_, title)| &**title).collect();
                    table.caption =
                        table.caption.take().map(|text| format!("{text}: {}", titles.join(", ")));
                }
                block
            },
        ));
    }
    blocks
}
