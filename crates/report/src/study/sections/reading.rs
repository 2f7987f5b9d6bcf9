//! How to read a study's report.

use crate::entry::Entry;
use crate::render::Block;
use crate::render::cells::NOTHING;
use crate::runs::Comparison;
use crate::summary::Summary;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let mut items = vec![
        "*95 % interval*: of 100 such intervals, of other runs, 95 would have the true value in them \
         (Student's t). An interval speaks for itself alone: of twenty intervals of differences that \
         are none, one leaves out 0."
            .to_owned(),
    ];
    if !summary.differences.is_empty() {
        items.push(
            "*p value*: how often a difference at least this large would come up if there were none. \
             *Holm's procedure* (1979) raises the p values of many tests so that all of them together \
             find something that is not there in at most one study of twenty. Told apart from 0 is what \
             then has a p value below 0.05; that a difference is not told apart does not make it 0."
                .to_owned(),
        );
    }
    let any = |how| summary.differences.iter().any(|found| found.comparison == how);
    if any(Comparison::Paired) {
        items.push(
            "*Paired*: the difference is taken run by run, between runs of one number, and the interval \
             is that of the mean of these differences (Student, 1908). What both runs have in common is \
             in no difference."
                .to_owned(),
        );
    }
    if any(Comparison::Welch) {
        items.push(
            "*Welch*: a comparison of two means whose runs share nothing and may spread differently \
             (1947)."
                .to_owned(),
        );
    }
    let shared = |entry: &Entry| entry.components.as_ref().is_some_and(|found| found.shared_pairs);
    if summary.entries.iter().any(shared) {
        items.push(
            "Where all runs share one draw of pairs, differences and their intervals speak of that draw: \
             with other pairs they would come out otherwise by more than the intervals say."
                .to_owned(),
        );
    }
    items.push(format!(
        "{NOTHING} stands where there is no number: one run has no interval, and a run that failed has no \
         accuracy."
    ));
    vec![Block::heading(2, "How to read this"), Block::List(items)]
}
