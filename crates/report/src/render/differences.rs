//! How far cells and networks are from what they are compared with.

use crate::difference::Difference;
use crate::runs::Comparison;

use super::block::Block;
use super::cells;
use super::table::Align::{Left, Right};

/// One row a difference; `named` says of what, below `title`.
pub(crate) fn table(
    caption: impl Into<String>,
    title: &str,
    differences: &[&Difference],
    named: impl Fn(&Difference) -> String,
) -> Block {
    let row = |found: &&Difference| {
        vec![
            named(found),
            if found.same {
                "0, all runs the same".to_owned()
            } else {
                cells::difference(found.value, found.ci95)
            },
            cells::p_value(found.p),
            cells::p_value(found.p_holm),
            found.runs.to_string(),
        ]
    };
    let numbers = ["difference [95 %]", "p", "p (Holm)", "runs"];
    let mut header = vec![(title.to_owned(), Left)];
    header.extend(numbers.map(|title| (title.to_owned(), Right)));
    Block::captioned(caption, header, differences.iter().map(row).collect())
}

/// How the runs behind `differences` were compared, in a sentence.
pub(crate) fn compared(differences: &[&Difference]) -> &'static str {
    let paired = differences.iter().filter(|found| found.comparison == Comparison::Paired).count();
    if paired == differences.len() {
        "Each run is compared with the run of the same number, which has the same pairs (a paired t \
         test): the luck of the draw is in both, and cancels."
    } else if paired == 0 {
        "The runs share nothing that can be told, so that all runs of the one are compared with all \
         of the other (Welch's t test), and the luck of both is in the difference."
    } else {
        "Where both have the same pairs, each run is compared with the run of the same number (a paired \
         t test), else all runs of the one with all of the other (Welch's t test)."
    }
}
