//! Runs without a result, and runs that got lost.

use crate::entry::{Entry, FailedRun, LOST};
use crate::summary::Summary;

use super::block::Block;

/// A word of caution where not all that was asked for has a result.
pub(crate) fn paragraph(summary: &Summary) -> Option<Block> {
    let count = |of: fn(&Entry) -> usize| summary.entries.iter().map(of).sum::<usize>();
    let asked = count(|entry| entry.runs);
    let failed = count(|entry| entry.failed_runs.len());
    let missing = count(|entry| entry.missing_runs.len());
    (failed + missing > 0).then(|| {
        Block::Paragraph(format!(
            "Not all is there: of {asked} runs, {failed} failed and {missing} are missing. What \
             follows is about the {} that have a result.",
            asked - failed - missing
        ))
    })
}

/// What runs lack, network by network; `named` is what a network is called.
pub(crate) fn blocks(entries: &[&Entry], named: impl Fn(&Entry) -> String) -> Vec<Block> {
    let mut blocks = Vec::new();
    let without: Vec<String> =
        entries.iter().filter_map(|entry| without_result(entry, named(entry))).collect();
    if !without.is_empty() {
        let text = "Not all runs have a result; the numbers are of those that do:";
        blocks.extend([Block::paragraph(text), Block::List(without)]);
    }
    let lost: Vec<String> = entries.iter().filter_map(|entry| lost(entry, named(entry))).collect();
    if !lost.is_empty() {
        blocks.push(Block::Paragraph(format!(
            "Some runs learned badly: they end more than {LOST} points of training accuracy below \
             the median of their network. They are results like others and stay in every number:"
        )));
        blocks.push(Block::List(lost));
    }
    blocks
}

/// "`mlp`: run 8 (train 91.7 %, test 73.3 %)".
fn lost(entry: &Entry, name: String) -> Option<String> {
    let of = |run: &usize| {
        let place = entry.measured_runs.iter().position(|measured| measured == run)?;
        let at = |values: &[f64]| values.get(place).map_or(String::new(), |v| format!("{v:.1} %"));
        let (train, test) = (&entry.train.statistics.values, &entry.test.statistics.values);
        Some(format!("run {run} (train {}, test {})", at(train), at(test)))
    };
    let runs: Vec<String> = entry.lost_runs.iter().filter_map(of).collect();
    (!runs.is_empty()).then(|| format!("{name}: {}", list(runs.into_iter(), 10, ", ")))
}

/// "`mlp`: 8 of 10 runs; 1 failed (…); 1 missing (run 4)", where any run is without a value.
fn without_result(entry: &Entry, name: String) -> Option<String> {
    let (failed, missing) = (&entry.failed_runs, &entry.missing_runs);
    if failed.is_empty() && missing.is_empty() {
        return None;
    }
    let mut text = format!("{name}: {} of {} runs", entry.measured_runs.len(), entry.runs);
    if !failed.is_empty() {
        let place = |failed: &FailedRun| {
            let FailedRun { run, epoch, batch, reason } = failed;
            let epoch = epoch.map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
            let batch = batch.map_or_else(String::new, |batch| format!(", batch {batch}"));
            format!("run {run}{epoch}{batch}: {reason}")
        };
        text += &format!("; {} failed ({})", failed.len(), list(failed.iter().map(place), 3, "; "));
    }
    if !missing.is_empty() {
        let plural = if missing.len() == 1 { "" } else { "s" };
        let runs = list(missing.iter().map(ToString::to_string), 10, ", ");
        text += &format!("; {} missing (run{plural} {runs})", missing.len());
    }
    Some(text)
}

/// The first `most` of `items`, and how many more there are.
fn list(items: impl ExactSizeIterator<Item = String>, most: usize, separator: &str) -> String {
    let more = items.len().saturating_sub(most);
    let shown = items.take(most).collect::<Vec<_>>().join(separator);
    if more == 0 { shown } else { format!("{shown}{separator}and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let numbers = (0..12).map(|number| number.to_string());
        assert_eq!(list(numbers, 10, ", "), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, and 2 more");
    }
}
