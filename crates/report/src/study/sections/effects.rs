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
             itself. Networks may differ in more than these two: their descriptions tell, \
             and an effect is that of all of it."
        )),
    ];
    let mut cells: Vec<&str> = summary.effects.iter().map(|effect| &*effect.recipe).collect();
    cells.dedup();
    let sources: Vec<(&str, String)> =
        cells.into_iter().map(|cell| (cell, format!("`{cell}`"))).collect();
    for (part, sources) in sources.chunks(COLUMNS).enumerate() {
        let titles: Vec<&str> = sources.iter().map(|(_, title)| &**title).collect();
        for mut block in effect_tables(&summary.effects, &[], sources) {
            if let (Block::Table(table), true) = (&mut block, part > 0) {
                // Each table has a name of its own.
                let own = |caption| format!("{caption}: {}", titles.join(", "));
                table.caption = table.caption.take().map(own);
            }
            blocks.push(block);
        }
    }
    blocks
}
