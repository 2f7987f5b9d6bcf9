//! The numbers that the paper published: its tables 1 and 2, and the ten runs behind each mean.
//!
//! The tables are the paper's (`Project_1/Project1.pdf` at [`PAPER`]); the runs are the outputs of the
//! authors' notebook beside it (`Project_1/Run.ipynb`).

use serde::Serialize;

/// Where the paper is, and the code that made its tables.
pub const PAPER: &str = "https://github.com/vmous93/deep-learning-mini-projects";

/// Runs behind each published number: "All types of neural networks were run ten times".
pub const PUBLISHED_RUNS: usize = 10;

/// The four kinds of network, in the order of the rows of a [`PublishedTable`].
pub const KINDS: [&str; 4] =
    ["Basic", "Weight sharing", "Auxiliary loss", "Weight sharing + Auxiliary loss"];

/// One of the paper's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedTable {
    /// As printed.
    pub caption: &'static str,
    /// What the claims call its networks.
    pub backbone: &'static str,
    /// As printed, from top to bottom.
    pub rows: [PublishedRow; 4],
}

/// One network in one of the paper's tables.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedRow {
    /// The network's name here.
    pub variant: &'static str,
    /// As printed: one of [`KINDS`].
    pub title: &'static str,
    /// Accuracy on the training pairs.
    pub train: Published,
    /// Accuracy on the test pairs.
    pub test: Published,
}

/// A published accuracy in percent, over [`PUBLISHED_RUNS`] runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// As printed.
    pub mean: f64,
    /// As printed: a population standard deviation (the squared deviations' sum divided by n),
    /// since that is what the authors' released code computes.
    pub std_population: f64,
    /// The runs behind them, in the notebook's order.
    pub runs: [f64; PUBLISHED_RUNS],
}

/// The paper's tables, in its order.
pub static PUBLISHED: [PublishedTable; 2] = [
    PublishedTable {
        caption: "Table 1: LeNet 5",
        backbone: "LeNet 5",
        rows: [
            row(
                ("lenet5", KINDS[0]),
                (98.38, 0.218, [98.0, 98.5, 98.5, 98.2, 98.6, 98.3, 98.8, 98.2, 98.3, 98.4]),
                (79.56, 1.18, [78.0, 80.1, 77.0, 79.5, 80.3, 80.1, 80.7, 79.6, 81.1, 79.2]),
            ),
            row(
                ("lenet5-ws", KINDS[1]),
                (99.13, 0.205, [99.6, 99.2, 98.8, 99.2, 99.1, 99.1, 99.0, 99.2, 99.2, 98.9]),
                (85.03, 1.546, [83.7, 81.4, 84.1, 85.9, 85.7, 86.5, 85.4, 86.7, 86.3, 84.6]),
            ),
            row(
                ("lenet5-al", KINDS[2]),
                (98.99, 0.137, [99.0, 99.0, 99.2, 99.0, 99.2, 98.9, 98.8, 98.9, 99.1, 98.8]),
                (93.76, 2.192, [95.0, 94.6, 93.2, 95.2, 94.8, 94.4, 93.3, 93.8, 95.7, 87.6]),
            ),
            row(
                ("lenet5-ws-al", KINDS[3]),
                (98.3, 0.3, [98.8, 98.1, 98.6, 98.3, 98.0, 98.0, 98.1, 98.8, 98.2, 98.1]),
                (95.09, 0.756, [95.7, 95.2, 96.2, 95.6, 93.8, 94.8, 95.9, 94.6, 95.1, 94.0]),
            ),
        ],
    },
    PublishedTable {
        caption: "Table 2: MLPNet",
        backbone: "MLPNet",
        rows: [
            row(
                ("mlp", KINDS[0]),
                (99.05, 0.415, [99.2, 98.9, 99.5, 98.3, 98.4, 99.0, 99.1, 99.1, 99.3, 99.7]),
                (78.75, 0.964, [77.4, 78.7, 77.5, 79.6, 78.1, 79.3, 79.9, 78.8, 77.9, 80.3]),
            ),
            row(
                ("mlp-ws", KINDS[1]),
                (98.22, 0.46, [97.7, 98.8, 98.3, 98.9, 97.7, 97.6, 98.4, 98.4, 98.6, 97.8]),
                (84.32, 0.796, [84.4, 84.5, 83.2, 83.3, 84.4, 83.1, 85.4, 84.9, 84.8, 85.2]),
            ),
            row(
                ("mlp-al", KINDS[2]),
                (98.83, 0.5, [99.1, 98.5, 99.1, 98.8, 97.5, 98.9, 99.3, 99.0, 98.8, 99.3]),
                (92.04, 1.197, [92.4, 91.4, 91.2, 92.6, 89.0, 92.6, 92.7, 92.1, 93.0, 93.4]),
            ),
            row(
                ("mlp-ws-al", KINDS[3]),
                (98.71, 0.448, [98.3, 97.8, 98.9, 99.0, 98.8, 98.9, 99.0, 98.1, 99.2, 99.1]),
                (92.87, 1.455, [92.0, 93.9, 95.0, 92.3, 94.4, 93.0, 93.7, 89.6, 92.8, 92.0]),
            ),
        ],
    },
];

/// The published row of `variant`; `None` where the paper has no such network.
pub fn published(variant: &str) -> Option<&'static PublishedRow> {
    PUBLISHED.iter().flat_map(|table| &table.rows).find(|row| row.variant == variant)
}

/// A network's name in words, "LeNet 5, weight sharing" say; `None` where the paper has none such.
pub(crate) fn title(variant: &str) -> Option<String> {
    let rows = PUBLISHED.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let (table, row) = rows.into_iter().find(|(_, row)| row.variant == variant)?;
    Some(format!("{}, {}", table.backbone, kind(row.title)))
}

/// A kind of network as part of a sentence.
pub(crate) fn kind(title: &str) -> String {
    if title == KINDS[3] { "both".to_owned() } else { title.to_lowercase() }
}

/// Mean, standard deviation and runs.
type Accuracies = (f64, f64, [f64; PUBLISHED_RUNS]);

const fn row(
    (variant, title): (&'static str, &'static str),
    train: Accuracies,
    test: Accuracies,
) -> PublishedRow {
    PublishedRow { variant, title, train: accuracy(train), test: accuracy(test) }
}

const fn accuracy((mean, std_population, runs): Accuracies) -> Published {
    Published { mean, std_population, runs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Statistics;

    /// Four of the sixteen deviations are cut off at the third decimal, where others are rounded.
    #[test]
    fn means_and_deviations_are_those_of_the_runs() {
        for row in PUBLISHED.iter().flat_map(|table| &table.rows) {
            for published in [row.train, row.test] {
                let found = Statistics::of(published.runs.to_vec());
                let mean = found.mean.unwrap() - published.mean;
                let std = found.std_population.unwrap() - published.std_population;
                assert!(mean.abs() < 1e-9, "{}: {found:?}", row.variant);
                assert!(std.abs() < 1e-3, "{}: {found:?}", row.variant);
            }
        }
    }

    #[test]
    fn each_network_of_the_paper_stands_once() {
        let mut names: Vec<_> =
            PUBLISHED.iter().flat_map(|table| table.rows.map(|row| row.variant)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 8);
        assert_eq!(published("mlp-ws").unwrap().test.mean, 84.32);
        assert_eq!(published("mlp-best"), None);
    }
}
