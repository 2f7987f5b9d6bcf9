//! Every number of every network.

use crate::statistics::Interval;
use crate::summary::{Accuracy, Entry, SPLITS, Summary};

use super::block::{Align, Block};
use super::cells::NOTHING;

/// One table a recipe and split.
pub(crate) fn section(summary: &Summary) -> Vec<Block> {
    let mut blocks = vec![
        Block::heading(2, "Every number"),
        Block::paragraph(
            "Accuracy in %. *std n−1* is the sample std, *std n* the population std; the \
             interval is Student's t of the mean, within 0 and 100, where values differ. The raw \
             values are in `results.json` and `results.csv`.",
        ),
    ];
    for recipe in summary.recipe_names() {
        for (split, accuracy) in SPLITS {
            let entries = summary.entries.iter().filter(|entry| entry.recipe == recipe);
            let rows = entries.map(|entry| row(entry, accuracy(entry))).collect();
            let split = if split == "test" { "test" } else { "training" };
            blocks.push(table(format!("Recipe `{recipe}`, {split} pairs"), rows));
        }
    }
    blocks
}

fn table(caption: String, rows: Vec<Vec<String>>) -> Block {
    let numbers = ["n", "failed", "mean", "std n−1", "std n", "95 % t", "min", "max"];
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
        number(statistics.std_sample),
        number(statistics.std_population),
        interval(statistics.ci95),
        number(statistics.min),
        number(statistics.max),
    ]
}
