//! What test accuracy varies by: runs and pairs.

use crate::entry::Entry;
use crate::summary::Summary;
use crate::words::thousands;

use super::block::Block;
use super::table::Align::{Left, Right};

/// A table of both components; nothing where no predictions were kept.
/// `noun` is what a recipe is called.
pub(crate) fn blocks(summary: &Summary, noun: &'static str) -> Vec<Block> {
    let header = [
        ("Network", Left),
        (noun, Left),
        ("runs", Right),
        ("test pairs", Right),
        ("pairs are", Left),
    ];
    let row = |entry: &Entry| {
        let components = entry.components.as_ref()?;
        Some(vec![
            format!("`{}`", entry.variant),
            format!("`{}`", entry.recipe),
            format!("{:.2}", components.runs),
            format!("{:.2}", components.pairs),
            if components.shared_pairs { "the same in all runs" } else { "drawn by each run" }
                .to_owned(),
        ])
    };
    let rows: Vec<Vec<String>> = summary.entries.iter().filter_map(row).collect();
    let mut counts = summary.entries.iter().filter_map(|entry| entry.components.as_ref());
    let Some(pairs) = counts.next().map(|components| thousands(components.pair_count)) else {
        return Vec::new();
    };
    vec![
        Block::heading(2, "What do the intervals cover?"),
        Block::Paragraph(format!(
            "A test accuracy varies from run to run, and it varies with the test pairs that happen to \
             be drawn: {pairs} are a sample. What each run answered to each pair tells the two apart \
             (Bouthillier and others, Accounting for Variance in Machine Learning Benchmarks, 2021; \
             an analysis of variance of runs × pairs). Both are standard deviations of one accuracy, \
             in points; 0.00 is an estimate that is not above 0. Where every run draws its own pairs, the spread of the runs has both in it, \
             and so has every interval. Where all runs share their pairs, the usual interval has the \
             runs alone in it; intervals for *other test pairs* have both. The two kinds of rows \
             are not quite the same quantity: a run's liking for certain pairs is counted under \
             *runs* where pairs are shared, under *test pairs* where they are not; and where each run \
             draws its own, *runs* has the training pairs in it."
        )),
        Block::paragraph(
            "What no interval here covers: another draw of the training pairs, where that is shared; \
             and runs that get lost so rarely that ten have none or one of them. Where one run in \
             twenty gets lost, an interval of ten runs covers the mean in 85 % of cases, not in 95 \
             (simulated by `crates/report/tests/golden/intervals.py`).",
        ),
        Block::table(header, rows),
    ]
}
