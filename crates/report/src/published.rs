//! The numbers that the paper published: its tables 1 and 2.

/// Runs behind each published number: "All types of neural networks were run ten times".
pub const PUBLISHED_RUNS: usize = 10;

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
    /// As printed.
    pub title: &'static str,
    /// Accuracy on the training pairs.
    pub train: Published,
    /// Accuracy on the test pairs.
    pub test: Published,
}

/// A published accuracy in percent, over [`PUBLISHED_RUNS`] runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// As printed.
    pub mean: f64,
    /// As printed: a population standard deviation (the squared deviations' sum divided by n),
    /// since that is what the authors' released code computes.
    pub std_population: f64,
}

impl Published {
    /// The standard deviation that divides by n − 1, as tests on means want it:
    /// the published one times √(n / (n − 1)).
    pub fn std_sample(self) -> f64 {
        let runs = PUBLISHED_RUNS as f64;
        self.std_population * (runs / (runs - 1.0)).sqrt()
    }
}

/// The paper's tables, in its order.
pub static PUBLISHED: [PublishedTable; 2] = [
    PublishedTable {
        caption: "Table 1: LeNet 5",
        backbone: "LeNet 5",
        rows: [
            row("lenet5", BASIC, (98.38, 0.218), (79.56, 1.18)),
            row("lenet5-ws", SHARING, (99.13, 0.205), (85.03, 1.546)),
            row("lenet5-al", AUXILIARY, (98.99, 0.137), (93.76, 2.192)),
            row("lenet5-ws-al", BOTH, (98.3, 0.3), (95.09, 0.756)),
        ],
    },
    PublishedTable {
        caption: "Table 2: MLPNet",
        backbone: "MLPNet",
        rows: [
            row("mlp", BASIC, (99.05, 0.415), (78.75, 0.964)),
            row("mlp-ws", SHARING, (98.22, 0.46), (84.32, 0.796)),
            row("mlp-al", AUXILIARY, (98.83, 0.5), (92.04, 1.197)),
            row("mlp-ws-al", BOTH, (98.71, 0.448), (92.87, 1.455)),
        ],
    },
];

/// The published row of `variant`; `None` where the paper has no such network.
pub fn published(variant: &str) -> Option<&'static PublishedRow> {
    PUBLISHED.iter().flat_map(|table| &table.rows).find(|row| row.variant == variant)
}

const BASIC: &str = "Basic";
const SHARING: &str = "Weight sharing";
const AUXILIARY: &str = "Auxiliary loss";
const BOTH: &str = "Weight sharing + Auxiliary loss";

const fn row(
    variant: &'static str,
    title: &'static str,
    train: (f64, f64),
    test: (f64, f64),
) -> PublishedRow {
    PublishedRow {
        variant,
        title,
        train: Published { mean: train.0, std_population: train.1 },
        test: Published { mean: test.0, std_population: test.1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stds_are_converted_for_ten_runs() {
        // >>> 1.18 * (10 / 9) ** 0.5
        // 1.2438292...
        let std = published("lenet5").unwrap().test.std_sample();
        assert!((std - 1.243_829).abs() < 1e-6, "{std}");
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
