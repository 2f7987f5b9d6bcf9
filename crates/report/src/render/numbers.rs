//! Every number of every network.

use crate::entry::{Accuracy, Entry, SPLITS, split_in_words};
use crate::statistics::Interval;
use crate::summary::Summary;
use crate::words::capital;

use super::block::Block;
use super::cells::NOTHING;
use super::table::Align;

/// One table a recipe and split; `noun` is what a recipe is called.
pub(crate) fn section(summary: &Summary, noun: &str) -> Vec<Block> {
    let mut blocks = vec![
        Block::heading(2, "Every number"),
        Block::paragraph(
            "Accuracy in %. *std n−1* is the sample standard deviation, *std n* the population's. \
             The interval is of the mean, by Student's t, and speaks of other runs on the pairs that \
             these runs had; *other pairs* is wider where all runs share one draw of test pairs, and \
             speaks of other draws, too. No interval leaves 0 to 100. Runs that all measured the \
             same have none; instead stands which share of runs ends *elsewhere* at most, with 95 % \
             confidence (Clopper and Pearson, 1934). The raw values are in `results.json` and \
             `results.csv`.",
        ),
    ];
    for recipe in summary.recipe_names() {
        for (split, accuracy) in SPLITS {
            let entries = summary.entries.iter().filter(|entry| entry.recipe == recipe);
            let rows = entries.map(|entry| row(entry, accuracy(entry))).collect();
            let split = split_in_words(split);
            blocks.push(table(format!("{} `{recipe}`, {split} pairs", capital(noun)), rows));
        }
    }
    blocks
}

fn table(caption: String, rows: Vec<Vec<String>>) -> Block {
    let numbers =
        ["n", "failed", "mean", "median", "std n−1", "std n", "95 %", "other pairs", "min", "max"];
    let mut header = vec![("Network".to_owned(), Align::Left)];
    header.extend(numbers.map(|title| (title.to_owned(), Align::Right)));
    Block::captioned(caption, header, rows)
}

fn row(entry: &Entry, accuracy: &Accuracy) -> Vec<String> {
    let number =
        |value: Option<f64>| value.map_or(NOTHING.to_owned(), |value| format!("{value:.2}"));
    let interval = |interval: Option<Interval>| match interval {
        Some(Interval { low, high }) => format!("[{low:.2}, {high:.2}]"),
        None => NOTHING.to_owned(),
    };
    let statistics = &accuracy.statistics;
    vec![
        format!("`{}`", entry.variant),
        statistics.n.to_string(),
        accuracy.failures.to_string(),
        number(statistics.mean),
        number(statistics.median),
        number(statistics.std_sample),
        number(statistics.std_population),
        match accuracy.elsewhere_at_most {
            Some(share) => format!("≤ {share:.0} % elsewhere"),
            None => interval(statistics.ci95),
        },
        interval(accuracy.total95),
        number(statistics.min),
        number(statistics.max),
    ]
}
